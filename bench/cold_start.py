"""From nothing to the first allowed call: of a gate that starts, and of a client that has a key and no token yet.

See README.md in this folder. Everything runs on the loopback address, in a directory of its own that is removed at the end,
for a bounded time; what was started is stopped by its process id.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

import whole_process as whole

STEP_S = 0.001
ANSWER_S_MAX = 10

TOKENS = """\
---
kind: Api
name: ledger
spec:
  policy_owner: bench
  environment: bench
  match: {{ path_prefix: /ledger }}
  accept: [jwt]
  upstream: {{ urls: ["http://127.0.0.1:{upstream}"], identity: assertion }}
  operations: [{{ match: "GET /entries", class: list }}]
---
kind: Identity
name: signer
spec:
  type: workload
  owner: bench
  environment: bench
  purpose: starts from its key
  credentials: [{{ name: key, type: public_key, jwk: {jwk} }}]
---
kind: Grant
name: signer-lists
spec: {{ to: {{ identity: signer }}, api: ledger, operations: [list], until: 2099-12-31 }}
"""


def is_allowed(port: int, path: str, fields: dict[str, str]) -> bool:
    """Whether one call, on a connection of its own, is let through."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S_MAX)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=fields)
        answer = connection.getresponse()
        return answer.status == 200 and len(answer.read()) == whole.BODY_BYTES


def must_be_allowed(port: int, path: str, fields: dict[str, str]) -> None:
    if not is_allowed(port, path, fields):
        raise whole.Failed(f"{path} on port {port} is not let through")


def gate(binary: Path, directory: Path, public: int, key: str) -> float:
    """`wardgate serve`, from its start to the first call that it lets through; in milliseconds."""
    log = directory / "cold.log"
    begun = time.perf_counter()
    with whole.process(whole.PROXY_CORE, [str(binary), "serve"], directory, log) as child:
        while time.perf_counter() - begun < whole.START_S_MAX:
            if child.poll() is not None:
                raise whole.Failed(f"the gate ended with {child.returncode}:\n{log.read_text(errors='replace')}")
            with contextlib.suppress(OSError):
                if is_allowed(public, whole.PATH, {"Authorization": f"Bearer {key}"}):
                    return (time.perf_counter() - begun) * 1000
            time.sleep(STEP_S)
    raise whole.Failed("the gate lets nothing through")


def token(words: list[str], directory: Path, public: int) -> float:
    """`wardgate token`, and a call with what it gives."""
    begun = time.perf_counter()
    done = subprocess.run(words, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ANSWER_S_MAX)
    if done.returncode != 0:
        raise whole.Failed(f"`{' '.join(words)}` ended with {done.returncode}:\n{done.stderr}")
    must_be_allowed(public, "/ledger/entries", {"Authorization": f"Bearer {done.stdout.strip()}"})
    return (time.perf_counter() - begun) * 1000


def forwarder(words: list[str], directory: Path) -> float:
    """`wardgate token --proxy`, and a call through it that knows of no token."""
    begun = time.perf_counter()
    child = subprocess.Popen(words, cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = child.stdout.readline()
        if "http://127.0.0.1:" not in said:
            child.kill()
            raise whole.Failed(f"the forwarder says no address: {said}{child.stderr.read()}")
        port = int(said.split("http://127.0.0.1:")[1].split("/")[0])
        must_be_allowed(port, "/ledger/entries", {})
        return (time.perf_counter() - begun) * 1000
    finally:
        child.terminate()
        child.wait(whole.STOP_S_MAX)
        child.stdout.close()
        child.stderr.close()


def repeated(rounds: int, once: Callable[[], float]) -> list[float]:
    return sorted(once() for _ in range(rounds))


def bench(binaries: Path, directory: Path, rounds: int) -> dict[str, list[float]]:
    """Starts what is needed, and measures each way so often."""
    upstream, public, admin = whole.free_ports(3)
    binary = binaries / "wardgate"
    whole.write_configuration(directory, public, admin, upstream)
    made = subprocess.run([str(binary), "token", "--new-key", "signer.pem"], cwd=directory, capture_output=True, text=True, check=True)
    (directory / "resources" / "tokens.yaml").write_text(TOKENS.format(upstream=upstream, jwk=made.stdout.strip()))
    whole.wardgate(binary, directory, "sign-in", "--offline")
    log = directory / "upstream.log"
    issuer = f"http://127.0.0.1:{public}"
    ask = [str(binary), "token", "--issuer", issuer, "--client", "signer", "--key", "signer.pem", "--resource", f"{issuer}/ledger"]
    command = [str(binaries / "examples" / "upstream"), f"127.0.0.1:{upstream}", str(whole.BODY_BYTES)]
    with whole.process(whole.LOAD_CORE, command, directory, log) as child:
        whole.wait_for(("127.0.0.1", upstream), child, log)
        served = directory / "wardgate.log"
        with whole.process(whole.PROXY_CORE, [str(binary), "serve"], directory, served) as serving:
            whole.wait_for(("127.0.0.1", public), serving, served)
            key = str(whole.wardgate(binary, directory, "credential", "issue", "bench-client")["key"])
            must_be_allowed(public, whole.PATH, {"Authorization": f"Bearer {key}"})
            clients = {
                "token": repeated(rounds, lambda: token(ask, directory, public)),
                "forwarder": repeated(rounds, lambda: forwarder([*ask, "--proxy", "127.0.0.1:0"], directory)),
                "forwarder, bound": repeated(rounds, lambda: forwarder([*ask, "--proxy", "127.0.0.1:0", "--bound"], directory)),
            }
        return {"gate": repeated(rounds, lambda: gate(binary, directory, public, key)), **clients}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/cold-start.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=20, choices=range(1, 201), metavar="1..200", help="starts of each (default 20)")
    parser.add_argument("--json", type=Path, help="write every figure to this file too")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="wardgate-bench-") as directory:
        try:
            figures = bench(options.binaries.resolve(), Path(directory), options.rounds)
        except (whole.Failed, subprocess.SubprocessError, OSError) as error:
            print(f"the measurement failed: {error}", file=sys.stderr)
            return whole.FAILED
    print(f"{'to the first allowed call, ms':<30} {'least':>8} {'median':>8} {'most':>8}")
    for name, took in figures.items():
        print(f"{name:<30} {took[0]:>8.1f} {took[len(took) // 2]:>8.1f} {took[-1]:>8.1f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
