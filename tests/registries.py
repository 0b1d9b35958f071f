"""An index with registries, and requests to the token endpoint."""

import base64
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

from tests.index import Index, Response

SERVICE = "registry.local"
SECRET = "a secret of registries"  # pragma: allowlist secret
FORM = {"content-type": "application/x-www-form-urlencoded"}


def create_registry_index(create: Callable[..., Index], **settings: Any) -> Index:
    """Create an index with registries, and the RSA key that `waybill deploy` creates for them."""
    index = create(**{"registries": (SERVICE, "other.local"), "registry_secret": SECRET, **settings})
    key = index.aws.kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    index.aws.kms.create_alias(AliasName=index.settings.rsa_key, TargetKeyId=key)
    index.calls.clear()
    return index


def get_token(index: Index, *scopes: str, auth: str | None = None, service: str = SERVICE, **options: str) -> Response:
    """Request a token with GET."""
    query = [("service", service), *(("scope", scope) for scope in scopes), *options.items()]
    return index.request("GET", f"/token?{urlencode(query)}", auth)


def post_token(index: Index, scopes: Iterable[str] = (), **fields: str) -> Response:
    """Request a token with a form."""
    values = {"grant_type": "password", "service": SERVICE, **fields}
    body = urlencode([*values.items(), *(("scope", scope) for scope in scopes)])
    return index.request("POST", "/token", body=body.encode(), headers=FORM)


def claims_of(response: Response) -> dict[str, Any]:
    """Return the claims of the token in a response."""
    assert response.status == 200, response.body
    payload = response.json["token"].split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def bearer(index: Index, auth: str | None = None) -> str:
    """Return an Authorization header with a token without scopes."""
    return "Bearer " + str(get_token(index, auth=auth).json["token"])
