"""AWS's API over HTTP at one path of the local server, for administrators only.

`waybill … --local URL` sends its calls to this path, so that its commands run the same code on a local server as on
AWS.
"""

import json
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from threading import Lock
from typing import Any

import botocore.session
import msgspec
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.datastructures import Authorization

from chalicelib.accounts.login import Login
from chalicelib.api.errors import headers_of, status_of
from chalicelib.domain.errors import DomainError, NotAuthenticated, PermissionDenied
from chalicelib.settings import Settings
from infra.devserver import ENDPOINT_PATH
from infra.devserver.gateway import WSGI, StartResponse, format_status, log_request

_SERVICES = {"DynamoDB_20120810": "dynamodb", "TrentService": "kms", "Logs_20140328": "logs"}  # by X-Amz-Target
_RESPONSE_HEADERS = ("Content-Type", "x-amzn-RequestId", "x-amzn-ErrorType", "x-amz-crc32")


class AwsEndpoint:
    """A WSGI application that serves ENDPOINT_PATH and passes all other paths to `inner`.

    GET returns the stack and the region. POST is AWS's own API for DynamoDB, KMS and CloudWatch Logs. Each request has
    the Basic credentials of an administrator instead of AWS's signature.
    """

    def __init__(self, inner: WSGI, login: Login, settings: Settings) -> None:
        self._inner = inner
        self._login = login
        self._settings = settings
        self._apis: dict[str, AwsApi] = {}
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Handle a WSGI request. Log one line."""
        if environ["PATH_INFO"].rstrip("/") != ENDPOINT_PATH:
            return self._inner(environ, start_response)
        start, target = time.perf_counter(), environ.get("HTTP_X_AMZ_TARGET", "")
        status, headers, body = self._handle(environ, target)
        log_request(start, status, environ["REQUEST_METHOD"], f"{ENDPOINT_PATH} {target}".strip(), environ)
        start_response(format_status(status), [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    def _handle(self, environ: Mapping[str, Any], target: str) -> tuple[int, dict[str, str], bytes]:
        try:
            self._check_administrator(environ)
        except DomainError as error:
            return _render(status_of(error), {"error": error.message}, headers_of(error))
        if environ["REQUEST_METHOD"] == "GET":
            return _render(200, self._describe())
        prefix, _, operation = target.partition(".")
        api = self._find_api(prefix) if environ["REQUEST_METHOD"] == "POST" else None
        if api is None or not api.has_operation(operation):
            return _render(404, {"error": "this path serves only DynamoDB, KMS and CloudWatch Logs"})
        try:
            response = api.send(operation, environ["wsgi.input"].read())
        except msgspec.DecodeError as error:
            return _render(400, {"error": f"the body must be a JSON object: {error}"})
        headers = {name: response.headers[name] for name in _RESPONSE_HEADERS if name in response.headers}
        return response.status_code, headers, response.content

    def _describe(self) -> dict[str, Any]:
        """Return the stack, the region, and the settings that the commands for registries need."""
        settings = self._settings
        variables = {
            "BASE_URL": settings.base_url,
            "REGISTRIES": ",".join(settings.registries),
            "REGISTRY_ADDRESS": settings.registry_address,
            "REGISTRY_SECRET": settings.registry_secret,
            "REPOSITORY_VISIBILITY": settings.repository_visibility,
            "MAX_REPOSITORIES": str(settings.max_repositories),
            "MAX_STORED_MEGABYTES": str(settings.max_stored_megabytes),
        }
        return {"stack": settings.stack, "region": settings.region, "variables": variables}

    def _find_api(self, prefix: str) -> "AwsApi | None":
        """Return the service of this prefix of X-Amz-Target. It is created for its first request (100 ms)."""
        with self._lock:
            if prefix in _SERVICES and prefix not in self._apis:
                self._apis[prefix] = AwsApi(_SERVICES[prefix], self._settings.region)
            return self._apis.get(prefix)

    def _check_administrator(self, environ: Mapping[str, Any]) -> None:
        credentials = Authorization.from_header(environ.get("HTTP_AUTHORIZATION"))
        if credentials is None or credentials.type != "basic":
            raise NotAuthenticated("log in as an administrator of this index")
        principal = self._login.log_in(credentials.username or "", credentials.password or "", environ["REMOTE_ADDR"])
        if not principal.admin or principal.robot is not None:
            raise PermissionDenied("this account is not an administrator of this index")


class AwsApi:
    """One service of AWS with a JSON protocol. It takes and returns the bodies of HTTP requests unchanged.

    A botocore client makes the calls, so that moto and the lock of moto_lock.py handle them like all others. botocore's
    events replace the body of the request and return the body of the response.
    """

    def __init__(self, service: str, region: str) -> None:
        config = Config(region_name=region, parameter_validation=False, retries={"total_max_attempts": 1})
        self._client: Any = botocore.session.get_session().create_client(service, config=config)
        self._operations = frozenset(self._client.meta.service_model.operation_names)
        self._client.meta.events.register("before-call", _replace_body)
        self._client.meta.events.register("after-call", _keep_response)

    def has_operation(self, operation: str) -> bool:
        """Return whether the service has this operation, for example `GetItem`."""
        return operation in self._operations

    def send(self, operation: str, body: bytes) -> AWSResponse:
        """Return the response to a call, also if it is an error of the service.

        Raises msgspec.DecodeError if the body is not a JSON object.
        """
        parameters = msgspec.json.decode(body, type=dict[str, Any])
        call = _Call(body)
        token = _current.set(call)
        try:
            getattr(self._client, xform_name(operation))(**parameters)  # botocore chooses the endpoint from parameters
        except ClientError:
            pass  # the response contains the error
        finally:
            _current.reset(token)
        return call.response


class _Call(msgspec.Struct):
    body: bytes
    response: AWSResponse = None


_current: ContextVar[_Call] = ContextVar("call")


def _replace_body(params: dict[str, Any], **_: Any) -> None:
    params["body"] = _current.get().body


def _keep_response(http_response: AWSResponse, **_: Any) -> None:
    _current.get().response = http_response


def _render(status: int, body: Any, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body).encode()
