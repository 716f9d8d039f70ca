"""How fast a containment bites, under load: the first refusal after it was acknowledged, and the last byte of open streams.

See README.md in this folder. Everything runs on the loopback address, in a directory of its own that is removed at the end,
for a bounded time; what was started is stopped by its process id.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

import whole_process as whole

AIM_MS = 5.0
STREAM_STEP_S = 0.001
SETTLE_S = 0.05
ANSWER_S_MAX = 10

STREAMS = """\
---
kind: Api
name: streams
spec:
  policy_owner: bench
  environment: bench
  match: {{ path_prefix: /streams }}
  upstream: {{ urls: ["http://127.0.0.1:{streaming}"], identity: assertion }}
  operations:
    - {{ match: "GET /{{id}}", class: read, resource: path.id }}
"""

VICTIM = """\
---
kind: Identity
name: victim-{n}
spec:
  type: service_account
  owner: bench
  environment: bench
  purpose: is stopped by the measurement
  credentials: [{{ name: main, type: api_key, expires_in: 1d }}]
---
kind: Grant
name: victim-{n}-things
spec: {{ to: {{ identity: victim-{n} }}, api: things, operations: ["GET /things0/{{id}}"], until: 2099-12-31 }}
---
kind: Grant
name: victim-{n}-streams
spec: {{ to: {{ identity: victim-{n} }}, api: streams, operations: ["GET /{{id}}"], until: 2099-12-31 }}
"""


@dataclass
class Bite:
    """One containment, in milliseconds after it was acknowledged (less than nothing: before that)."""

    name: str
    acknowledged_at_us: float
    acknowledged_after_ms: float
    first_refusal_ms: float
    refusal_took_ms: float
    served_since: int
    last_byte_ms: list[float]
    last_admitted_ms: float | None = None


class Streaming:
    """An upstream that sends a piece of an endless answer every millisecond on each connection."""

    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            with contextlib.suppress(OSError):
                client, _ = self.listener.accept()
                threading.Thread(target=self.stream, args=(client,), daemon=True).start()

    def stream(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            seen = b""
            while b"\r\n\r\n" not in seen:
                seen += client.recv(4096)
            client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                client.sendall(b"4\r\nping\r\n")
                time.sleep(STREAM_STEP_S)


def request(path: str, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


class Stream(threading.Thread):
    """Reads an open stream until it ends, and knows when the last byte came."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(daemon=True)
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S_MAX)
        self.connection.sendall(request("/streams/1", key))
        begun = self.connection.recv(65536)
        if b" 200 " not in begun.split(b"\r\n")[0]:
            raise whole.Failed(f"a stream was refused before its caller was stopped: {begun.decode(errors='replace')}")
        self.last = time.perf_counter()
        self.failure: str | None = None
        self.start()

    def run(self) -> None:
        try:
            with self.connection:
                while self.connection.recv(65536):
                    self.last = time.perf_counter()
        except TimeoutError:
            self.failure = "a stream of a stopped caller neither went on nor ended"
        except OSError:
            # A reset is an end too.
            pass


class Caller(threading.Thread):
    """Calls one request after another on one connection until it is refused."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(daemon=True)
        self.port, self.key = port, key
        self.served: list[float] = []
        self.sent = 0.0
        self.refused: float | None = None
        self.start()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S_MAX)
        with contextlib.closing(connection):
            while True:
                begun = self.sent = time.perf_counter()
                try:
                    connection.request("GET", whole.PATH, headers={"Authorization": f"Bearer {self.key}"})
                    answer = connection.getresponse()
                    answer.read()
                    status = answer.status
                except (http.client.HTTPException, ConnectionError):
                    # Cut: the stop came between the head of the answer and its body.
                    status = None
                if status != 200:
                    self.refused = time.perf_counter()
                    return
                self.served.append(begun)


def contain(admin: http.client.HTTPConnection, token: str, name: str) -> None:
    """Stops an identity; back when that is acknowledged."""
    body = json.dumps({"kind": "identity", "name": name, "reason": "measured"})
    fields = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": f"bench-{name}"}
    admin.request("POST", "/api/v1/containments", body, fields)
    answer = admin.getresponse()
    text = answer.read().decode(errors="replace")
    if answer.status not in (200, 201):
        raise whole.Failed(f"the containment of {name} was answered {answer.status}: {text}")


def bite(admin: http.client.HTTPConnection, token: str, name: str, port: int, key: str, streams: int) -> Bite:
    """Stops one identity that calls and has streams open."""
    open_streams = [Stream(port, key) for _ in range(streams)]
    caller = Caller(port, key)
    time.sleep(SETTLE_S)
    begun = time.perf_counter()
    contain(admin, token, name)
    acknowledged, acknowledged_at_us = time.perf_counter(), time.time() * 1e6
    for thread in [caller, *open_streams]:
        thread.join(ANSWER_S_MAX)
    if caller.refused is None or any(stream.is_alive() for stream in open_streams):
        raise whole.Failed(f"{name} still calls, or its streams still run, {ANSWER_S_MAX} s after it was stopped")
    for failure in filter(None, (stream.failure for stream in open_streams)):
        raise whole.Failed(failure)
    since = lambda at: (at - acknowledged) * 1000
    return Bite(
        name=name,
        acknowledged_at_us=acknowledged_at_us,
        acknowledged_after_ms=(acknowledged - begun) * 1000,
        first_refusal_ms=since(caller.refused),
        refusal_took_ms=(caller.refused - max(caller.sent, acknowledged)) * 1000,
        served_since=sum(at > acknowledged for at in caller.served),
        last_byte_ms=[since(stream.last) for stream in open_streams],
    )


def last_admitted(gate: Path, audit: Path, bites: list[Bite]) -> None:
    """Looks into the gate's own record for the last request of each that it let through, by when its head was there."""
    admitted: dict[str, float] = {}
    # The tail is what is hashed, column by column: only `wardgate audit` reads it, from the directory, without the process.
    told = subprocess.run([gate, "audit", "export", "--directory", audit], check=True, capture_output=True, text=True).stdout
    for line in told.splitlines():
        if "victim-" not in line:
            continue
        event = json.loads(line)
        if event["kind"] == "request" and event["ruling"]["response"] == "allow" and event["client_status"] == 200:
            name = event["identity"]["name"]
            admitted[name] = max(admitted.get(name, 0.0), event["time_us"])
    for bite in bites:
        if bite.name in admitted:
            bite.last_admitted_ms = (admitted[bite.name] - bite.acknowledged_at_us) / 1000


