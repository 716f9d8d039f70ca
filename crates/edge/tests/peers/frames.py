"""Raw HTTP/2 by PyPI `hyperframe` and `hpack`: each case on a connection of its own; prints what became of it.

`frames.py HOST PORT` prints a line for each case: `name: goaway CODE`, `reset CODE`, `status N`, or `closed`.
"""

import socket
import sys

from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame, DataFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame, PriorityFrame, RstStreamFrame, SettingsFrame, WindowUpdateFrame,
)
from hpack import Decoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = [(":method", "GET"), (":scheme", "http"), (":path", "/x"), (":authority", "a")]
POST = [(":method", "POST"), (":scheme", "http"), (":path", "/x"), (":authority", "a")]


def head(stream, fields, flags=("END_HEADERS", "END_STREAM")):
    return HeadersFrame(stream, Encoder().encode(fields, huffman=False), flags=flags).serialize()


def block(fields):
    return Encoder().encode(fields, huffman=False)


def raw(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def change(fields, **changes):
    return [(name, changes.get(name.strip(":"), value)) for name, value in fields]


def without(fields, name):
    return [field for field in fields if field[0] != name]


def many(frame, count):
    return b"".join(frame(number) for number in range(count))


def data(payload, *flags):
    return DataFrame(1, payload, flags=flags).serialize()


CASES = {
    "honest": head(1, GET),
    "honest body": head(1, POST, ["END_HEADERS"]) + data(b"hello", "END_STREAM"),
    # Floods.
    "pings": many(lambda n: PingFrame(0, opaque_data=b"12345678").serialize(), 2000),
    "settings": many(lambda n: SettingsFrame(0, settings={4: 65535}).serialize(), 2000),
    "settings acknowledged": many(lambda n: SettingsFrame(0, flags=["ACK"]).serialize(), 2000),
    "window updates": many(lambda n: WindowUpdateFrame(0, window_increment=1).serialize(), 2000),
    "priorities": many(lambda n: PriorityFrame(2 * n + 1, depends_on=0, stream_weight=1).serialize(), 2000),
    "unknown frames": many(lambda n: raw(0xBA, 0, 0, b""), 2000),
    "empty data": head(1, POST, ["END_HEADERS"]) + many(lambda n: data(b""), 2000),
    "rapid reset": many(lambda n: head(2 * n + 1, GET) + RstStreamFrame(2 * n + 1, error_code=8).serialize(), 2000),
    "continuations": raw(1, 1, 1, block(GET)) + many(lambda n: ContinuationFrame(1, block([("x", "y" * 100)])).serialize(), 2000),
    "empty continuations": raw(1, 1, 1, block(GET)) + many(lambda n: ContinuationFrame(1, b"").serialize(), 2000),
    # Violations of a connection.
    "data without a stream": data(b"x"),
    "data on stream zero": raw(0, 0, 0, b"x"),
    "headers on an even stream": head(2, GET),
    "a frame too large": raw(0, 0, 1, b"x" * 20000),
    "settings of a wrong size": raw(4, 0, 0, b"abc"),
    "ping of a wrong size": raw(6, 0, 0, b"abc"),
    "a window of zero": WindowUpdateFrame(0, window_increment=1).serialize().replace(b"\0\0\0\1", b"\0\0\0\0"),
    "a window too large": WindowUpdateFrame(0, window_increment=0x7FFFFFFF).serialize() * 2,
    "a window setting too large": raw(4, 0, 0, b"\0\4\xff\xff\xff\xff"),
    "a header block that is none": raw(1, 5, 1, b"\xff\xff\xff\xff\xff"),
    "something between header and continuation": raw(1, 0, 1, block(GET)) + PingFrame(0, opaque_data=b"12345678").serialize(),
    "a push of a client": raw(5, 4, 1, b"\0\0\0\2" + block(GET)),
    # Requests that are none.
    "no path": head(1, without(GET, ":path")),
    "no scheme": head(1, without(GET, ":scheme")),
    "no method": head(1, without(GET, ":method")),
    "two paths": head(1, GET + [(":path", "/y")]),
    "a pseudo field behind another": head(1, GET[:3] + [("x", "1")] + GET[3:]),
    "an unknown pseudo field": head(1, GET + [(":status", "200")]),
    "an empty path": head(1, change(GET, path="")),
    "a path without a slash": head(1, change(GET, path="x")),
    "a fragment": head(1, change(GET, path="/x#y")),
    "a dot segment": head(1, change(GET, path="/../x")),
    "an upper-case name": head(1, GET + [("X-A", "1")]),
    "a connection field": head(1, GET + [("connection", "close")]),
    "a transfer coding": head(1, POST + [("transfer-encoding", "chunked")], ["END_HEADERS"]) + data(b"0\r\n\r\n", "END_STREAM"),
    "an upgrade": head(1, GET + [("upgrade", "websocket")]),
    "te": head(1, GET + [("te", "gzip")]),
    "a line feed in a value": head(1, GET + [("x", "a\nb: c")]),
    "a zero in a value": head(1, GET + [("x", "a\0b")]),
    "a colon in a name": head(1, GET + [("x:y", "1")]),
    "white space before a value": head(1, GET + [("x", " a")]),
    "another host": head(1, GET + [("host", "b")]),
    "two hosts": head(1, GET + [("host", "a"), ("host", "a")]),
    "user information": head(1, change(GET, authority="u@a")),
    "a length that is not kept": head(1, POST + [("content-length", "3")], ["END_HEADERS"]) + data(b"hello", "END_STREAM"),
    "two lengths": head(1, POST + [("content-length", "5"), ("content-length", "5")], ["END_HEADERS"]) + data(b"hello", "END_STREAM"),
    "a signed length": head(1, POST + [("content-length", "+5")], ["END_HEADERS"]) + data(b"hello", "END_STREAM"),
    "CONNECT": head(1, [(":method", "CONNECT"), (":authority", "a:80")], ["END_HEADERS"]),
    "TRACE": head(1, change(GET, method="TRACE")),
    "too many fields": head(1, GET + [("x-%d" % n, "1") for n in range(120)]),
}


def read(connection):
    """Frames as they come; `None` at the end."""
    buffer = b""
    while True:
        while len(buffer) >= 9:
            frame, length = Frame.parse_frame_header(memoryview(buffer[:9]))
            if len(buffer) < 9 + length:
                break
            frame.parse_body(memoryview(buffer[9:9 + length]))
            buffer = buffer[9 + length:]
            yield frame
        try:
            more = connection.recv(65536)
        except ConnectionResetError:
            more = b""
        if not more:
            yield None
            return
        buffer += more


def play(address, frames):
    with socket.create_connection(address, timeout=60) as connection:
        try:
            connection.sendall(PREFACE + SettingsFrame(0).serialize() + frames)
        except (BrokenPipeError, ConnectionResetError):
            pass
        for frame in read(connection):
            if frame is None:
                return "closed"
            if isinstance(frame, GoAwayFrame) and frame.error_code:
                return "goaway %d" % frame.error_code
            if isinstance(frame, RstStreamFrame):
                return "reset %d" % frame.error_code
            if isinstance(frame, HeadersFrame):
                return "status %s" % dict(Decoder().decode(frame.data))[":status"]


if __name__ == "__main__":
    for name, frames in CASES.items():
        try:
            print("%s: %s" % (name, play((sys.argv[1], int(sys.argv[2])), frames)))
        except TimeoutError:
            print("%s: nothing" % name)
