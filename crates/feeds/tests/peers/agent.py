"""An agent of the SPIFFE Workload API, by PyPI `grpcio`: `agent.py SOCKET`. Each line of its input is what it says from then on,
`{"x509": {DOMAIN: BASE64}, "jwt": {DOMAIN: TEXT}}`; `refuse` makes it refuse, `hang` makes it end its streams."""

import base64
import json
import sys
import threading
from concurrent import futures

import grpc

said = threading.Condition()
state = {"version": 0, "x509": {}, "jwt": {}, "refuse": False, "ends": 0}


def varint(number):
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(number, bundles):
    return b"".join(field(number, field(1, domain.encode()) + field(2, bundle)) for domain, bundle in bundles.items())


def stream(kind, number):
    def answer(request, context):
        if ("workload.spiffe.io", "true") not in [(one.key, one.value) for one in context.invocation_metadata()]:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "security header missing from request")
        seen, gone = 0, threading.Event()
        ends = state["ends"]
        context.add_callback(gone.set)
        while not gone.is_set():
            with said:
                said.wait_for(lambda: state["version"] != seen or gone.is_set(), timeout=0.2)
                if state["refuse"]:
                    context.abort(grpc.StatusCode.PERMISSION_DENIED, "no identity issued")
                if state["ends"] != ends:
                    return
                if state["version"] == seen:
                    continue
                seen, bundles = state["version"], dict(state[kind])
            yield message(number, bundles)

    return grpc.unary_stream_rpc_method_handler(answer)


METHODS = {
    "/SpiffeWorkloadAPI/FetchX509Bundles": stream("x509", 2),
    "/SpiffeWorkloadAPI/FetchJWTBundles": stream("jwt", 1),
}


class Service(grpc.GenericRpcHandler):
    def service(self, details):
        return METHODS.get(details.method)


server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), handlers=(Service(),))
server.add_insecure_port("unix:" + sys.argv[1])
server.start()
print("ready", flush=True)
for line in sys.stdin:
    with said:
        line = line.strip()
        state["refuse"] = line == "refuse"
        if line == "hang":
            state["ends"] += 1
        elif line != "refuse":
            told = json.loads(line)
            state["x509"] = {domain: base64.b64decode(bundle) for domain, bundle in told["x509"].items()}
            state["jwt"] = {domain: bundle.encode() for domain, bundle in told["jwt"].items()}
        state["version"] += 1
        said.notify_all()
    print("said", flush=True)
server.stop(0)
