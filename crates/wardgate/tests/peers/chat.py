"""A WebSocket server and a caller of it, by PyPI `websockets`. `serve` prints its port; `call URL KEY` prints what came of it."""

import sys

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.sync.server import serve as listen


def echo(socket):
    try:
        for message in socket:
            socket.send(message)
    except ConnectionClosed:
        pass


def serve():
    with listen(echo, "127.0.0.1", 0, subprotocols=["chat"]) as server:
        print(server.socket.getsockname()[1], flush=True)
        server.serve_forever()


def mine(key):
    return {"Authorization": "Bearer " + key}


def call(url, key):
    with connect(url, additional_headers=mine(key), subprotocols=["chat"], proxy=None) as socket:
        print("agreed:", socket.subprotocol, "deflate" if socket.protocol.extensions else "plain")
        for message in ["text", b"bytes", "x" * 300_000, ""]:
            socket.send(message)
            assert socket.recv() == message
        print("pong:", socket.ping().wait(10))
    print("closed:", socket.close_code)
    for headers in [{}, mine("nobody")]:
        try:
            connect(url, additional_headers=headers, proxy=None)
        except InvalidStatus as error:
            print("refused:", error.response.status_code)


def stay(url, key):
    with connect(url, additional_headers=mine(key), subprotocols=["chat"], proxy=None) as socket:
        socket.send("there")
        print(socket.recv(), flush=True)
        try:
            socket.recv()
        except ConnectionClosed as error:
            print("cut:", error.rcvd)


if __name__ == "__main__":
    {"serve": serve, "call": call, "stay": stay}[sys.argv[1]](*sys.argv[2:])