@contextlib.contextmanager
def loaded(port: int, key: str, connections: int) -> Iterator[None]:
    """Keeps a load on the gate meanwhile."""
    if connections == 0:
        yield
        return
    fields = ["-H", f"Authorization: Bearer {key}"]
    command = ["taskset", "-c", whole.LOAD_CORE, "wrk", "-t1", f"-c{connections}", "-d600s", *fields, f"http://127.0.0.1:{port}{whole.PATH}"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.kill()
        child.wait()


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(bites: list[Bite]) -> dict[str, dict[str, float]]:
    """Prints the distributions, gives them."""
    of = {
        "acknowledged_after_ms": [bite.acknowledged_after_ms for bite in bites],
        "first_refusal_ms": [bite.first_refusal_ms for bite in bites],
        "refusal_took_ms": [bite.refusal_took_ms for bite in bites if bite.refusal_took_ms >= 0],
        "last_admitted_ms": [bite.last_admitted_ms for bite in bites if bite.last_admitted_ms is not None],
        "last_byte_ms": [value for bite in bites for value in bite.last_byte_ms],
    }
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    print(f"{'':>22}  {'n':>5}" + "".join(f"  {name:>8}" for name in shares))
    figures = {}
    for name, values in of.items():
        if not values:
            continue
        figures[name] = {short: percentile(values, share) for short, share in shares.items()}
        print(f"{name:>22}  {len(values):>5}" + "".join(f"  {value:>8.2f}" for value in figures[name].values()))
    served = sum(bite.served_since for bite in bites)
    print(f"requests sent after the acknowledgement and served all the same: {served}   (aim: none; first refusal at p99: {AIM_MS} ms)")
    figures["served_since"] = {"sum": served}
    return figures


def bench(binaries: Path, directory: Path, options: argparse.Namespace) -> list[Bite]:
    upstream, streaming, public, admin = whole.free_ports(4)
    gate = binaries / "wardgate"
    whole.write_configuration(directory, public, admin, upstream)
    resources = directory / "resources" / "bench.yaml"
    victims = "".join(VICTIM.format(n=n) for n in range(options.rounds))
    resources.write_text(resources.read_text() + STREAMS.format(streaming=streaming) + victims)
    whole.wardgate(gate, directory, "sign-in", "--offline")
    Streaming(streaming)
    logs = {name: directory / f"{name}.log" for name in ("upstream", "wardgate")}
    with contextlib.ExitStack() as stack:

        def start(name: str, core: str, port: int, *command: str) -> None:
            child = stack.enter_context(whole.process(core, list(command), directory, logs[name]))
            whole.wait_for(("127.0.0.1", port), child, logs[name])

        start("upstream", whole.LOAD_CORE, upstream, str(binaries / "examples" / "upstream"), f"127.0.0.1:{upstream}", str(whole.BODY_BYTES))
        start("wardgate", whole.PROXY_CORE, public, str(gate), "serve")
        issue = lambda name: str(whole.wardgate(gate, directory, "credential", "issue", name)["key"])
        key = issue("bench-client")
        keys = {f"victim-{n}": issue(f"victim-{n}") for n in range(options.rounds)}
        token = json.loads((directory / ".wardgate" / "profile.json").read_text())["session"]
        stack.enter_context(loaded(public, key, options.connections))
        management = stack.enter_context(contextlib.closing(http.client.HTTPConnection("127.0.0.1", admin, timeout=ANSWER_S_MAX)))
        bites = [bite(management, token, name, public, one, options.streams) for name, one in keys.items()]
    # The gate has ended, and its record is whole.
    last_admitted(gate, directory / "audit", bites)
    return bites


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/containment.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=100, choices=range(1, 1001), metavar="1..1000", help="containments (default 100)")
    parser.add_argument("--streams", type=int, default=5, choices=range(0, 33), metavar="0..32", help="open streams of each (default 5)")
    parser.add_argument("--connections", type=int, default=32, choices=range(0, 257), metavar="0..256", help="of the load (default 32)")
    parser.add_argument("--json", type=Path, help="write every figure to this file too")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="wardgate-bench-") as directory:
        try:
            bites = bench(options.binaries.resolve(), Path(directory), options)
        except (whole.Failed, subprocess.SubprocessError, OSError, http.client.HTTPException) as error:
            print(f"the measurement failed: {error}", file=sys.stderr)
            return whole.FAILED
    figures = report(bites)
    if options.json:
        options.json.write_text(json.dumps({"bites": [vars(bite) for bite in bites], "figures": figures}, indent=2) + "\n")
    late = figures["served_since"]["sum"] > 0 or figures["first_refusal_ms"]["p99"] > AIM_MS
    late = late or figures.get("last_admitted_ms", {}).get("max", 0.0) > 0
    return whole.ABOVE_AIM if late else 0


if __name__ == "__main__":
    sys.exit(main())
