"""A client that signs its requests (RFC 9421), by `http-message-signatures`.

`keys DIRECTORY` makes a key of each algorithm there and prints their public halves as JWKs. `call PORT DIRECTORY` calls through the gate with each
of them, and does what `Accept-Signature` asks for; it prints what became of it.
"""

import base64
import json
import sys
from pathlib import Path

import http_sf
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms

GATE = "https://gate.test"
ALGORITHMS = {
    "ed25519": algorithms.ED25519,
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "ecdsa-p384-sha384": algorithms.ECDSA_P384_SHA384,
    "rsa-pss-sha512": algorithms.RSA_PSS_SHA512,
    "rsa-v1_5-sha256": algorithms.RSA_V1_5_SHA256,
}


def text(number, length):
    return base64.urlsafe_b64encode(number.to_bytes(length, "big")).rstrip(b"=").decode()


def jwk(name, key):
    public = key.public_key()
    if name == "ed25519":
        raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(raw).rstrip(b"=").decode()}
    numbers = public.public_numbers()
    if name.startswith("ecdsa"):
        size = public.key_size // 8
        return {"kty": "EC", "crv": f"P-{public.key_size}", "x": text(numbers.x, size), "y": text(numbers.y, size)}
    return {"kty": "RSA", "alg": "PS512" if "pss" in name else "RS256", "n": text(numbers.n, 256), "e": text(numbers.e, 3)}


def made(name):
    match name:
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case "ecdsa-p256-sha256":
            return ec.generate_private_key(ec.SECP256R1())
        case "ecdsa-p384-sha384":
            return ec.generate_private_key(ec.SECP384R1())
        case _:
            return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def keys(directory):
    public = {}
    for name in ALGORITHMS:
        key = made(name)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (directory / name).write_bytes(key.private_bytes(*form))
        public[name] = jwk(name, key)
    return public


class Keys(HTTPSignatureKeyResolver):
    def __init__(self, pem):
        self.pem = pem

    def resolve_private_key(self, key_id):
        return self.pem


class Client:
    def __init__(self, port, pem, algorithm, key_id):
        self.port, self.key_id = port, key_id
        self.signer = HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=Keys(pem))

    def call(self, method, path, covered, *, body=None, nonce=None, label=None):
        request = requests.Request(method, GATE + path, data=body).prepare()
        self.signer.sign(request, key_id=self.key_id, covered_component_ids=covered, body=body, nonce=nonce, label=label)
        return self.sent(request)

    def sent(self, request):
        """The gate's name resolves nowhere: what is sent goes to its port, with the name that is meant."""
        request.headers["Host"] = "gate.test"
        request.url = request.url.replace(GATE, f"http://127.0.0.1:{self.port}")
        with requests.Session() as session:
            return session.send(request)

    def asked_for(self, method, path, answer, body=None):
        """Calls again as the answer asks for it."""
        [(label, (members, parameters))] = http_sf.parse(answer.headers["Accept-Signature"].encode(), tltype="dictionary").items()
        covered = [name for name, _ in members]
        return self.call(method, path, covered, body=body, nonce=parameters.get("nonce"), label=label)


def said(answer):
    problem = answer.headers.get("Content-Type") == "application/problem+json"
    return f"{answer.status_code} {answer.json()['code']}" if problem else str(answer.status_code)


def way(client):
    body = b'{"amount": 7}'
    # What the library covers unless told.
    usual = ("@method", "@authority", "@target-uri")
    bare = client.call("GET", "/ledger/entries", ("@method",), nonce="bare")
    pay = client.call("POST", "/ledger/pay", usual, body=body, nonce="pay")
    return {
        "usual": said(client.call("GET", "/ledger/entries?page=2&size=10", usual, nonce="usual")),
        "post": said(client.call("POST", "/ledger/entries", usual, body=body, nonce="post")),
        "again": said(client.call("POST", "/ledger/entries", usual, body=body, nonce="post")),
        "bare": said(bare),
        "covered": said(client.asked_for("GET", "/ledger/entries", bare)),
        "pay": said(pay),
        "paid": said(client.asked_for("POST", "/ledger/pay", pay, body)),
    }


def main():
    what, *rest = sys.argv[1:]
    if what == "keys":
        print(json.dumps(keys(Path(rest[0]))))
        return
    port, directory = rest[0], Path(rest[1])
    names = json.loads((directory / "names.json").read_text(encoding="ascii"))
    ways = {}
    for name, algorithm in ALGORITHMS.items():
        ways[name] = way(Client(port, (directory / name).read_bytes(), algorithm, names[name]))
    print(json.dumps(ways))


main()
