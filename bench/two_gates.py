"""How soon one gate refuses what was stopped at another one: two gates on one PostgreSQL. See README.md in this folder.

Everything runs on the loopback address and a socket of its own, in a directory that is removed at the end, for a bounded time;
what was started is stopped by its process id.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import http.client
import json
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import whole_process as whole

HOST = "gate.bench"
SETTLE_S = 0.02
KNOWN_S_MAX = 30
ANSWER_S_MAX = 30
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"

# Two gates that clients know by one name.
CONFIGURATION = """\
listeners: [{{ name: public, address: 127.0.0.1:{public}, public_url: "http://gate.bench" }}]
admin: {{ address: 127.0.0.1:{admin} }}
issuer: {{ url: "http://gate.bench" }}
store: {{ url: "{database}" }}
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
name: orders
spec:
  policy_owner: bench
  environment: bench
  match: {{ path_prefix: /orders }}
  accept: [jwt, api_key]
  upstream: {{ urls: ["http://127.0.0.1:{upstream}"] }}
  operations: [{{ match: "GET /all", class: list }}]
---
kind: Api
name: ledger
spec:
  policy_owner: bench
  environment: bench
  match: {{ path_prefix: /ledger }}
  accept: [jwt, api_key]
  upstream: {{ urls: ["http://127.0.0.1:{upstream}"] }}
  operations: [{{ match: "GET /all", class: list }}]
"""

IDENTITY = """\
---
kind: Identity
name: {name}
spec:
  type: service_account
  owner: bench
  environment: bench
  purpose: is stopped by the measurement
  serves: {serves}
  credentials: [{{ name: main, type: api_key, expires_in: 1d }}]
