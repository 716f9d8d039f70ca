"""A gRPC service and a caller of it, by PyPI `grpcio`. `serve` prints its port; `call ADDRESS KEY` prints what came of each call."""

import sys
import threading
from concurrent import futures

import grpc


def ledger(method):
    def one(message, context):
        if message == b"refuse":
            context.set_trailing_metadata((("balance", "none"),))
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no such book")
        if message == b"slow":
            threading.Event().wait(20)
        context.set_trailing_metadata((("balance", "even"), ("authorization", "leaked")))
        return b"one " + message

    def many(message, context):
        for number in range(5):
            yield b"%d " % number + message

    def gather(messages, context):
        return b"+".join(messages)

    def both(messages, context):
        for message in messages:
            yield message.upper()

    def forever(message, context):
        gone = threading.Event()
        context.add_callback(gone.set)
        while not gone.wait(0.05):
            yield message

    shapes = {
        "/ledger.Book/One": grpc.unary_unary_rpc_method_handler(one),
        "/ledger.Book/Many": grpc.unary_stream_rpc_method_handler(many),
        "/ledger.Book/Gather": grpc.stream_unary_rpc_method_handler(gather),
        "/ledger.Book/Both": grpc.stream_stream_rpc_method_handler(both),
        "/ledger.Book/Forever": grpc.unary_stream_rpc_method_handler(forever),
    }
    return shapes.get(method)


class Service(grpc.GenericRpcHandler):
    def service(self, details):
        return ledger(details.method)


def serve():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), handlers=(Service(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(0)


def told(call):
    try:
        return call()
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"


def call(address, key):
    with grpc.insecure_channel(address) as channel:
        mine = (("authorization", "Bearer " + key),)
        one = channel.unary_unary("/ledger.Book/One")
        answer, rpc = one.with_call(b"a", metadata=mine, timeout=60)
        trailers = sorted(name for name, _ in rpc.trailing_metadata())
        print("one:", answer.decode(), trailers)
        print("many:", [part.decode() for part in channel.unary_stream("/ledger.Book/Many")(b"b", metadata=mine, timeout=60)])
        print("gather:", channel.stream_unary("/ledger.Book/Gather")(iter([b"c", b"d" * 30000, b"e"]), metadata=mine, timeout=60)[-2:].decode())
        print("both:", [part.decode() for part in channel.stream_stream("/ledger.Book/Both")(iter([b"f", b"g"]), metadata=mine, timeout=60)])
        print("their no:", told(lambda: one(b"refuse", metadata=mine, timeout=60)))
        print("nobody:", told(lambda: one(b"a", timeout=60)))
        print("no grant:", told(lambda: channel.unary_unary("/ledger.Book/Burn")(b"a", metadata=mine, timeout=60)))
        print("nowhere:", told(lambda: channel.unary_unary("/ledger.Other/One")(b"a", metadata=mine, timeout=60)))
        print("too slow:", told(lambda: one(b"slow", metadata=mine, timeout=1)).split(":")[0])


def stream(address, key):
    with grpc.insecure_channel(address) as channel:
        parts = channel.unary_stream("/ledger.Book/Forever")(b"on", metadata=(("authorization", "Bearer " + key),))
        print(next(parts).decode(), flush=True)
        try:
            for _ in parts:
                pass
        except grpc.RpcError as error:
            print(f"{error.code().name}: {error.details()}")


if __name__ == "__main__":
    {"serve": serve, "call": call, "stream": stream}[sys.argv[1]](*sys.argv[2:])
