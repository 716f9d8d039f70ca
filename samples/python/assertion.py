"""Verifies `Wardgate-Assertion`: what an upstream does before it believes a word of a request.

    verifier = Verifier("https://gate.example", "http://ledger.internal:9000")
    claims = verifier.verify(request_headers_named_wardgate_assertion, "GET", "/ledger/entries")

`claims["sub"]` is the identity that called. Everything else is `Refused`: answer 401 and say no more.
"""

import json
import re
import threading
import time
import urllib.request

import jwt

HEADER = "Wardgate-Assertion"
# Pinned: what a token says of itself decides nothing.
ALGORITHM = "ES256"
TYP = "wardgate-assertion+jwt"
REQUIRED = ["iss", "aud", "iat", "exp", "sub", "operation"]
# How far the two clocks may be apart, in seconds.
LEEWAY_S = 30
# Longest header that is looked at.
TOKEN_BYTES_MAX = 8 * 1024

# Keys are fetched anew when they are this old, and count for a while longer when the gate does not answer.
FRESH_S = 300
TOO_OLD_S = 24 * 3600
# A name that nobody knows may be a new key, or junk: at most one fetch in this time.
COOLDOWN_S = 10
FETCH_TIMEOUT_S = 3
KEYS_BYTES_MAX = 512 * 1024


class Refused(Exception):
    """Why a request is not believed: for one's own log, not for the caller."""


class Keys:
    """The gate's published keys, remembered. Safe to share between threads."""

    def __init__(self, url):
        self._url = url
        self._lock = threading.Lock()
        self._keys = {}
        self._fetched = self._tried = float("-inf")

    def find(self, kid):
        with self._lock:
            now = time.monotonic()
            wanted = kid not in self._keys or now - self._fetched >= FRESH_S
            if wanted and now - self._tried >= COOLDOWN_S:
                self._tried = now
                try:
                    self._keys = self._fetch()
                    self._fetched = now
                except (OSError, ValueError, jwt.PyJWTError) as error:
                    print(f"the gate's keys cannot be fetched: {error}", flush=True)
            if now - self._fetched > TOO_OLD_S or kid not in self._keys:
                raise Refused("no key of the gate has this name")
            return self._keys[kid]

    def _fetch(self):
        with urllib.request.urlopen(self._url, timeout=FETCH_TIMEOUT_S) as answer:
            text = answer.read(KEYS_BYTES_MAX + 1)
        if len(text) > KEYS_BYTES_MAX:
            raise ValueError("they are too long")
        keys = json.loads(text)["keys"]
        return {key["kid"]: jwt.PyJWK(key, ALGORITHM) for key in keys if key.get("alg") == ALGORITHM and "kid" in key}


class Verifier:
    """Believes what one gate signed for one upstream."""

    def __init__(self, issuer, audience, keys_url=None):
        self._issuer = issuer
        self._audience = audience
        self._keys = Keys(keys_url or issuer + "/.well-known/jwks.json")

    def verify(self, values, method, path):
        """`values` are all fields of the name, `path` is without a query. Gives the claims, or raises `Refused`."""
        if len(values or []) != 1 or len(values[0]) > TOKEN_BYTES_MAX:
            raise Refused("there is not one assertion")
        try:
            header = jwt.get_unverified_header(values[0])
            if header.get("alg") != ALGORITHM or header.get("typ") != TYP or "crit" in header:
                raise Refused("it is another kind of token")
            claims = jwt.decode(
                values[0],
                self._keys.find(header.get("kid")),
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": REQUIRED, "strict_aud": True},
            )
        except jwt.PyJWTError as error:
            raise Refused(str(error)) from error
        if not operation_is(claims["operation"], method, path):
            raise Refused("it is for another operation")
        return claims


def operation_is(operation, method, path):
    """Whether `API METHOD TEMPLATE` is this request. Where `upstream.path` replaces a prefix, replace it here too."""
    parts = operation.split(" ") if isinstance(operation, str) else []
    if len(parts) != 3 or parts[1] != method:
        return False
    # Every second piece is the name of a parameter, which stands for one character or more of a segment.
    pieces = re.split(r"\{([^{}]+)\}", parts[2])
    pattern = "".join("[^/]+" if at % 2 else re.escape(piece) for at, piece in enumerate(pieces))
    return re.fullmatch(pattern, path) is not None
