"""CPU per request of `wardgate serve` beside a plain proxy, in interleaved pairs. See README.md in this folder.

Everything runs on the loopback address, in a directory of its own that is removed at the end, for a bounded time; what was
started is stopped by its process id.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Iterator

PROXY_CORE, LOAD_CORE = "0", "1"
CONNECTIONS = 64
BODY_BYTES = 1024
WARM_UP_S = 1
START_S_MAX = 20
STOP_S_MAX = 15
COMMAND_S_MAX = 60
RATIO_AIM = 1.4
WRITER = "wardgate-audit"
PATH = "/things0/42"
FAILED, ABOVE_AIM = 1, 3

CONFIGURATION = """\
listeners: [{{ name: public, address: 127.0.0.1:{public}, public_url: http://127.0.0.1:{public} }}]
admin: {{ address: 127.0.0.1:{admin} }}
store: {{ url: sqlite:wardgate.db }}
audit: {{ directory: audit/ }}
secrets: {{ key: file:wardgate.key }}
resources: [resources/]
edge: {{ threads: 1 }}
"""

RESOURCES = """\
kind: Owner
name: bench
spec: {{ accountable: bench@example.com }}
---
kind: Environment
name: bench
spec: {{ production: true }}
---
kind: Api
name: things
spec:
  policy_owner: bench
  environment: bench
  match: {{ path_prefix: / }}
  audit: required
  upstream: {{ urls: ["http://127.0.0.1:{upstream}"], identity: assertion }}
  operations:
{operations}
---
kind: Identity
name: bench-client
spec:
  type: service_account
  owner: bench
  environment: bench
  purpose: loads the gate
  credentials: [{{ name: main, type: api_key, expires_in: 1d }}]
"""

OPERATION = '    - {{ match: "GET /things{n}/{{id}}", class: read, resource: path.id }}'

GRANT = """\
---
kind: Grant
name: bench-{n}
spec: {{ to: {{ identity: bench-client }}, api: things, operations: ["GET /things{n}/{{id}}"], until: 2099-12-31 }}
"""

# In the place of the shipped limits, so that exactly these count the request and none of them refuses it.
LIMIT = """\
---
kind: Limit
name: "{name}"
spec: {{ per: {per}, rate: 500000/s, burst: 500000 }}
"""

LIMITS = [("default:identity", "identity"), ("default:api", "api")]
SOURCE_LIMIT = ("default:source", "source")
GRANTS = 10


class Failed(Exception):
    """Something that makes the figures worthless."""


@dataclass
class Run:
    """One load on one proxy."""

    requests: int
    seconds: float
    cpu_us: float
    writer_us: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    @property
    def per_request_us(self) -> float:
        return self.cpu_us / self.requests

    @property
    def writer_per_request_us(self) -> float:
        return self.writer_us / self.requests


def free_ports(count: int) -> list[int]:
    """Ports that nobody has at the moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextlib.contextmanager
def process(core: str, command: list[str], directory: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a command on one core, and ends it by its id."""
    with log.open("wb") as out:
        child = subprocess.Popen(["taskset", "-c", core, *command], cwd=directory, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            yield child
        finally:
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def wait_for(address: tuple[str, int], child: subprocess.Popen[bytes], log: Path) -> None:
    """Waits until somebody listens, or the process is gone."""
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise Failed(f"the process ended with {child.returncode}:\n{log.read_text(errors='replace')}")
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=1):
            return
        time.sleep(0.05)
    raise Failed(f"nobody listens on {address[0]}:{address[1]} after {START_S_MAX} s:\n{log.read_text(errors='replace')}")


def cpu_us(pid: int) -> tuple[float, float]:
    """CPU time so far of a process without its writer, and of the writer, in microseconds.

    `schedstat` counts nanoseconds; where the kernel does not keep it, `stat` counts clock ticks.
    """
    ticks_us = 1e6 / os.sysconf("SC_CLK_TCK")
    others = writer = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        try:
            spent = int((task / "schedstat").read_text().split()[0]) / 1000
        except OSError:
            # Fields 14 and 15 of the whole line; the name before them may hold blanks.
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            spent = (int(fields[11]) + int(fields[12])) * ticks_us
        if name == WRITER:
            writer += spent
        else:
            others += spent
    return others, writer


def load(port: int, key: str, seconds: int) -> tuple[int, float]:
    """Loads a proxy; gives requests answered and seconds taken. Any failure makes the run worthless."""
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-H", f"Authorization: Bearer {key}"]
    text = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{PATH}"], check=True, capture_output=True, text=True, timeout=seconds + COMMAND_S_MAX
    ).stdout
    for trouble in ("Non-2xx or 3xx responses", "Socket errors"):
        if trouble in text:
            raise Failed(f"requests failed on port {port}:\n{text}")
    found = re.search(r"(\d+) requests in ([\d.]+)(ms|s|m),", text)
    if not found or int(found[1]) == 0:
        raise Failed(f"no requests were answered on port {port}:\n{text}")
    return int(found[1]), float(found[2]) * {"ms": 0.001, "s": 1, "m": 60}[found[3]]


def measure(child: subprocess.Popen[bytes], port: int, key: str, seconds: int) -> Run:
    """One load, and what it cost the process behind the port."""
    load(port, key, WARM_UP_S)
    before = cpu_us(child.pid)
    requests, took = load(port, key, seconds)
    if child.poll() is not None:
        raise Failed(f"the process behind port {port} ended with {child.returncode}")
    after = cpu_us(child.pid)
    return Run(requests, took, after[0] - before[0], after[1] - before[1])


def write_configuration(directory: Path, public: int, admin: int, upstream: int) -> None:
    """Everything `wardgate serve` needs, in clear text HTTP."""
    (directory / "resources").mkdir()
    (directory / "wardgate.yaml").write_text(CONFIGURATION.format(public=public, admin=admin))
    key = directory / "wardgate.key"
    key.touch(mode=0o600)
    key.write_text(secrets.token_hex(32) + "\n")
    operations = "\n".join(OPERATION.format(n=n) for n in range(GRANTS))
    text = RESOURCES.format(upstream=upstream, operations=operations)
    text += "".join(GRANT.format(n=n) for n in range(GRANTS))
    text += "".join(LIMIT.format(name=name, per=per) for name, per in [*LIMITS, SOURCE_LIMIT])
    (directory / "resources" / "bench.yaml").write_text(text)


def wardgate(binary: Path, directory: Path, *words: str) -> dict[str, object]:
    """A command of the CLI, in the directory of the configuration; its JSON."""
    command = [str(binary), *words, "--output", "json"]
    done = subprocess.run(command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_S_MAX)
    if done.returncode != 0:
        raise Failed(f"`wardgate {' '.join(words)}` ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


def check_answer(port: int, key: str, of: str) -> None:
    """One request must bring the upstream's answer, and one without a key must not pass Wardgate."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{PATH}", headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        if len(answer.read()) != BODY_BYTES:
            raise Failed(f"{of} does not give the upstream's answer")
    if of == "wardgate":
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{PATH}", timeout=5).close()
        except urllib.error.HTTPError as refusal:
            if refusal.code == 401:
                return
        raise Failed("wardgate does not refuse a request without a key")


def report(pairs: list[tuple[Run, Run]]) -> dict[str, float]:
    """Prints the table, gives the medians."""
    print(f"{'pair':>4}  {'plain req/s':>11}  {'plain µs':>8}  {'gate req/s':>10}  {'gate µs':>8}  {'writer µs':>9}  {'ratio':>6}")
    for n, (plain, gate) in enumerate(pairs, 1):
        ratio = gate.per_request_us / plain.per_request_us
        print(
            f"{n:>4}  {plain.rate:>11.0f}  {plain.per_request_us:>8.2f}  {gate.rate:>10.0f}  {gate.per_request_us:>8.2f}"
            f"  {gate.writer_per_request_us:>9.2f}  {ratio:>6.3f}"
        )
    medians = {
        "plain_requests_s": statistics.median(plain.rate for plain, _ in pairs),
        "plain_cpu_us": statistics.median(plain.per_request_us for plain, _ in pairs),
        "gate_requests_s": statistics.median(gate.rate for _, gate in pairs),
        "gate_cpu_us": statistics.median(gate.per_request_us for _, gate in pairs),
        "writer_cpu_us": statistics.median(gate.writer_per_request_us for _, gate in pairs),
        "ratio": statistics.median(gate.per_request_us / plain.per_request_us for plain, gate in pairs),
    }
    print(
        f"{'med':>4}  {medians['plain_requests_s']:>11.0f}  {medians['plain_cpu_us']:>8.2f}  {medians['gate_requests_s']:>10.0f}"
        f"  {medians['gate_cpu_us']:>8.2f}  {medians['writer_cpu_us']:>9.2f}  {medians['ratio']:>6.3f}   (aim: at most {RATIO_AIM})"
    )
    return medians


def bench(binaries: Path, directory: Path, pairs: int, seconds: int) -> list[tuple[Run, Run]]:
    """Starts everything and measures the pairs, each time the other one first."""
    upstream, plain, public, admin = free_ports(4)
    gate_binary = binaries / "wardgate"
    write_configuration(directory, public, admin, upstream)
    # Leaves a sign-in credential in the profile beside the configuration, which the first command swaps for a session.
    wardgate(gate_binary, directory, "sign-in", "--offline")
    logs = {name: directory / f"{name}.log" for name in ("upstream", "plain", "wardgate")}
    with contextlib.ExitStack() as stack:

        def start(name: str, core: str, port: int, *command: str) -> subprocess.Popen[bytes]:
            child = stack.enter_context(process(core, list(command), directory, logs[name]))
            wait_for(("127.0.0.1", port), child, logs[name])
            return child

        start("upstream", LOAD_CORE, upstream, str(binaries / "examples" / "upstream"), f"127.0.0.1:{upstream}", str(BODY_BYTES))
        plain_child = start(
            "plain", PROXY_CORE, plain, str(binaries / "examples" / "plain_proxy"), f"127.0.0.1:{plain}", f"127.0.0.1:{upstream}"
        )
        gate_child = start("wardgate", PROXY_CORE, public, str(gate_binary), "serve")
        key = str(wardgate(gate_binary, directory, "credential", "issue", "bench-client")["key"])
        check_answer(plain, key, "the plain proxy")
        check_answer(public, key, "wardgate")
        runs = []
        for n in range(pairs):
            order = [(plain_child, plain), (gate_child, public)]
            if n % 2:
                order.reverse()
            done = {port: measure(child, port, key, seconds) for child, port in order}
            if done[public].writer_us == 0:
                raise Failed(f"no thread `{WRITER}` of wardgate worked: its CPU could not be told apart")
            runs.append((done[plain], done[public]))
        return runs


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/whole-process.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--pairs", type=int, default=5, choices=range(1, 51), metavar="1..50", help="interleaved pairs (default 5)")
    parser.add_argument("--seconds", type=int, default=4, choices=range(1, 61), metavar="1..60", help="seconds of each load (default 4)")
    parser.add_argument("--json", type=Path, help="write every figure to this file too")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="wardgate-bench-") as directory:
        try:
            runs = bench(options.binaries.resolve(), Path(directory), options.pairs, options.seconds)
        except (Failed, subprocess.SubprocessError, OSError) as error:
            print(f"the measurement failed: {error}", file=sys.stderr)
            return FAILED
    medians = report(runs)
    if options.json:
        figures = {"pairs": [{"plain": asdict(plain), "gate": asdict(gate)} for plain, gate in runs], "medians": medians}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return ABOVE_AIM if medians["ratio"] > RATIO_AIM else 0


if __name__ == "__main__":
    sys.exit(main())