---
kind: Grant
name: {name}-orders
spec: {{ to: {{ identity: {name} }}, api: orders, operations: [list] }}
---
kind: Grant
name: {name}-ledger
spec: {{ to: {{ identity: {name} }}, api: ledger, operations: [list] }}
"""


@dataclass
class Stop:
    """One stop, in milliseconds after the gate that was told acknowledged it (less than nothing: before that)."""

    kind: str
    acknowledged_after_ms: float
    first_refusal_ms: float
    served_since: int


class Gate:
    """A gate, as its clients and its operator reach it."""

    def __init__(self, public: int, admin: int) -> None:
        self.public, self.admin = public, admin
        self.session = ""

    def ask(self, port: int, what: str, fields: dict[str, str], body: str = "") -> tuple[int, str]:
        method, path = what.split(" ", 1)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S_MAX)
        with contextlib.closing(connection):
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            return answer.status, answer.read().decode(errors="replace")

    def manage(self, what: str, body: object = None) -> dict[str, object]:
        fields = {"Authorization": f"Bearer {self.session}", "Idempotency-Key": secrets.token_hex(8)}
        if body is not None:
            fields["Content-Type"] = "application/json"
        status, text = self.ask(self.admin, what, fields, json.dumps(body) if body is not None else "")
        if status not in (200, 201):
            raise whole.Failed(f"`{what}` was answered {status}: {text}")
        return json.loads(text)

    def oauth(self, endpoint: str, client: str, key: str, form: dict[str, str]) -> dict[str, object]:
        basic = base64.b64encode(f"{client}:{key}".encode()).decode()
        fields = {"Host": HOST, "Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        status, text = self.ask(self.public, f"POST /oauth/{endpoint}", fields, urllib.parse.urlencode(form))
        if status != 200:
            raise whole.Failed(f"/oauth/{endpoint} answered {status} to {client}: {text}")
        return json.loads(text) if text else {}

    def call(self, shown: str) -> int:
        return self.ask(self.public, "GET /ledger/all", {"Host": HOST, "Authorization": f"Bearer {shown}"})[0]


class Caller(threading.Thread):
    """Calls one request after another on one connection until it is refused."""

    def __init__(self, gate: Gate, shown: str) -> None:
        super().__init__(daemon=True)
        self.port, self.shown = gate.public, shown
        self.served: list[float] = []
        self.refused: float | None = None
        self.start()

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S_MAX)
        with contextlib.closing(connection):
            while True:
                begun = time.perf_counter()
                try:
                    connection.request("GET", "/ledger/all", headers={"Host": HOST, "Authorization": f"Bearer {self.shown}"})
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


def until_known(gate: Gate, shown: str) -> None:
    """What was issued at one gate is known to the other as soon as the feed has told it."""
    deadline = time.monotonic() + KNOWN_S_MAX
    while gate.call(shown) != 200:
        if time.monotonic() > deadline:
            raise whole.Failed("the other gate does not know what was issued at the first")
        time.sleep(SETTLE_S)


def stop(kind: str, other: Gate, shown: str, act: Callable[[], object]) -> Stop:
    """Stops something at one gate while it is used at the other."""
    until_known(other, shown)
    caller = Caller(other, shown)
    time.sleep(SETTLE_S)
    begun = time.perf_counter()
    act()
    acknowledged = time.perf_counter()
    caller.join(ANSWER_S_MAX)
    if caller.refused is None:
        raise whole.Failed(f"what was stopped ({kind}) is still served by the other gate {ANSWER_S_MAX} s later")
    return Stop(
        kind=kind,
        acknowledged_after_ms=(acknowledged - begun) * 1000,
        first_refusal_ms=(caller.refused - acknowledged) * 1000,
        served_since=sum(at > acknowledged for at in caller.served),
    )


def rounds(one: Gate, other: Gate, count: int) -> list[Stop]:
    """Each kind of stop in turn."""
    issue = lambda name: one.manage("POST /api/v1/credentials", {"identity": name, "reason": "measured"})
    front, back = (str(issue(name)["key"]) for name in ("front", "back"))
    stops = []
    for n in range(count):
        leaked = issue(f"contained-{n}")
        body = {"kind": "credential", "name": leaked["id"], "reason": "measured"}
        stops.append(stop("contain credential", other, str(leaked["key"]), lambda: one.manage("POST /api/v1/containments", body)))

        leaked = issue(f"revoked-{n}")
        path = f"/api/v1/credentials/{leaked['id']}?reason=measured"
        stops.append(stop("credential revoke", other, str(leaked["key"]), lambda: one.manage(f"DELETE {path}")))

        form = {"grant_type": "client_credentials", "resource": f"http://{HOST}/orders"}
        parent = str(one.oauth("token", "front", front, form)["access_token"])
        form = {"grant_type": EXCHANGE, "subject_token": parent, "subject_token_type": ACCESS_TOKEN, "resource": f"http://{HOST}/ledger"}
        child = str(one.oauth("token", "back", back, form)["access_token"])
        stops.append(stop("parent of a token", other, child, lambda: one.oauth("revoke", "front", front, {"token": parent})))
    return stops


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def report(stops: list[Stop], lag: str) -> dict[str, dict[str, float]]:
    """Prints the distributions, gives them."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "max": 1.0}
    print(f"{'':>20}  {'':>22}  {'n':>5}" + "".join(f"  {name:>8}" for name in shares) + f"  {'served':>6}")
    figures = {}
    for kind in dict.fromkeys(one.kind for one in stops):
        of = [one for one in stops if one.kind == kind]
        for name in ("acknowledged_after_ms", "first_refusal_ms"):
            values = [getattr(one, name) for one in of]
            told = figures[f"{kind}: {name}"] = {short: percentile(values, share) for short, share in shares.items()}
            served = sum(one.served_since for one in of) if name == "first_refusal_ms" else ""
            print(f"{kind:>20}  {name:>22}  {len(of):>5}" + "".join(f"  {value:>8.1f}" for value in told.values()) + f"  {served:>6}")
    print(f"as the other gate itself counts it, from the record to its being in force there: {lag}")
    return figures


