"""A job that swaps the token of its platform for one of ours, by Authlib: a token exchange with no authentication of the client, a call with what
it gets, and the token of a stranger.

Arguments: the gate's port, the issuer, files with the job's token and the stranger's.
"""

import json
import sys
from urllib.parse import urlsplit

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from requests.adapters import HTTPAdapter

port, issuer, *files = sys.argv[1:]


class Through(HTTPAdapter):
    """The gate's name resolves nowhere: what is sent goes to its port, with the name that is meant."""

    def send(self, request, **options):
        meant = urlsplit(request.url)
        request.headers["Host"] = meant.netloc
        request.url = meant._replace(scheme="http", netloc=f"127.0.0.1:{port}").geturl()
        return super().send(request, **options)


def read(file):
    with open(file, encoding="ascii") as text:
        return text.read()


job, stranger = map(read, files)
session = OAuth2Session("ledger-ci", token_endpoint_auth_method="none")
session.mount(issuer, Through())
metadata = session.get(f"{issuer}/.well-known/oauth-authorization-server", withhold_token=True).json()
resource = f"{issuer}/ledger"


def swapped(subject):
    """RFC 8693 section 2.1."""
    return session.fetch_token(
        metadata["token_endpoint"],
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token=subject,
        subject_token_type="urn:ietf:params:oauth:token-type:jwt",
        resource=resource,
    )


said = {"ways": metadata["token_endpoint_auth_methods_supported"]}
try:
    swapped(stranger)
except OAuthError as error:
    said["stranger"] = error.error
token = swapped(job)
said["swapped"] = {name: token[name] for name in ("token_type", "issued_token_type", "scope")}
said["called"] = session.get(f"{resource}/entries").status_code
print(json.dumps(said))
