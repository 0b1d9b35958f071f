"""The operator's way in: this process's DynamoDB, KMS and logs over HTTP, under one path, for administrators only.

`python -m infra … --local URL` comes through here, so that its commands run the same code on a local server as on AWS.
"""

import json
import time
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.datastructures import Authorization

from chalicelib.accounts.login import Login
from chalicelib.api.errors import headers_of, status_of
from chalicelib.domain.errors import DomainError, NotAuthenticated, PermissionDenied
from chalicelib.settings import Settings
from infra.devserver import ENDPOINT_PATH
from infra.devserver.gateway import WSGI, StartResponse, log, status_line

_SERVICES = {
    "DynamoDB_20120810": "dynamodb",
    "TrentService": "kms",
    "Logs_20140328": "logs",
}  # by what stands first in X-Amz-Target


class AwsEndpoint:
    """Serves the operator's path, and leaves every other to `inner`.

    A GET says which stack this is. Everything else is AWS's own API: the caller signs in with Basic as an account of
    the index, each time, instead of AWS's signature.
    """

    def __init__(self, inner: WSGI, login: Login, settings: Settings) -> None:
        self._inner = inner
        self._login = login
        self._settings = settings

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """WSGI. Logs one line per request, as the gateway does."""
        if environ["PATH_INFO"].rstrip("/") != ENDPOINT_PATH:
            return self._inner(environ, start_response)
        began, target = time.perf_counter(), environ.get("HTTP_X_AMZ_TARGET", "")

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            log(began, int(status[:3]), environ["REQUEST_METHOD"], f"{ENDPOINT_PATH} {target}".strip(), environ)
            return start_response(status, headers)

        try:
            self._check_administrator(environ)
        except DomainError as error:
            return _reply(start, status_of(error), {"error": error.message}, headers_of(error))
        service = _SERVICES.get(target.partition(".")[0])
        if service is not None and environ["REQUEST_METHOD"] == "POST":
            return _backend(service)(self._signed(environ, service), start)  # type: ignore[no-any-return]
        if environ["REQUEST_METHOD"] == "GET":
            return _reply(start, 200, {"stack": self._settings.stack, "region": self._settings.region})
        return _reply(start, 404, {"error": "DynamoDB, KMS and logs are served here, and nothing else of AWS"})

    def _check_administrator(self, environ: Mapping[str, Any]) -> None:
        given = Authorization.from_header(environ.get("HTTP_AUTHORIZATION"))
        if given is None or given.type != "basic":
            raise NotAuthenticated("sign in as an administrator of this index")
        principal = self._login.log_in(given.username or "", given.password or "", environ["REMOTE_ADDR"])
        if not principal.admin or principal.robot is not None:
            raise PermissionDenied("this is no administrator of this index")

    def _signed(self, environ: dict[str, Any], service: str) -> dict[str, Any]:
        """The request as moto takes it: it reads the region from a signature, and checks none."""
        scope = f"local/20000101/{self._settings.region}/{service}/aws4_request"
        return environ | {
            "PATH_INFO": "/",
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none",
        }


@cache
def _backend(service: str) -> Any:
    return create_backend_app(service)  # type: ignore[arg-type]


def _reply(start: Any, status: int, body: Any, headers: dict[str, str] | None = None) -> list[bytes]:
    encoded = json.dumps(body).encode()
    common = {"Content-Type": "application/json", "Content-Length": str(len(encoded))}
    start(status_line(status), [*{**common, **(headers or {})}.items()])
    return [encoded]