def lag(gate: Gate) -> str:
    """The mean of what the gate counts."""
    text = gate.ask(gate.admin, "GET /metrics", {})[1]
    total, count = (re.search(rf"^wardgate_revocation_lag_seconds_{end} (\S+)$", text, re.MULTILINE) for end in ("sum", "count"))
    if not total or not count or float(count[1]) == 0:
        raise whole.Failed("the gate does not say how long stops took")
    return f"{float(total[1]) / float(count[1]) * 1000:.1f} ms in the mean of {count[1]}"


def write(directory: Path, ports: tuple[int, int, int], database: str, key: str, count: int) -> None:
    public, admin, upstream = ports
    (directory / "resources").mkdir(parents=True)
    (directory / "wardgate.yaml").write_text(CONFIGURATION.format(public=public, admin=admin, database=database))
    file = directory / "wardgate.key"
    file.touch(mode=0o600)
    file.write_text(key + "\n")
    names = [f"{what}-{n}" for what in ("contained", "revoked") for n in range(count)]
    text = RESOURCES.format(upstream=upstream) + "".join(IDENTITY.format(name=name, serves="[]") for name in names)
    text += IDENTITY.format(name="front", serves="[]") + IDENTITY.format(name="back", serves="[orders]")
    text += "".join(whole.LIMIT.format(name=name, per=per) for name, per in [*whole.LIMITS, whole.SOURCE_LIMIT])
    (directory / "resources" / "bench.yaml").write_text(text)


def bench(binaries: Path, directory: Path, count: int) -> tuple[list[Stop], str]:
    upstream, *ports = whole.free_ports(5)
    gates = [Gate(*ports[:2]), Gate(*ports[2:])]
    binary, key = binaries / "wardgate", secrets.token_hex(32)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(
            subprocess.Popen([binaries / "examples" / "postgres"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        )
        assert server.stdin and server.stdout
        stack.callback(server.stdin.close)
        database = server.stdout.readline().strip()
        if not database:
            raise whole.Failed("PostgreSQL did not start")
        places = [directory / name for name in ("one", "other")]
        for place, gate in zip(places, gates):
            write(place, (gate.public, gate.admin, upstream), database, key, count)
        whole.wardgate(binary, places[0], "sign-in", "--offline")

        def start(name: str, core: str, port: int, place: Path, *command: str) -> None:
            log = directory / f"{name}.log"
            child = stack.enter_context(whole.process(core, list(command), place, log))
            whole.wait_for(("127.0.0.1", port), child, log)

        echo = (str(binaries / "examples" / "upstream"), f"127.0.0.1:{upstream}", str(whole.BODY_BYTES))
        start("upstream", whole.LOAD_CORE, upstream, directory, *echo)
        for name, core, place, gate in zip(("one", "other"), (whole.PROXY_CORE, whole.LOAD_CORE), places, gates):
            start(name, core, gate.public, place, str(binary), "serve")
        # The first command swaps the sign-in credential for a session.
        whole.wardgate(binary, places[0], "get", "apis")
        gates[0].session = json.loads((places[0] / ".wardgate" / "profile.json").read_text())["session"]
        stops = rounds(gates[0], gates[1], count)
        return stops, lag(gates[1])


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/two-gates.sh", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binaries", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=100, choices=range(1, 301), metavar="1..300", help="stops of each kind (default 100)")
    parser.add_argument("--json", type=Path, help="write every figure to this file too")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="wardgate-bench-") as directory:
        try:
            stops, told = bench(options.binaries.resolve(), Path(directory), options.rounds)
        except (whole.Failed, subprocess.SubprocessError, OSError, http.client.HTTPException) as error:
            print(f"the measurement failed: {error}", file=sys.stderr)
            return whole.FAILED
    figures = report(stops, told)
    if options.json:
        options.json.write_text(json.dumps({"stops": [vars(one) for one in stops], "figures": figures}, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
