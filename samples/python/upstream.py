"""A server that answers only what came through the gate."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from assertion import HEADER, Refused, Verifier


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    verifier = None

    def do_GET(self):
        try:
            claims = self.verifier.verify(self.headers.get_all(HEADER), self.command, self.path.split("?")[0])
        except Refused as why:
            print(f"refused {self.command} {self.path}: {why}", flush=True)
            self.answer(401, {"error": "this is answered through the gate only"})
        else:
            self.answer(200, {"hello": claims["sub"]})

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def answer(self, status, document):
        body = json.dumps(document).encode()
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", "Wardgate")
        # The request's body was not read: nothing more on this connection.
        self.send_header("Connection", "close")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Upstream)
    address = f"http://127.0.0.1:{server.server_address[1]}"
    audience = os.environ.get("WARDGATE_AUDIENCE", address)
    Upstream.verifier = Verifier(os.environ["WARDGATE_ISSUER"], audience, os.environ.get("WARDGATE_JWKS"))
    print(f"listening on {address}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
