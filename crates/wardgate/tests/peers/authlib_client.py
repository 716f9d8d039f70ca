"""A client of the token service, by Authlib: a token by a signed assertion, a call with it, introspection, revocation, the call again.

Arguments: the gate's port, the issuer, a file with the private key (PKCS #8, base64), its algorithm.
"""

import base64
import json
import sys
import time
from urllib.parse import urlsplit

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey, OKPKey
from requests.adapters import HTTPAdapter

port, issuer, file, algorithm = sys.argv[1:]


class Through(HTTPAdapter):
    """The gate's name resolves nowhere: what is sent goes to its port, with the name that is meant."""

    def send(self, request, **options):
        meant = urlsplit(request.url)
        request.headers["Host"] = meant.netloc
        request.url = meant._replace(scheme="http", netloc=f"127.0.0.1:{port}").geturl()
        return super().send(request, **options)


with open(file, encoding="ascii") as text:
    der = base64.b64decode(text.read())
pem = b"-----BEGIN PRIVATE KEY-----\n" + base64.encodebytes(der) + b"-----END PRIVATE KEY-----\n"
key = (ECKey if algorithm == "ES256" else OKPKey).import_key(pem)

method = "private_key_jwt"
session = OAuth2Session("ledger-sync", key, token_endpoint_auth_method=method, revocation_endpoint_auth_method=method)
session.mount(issuer, Through())


def signing():
    """Good for a minute, as Authlib's own hour is too long here; for the issuer, as RFC 7523bis has it, and not for the token endpoint."""
    session.register_client_auth_method(PrivateKeyJWT(issuer, claims={"exp": int(time.time()) + 60}, alg=algorithm))


metadata = session.get(f"{issuer}/.well-known/oauth-authorization-server", withhold_token=True).json()
resource = f"{issuer}/ledger"
said = {"issuer": metadata["issuer"]}
signing()
token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", scope="list", resource=resource)
said["token"] = {name: token[name] for name in ("token_type", "expires_in", "scope")}
said["called"] = session.get(f"{resource}/entries").status_code


def introspect():
    signing()
    return session.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()


said["introspected"] = introspect()
signing()
session.revoke_token(metadata["revocation_endpoint"], token=token["access_token"]).raise_for_status()
said["revoked"] = introspect()
said["after"] = session.get(f"{resource}/entries").status_code
print(json.dumps(said))
