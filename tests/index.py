"""An index on moto. Tests send it HTTP requests in the same way as API Gateway."""

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.exceptions import ReadTimeoutError
from chalice.local import LocalChalice
from msgspec import Struct
from msgspec.structs import replace

from chalicelib.accounts.mailer import EmailMessage, Mailer
from chalicelib.aws import Clients, create_clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import HttpApiChalice, create_chalice_app
from chalicelib.domain.models import User
from chalicelib.request_log import RequestLog
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from chalicelib.storage.users import UserStore
from infra.devserver.moto_aws import create_stack
from tests.lambda_events import HttpApiGateway, PayloadFormat
from tests.openapi import call_of

PASSWORD = "correct horse"


class ThreadSafeApp(HttpApiChalice, LocalChalice):
    """The app of the function, with a current request for each thread. A container of Lambda has only one thread."""


class Response(Struct, frozen=True):
    """A response. The names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def token(self) -> str:
        return self.headers["x-docker-token"]


def basic(username: str, password: str = PASSWORD) -> str:
    """Return an Authorization header for Basic authentication."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class Mailbox(list[EmailMessage]):
    """A mailer that keeps its messages."""

    def send(self, message: EmailMessage) -> None:
        self.append(message)


class Index:
    """One container of an index with its own tables and key.

    Args:
        settings: the settings; `stack` is replaced by a unique name.
        captures_emails: whether `emails` receives the emails instead of SES.
        mailer: sends the emails; overrides `captures_emails`.
        aws: the clients of the tables and the key; by default those of moto.

    Attributes:
        calls: each call to AWS as `service.Operation`.
        lines: the request log.
        emails: the captured emails.
        payload_format: the format of events. `pytest --payload-format 2.0` changes it for all tests.
    """

    payload_format: PayloadFormat = "1.0"

    def __init__(
        self,
        settings: Settings,
        *,
        captures_emails: bool = False,
        mailer: Mailer | None = None,
        aws: Clients | None = None,
    ) -> None:
        self.settings = replace(settings, stack=f"test-{uuid.uuid4().hex[:12]}")
        self.aws = aws or _clients(self.settings.region)
        create_stack(self.aws, self.settings.stack)
        self.calls: list[str] = []
        self.lines: list[str] = []
        self.emails = Mailbox()
        self._mailer = self.emails if mailer is None and captures_emails else mailer
        for client in self.aws:
            client.meta.events.unregister("before-call.*.*", unique_id="calls")
            client.meta.events.register("before-call.*.*", self._record_call, unique_id="calls")
        self.tables = Tables(self.aws.dynamodb, self.settings.region, self.settings.table)
        self.users = UserStore(self.tables)
        self._start()

    def _start(self) -> None:
        self.services = Services(self.settings, self.aws, self._mailer)
        self.app = create_chalice_app(
            self.services.routes,
            RequestLog(self.lines.append, self.settings.stack),
            app_class=ThreadSafeApp,
            render_unrouted=self.services.render_unrouted,
        )
        self._gateway = HttpApiGateway(self.app, self.payload_format)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of the request log that have an event: changes and failed logins."""
        return [line for line in map(json.loads, self.lines) if "event" in line]

    def restart(self, **settings: Any) -> "Index":
        """Return a new container of the same index, with empty caches. `settings` replaces settings."""
        other = object.__new__(Index)
        other.__dict__.update(self.__dict__)
        other.settings = replace(self.settings, **settings)
        other._start()
        return other

    def _record_call(self, model: Any, **_: Any) -> None:
        self.calls.append(f"{model.service_model.service_name}.{model.name}")

    @contextmanager
    def failing_calls(self, operation: str) -> Iterator[None]:
        """Let each call of `operation` time out. `*` means all operations."""

        def fail(**_: object) -> None:
            raise ReadTimeoutError(endpoint_url="an unreachable service")

        emitters = [client.meta.events for client in self.aws]
        for emitter in emitters:
            emitter.register(f"before-send.*.{operation}", fail, unique_id="failing calls")
        try:
            yield
        finally:
            for emitter in emitters:
                emitter.unregister(f"before-send.*.{operation}", fail, unique_id="failing calls")

    def reset_counters(self, prefix: str = "") -> None:
        """Delete the rate counters whose subject begins with `prefix`."""
        for item in list(self.tables.counters.scan()):
            if item.subject.startswith(prefix):
                item.delete()

    def user(self, username: str) -> User:
        """Return an account that exists."""
        user = self.users.get(username)
        assert user is not None, username
        return user

    def create_account(
        self, username: str, *, admin: bool = False, active: bool = True, password: str = PASSWORD
    ) -> str:
        """Create an account, and return its Authorization header."""
        self.users.create(
            User(
                username=username,
                password_hash=Passwords(self.settings.bcrypt_cost).hash(password),
                emails=frozenset({f"{username}@example.com"}),
                admin=admin,
                active=active,
                created=datetime.now(UTC),
            )
        )
        return basic(username, password)

    def request(
        self,
        method: str,
        path: str,
        auth: str | None = None,
        *,
        json: Any = None,
        body: bytes = b"",
        token: bool = False,
        headers: Mapping[str, str] | None = None,
        client_ip: str = "127.0.0.1",
    ) -> Response:
        """Send a request. The status must be documented for the operation in docs/reference/openapi.yaml, or 500.

        Args:
            method: the HTTP method.
            path: the path, with its query.
            auth: the Authorization header.
            json: a value that becomes the body.
            body: the body.
            token: whether to request an access token.
            headers: more headers.
            client_ip: the address of the client.
        """
        sent = dict(headers or {})
        if auth is not None:
            sent["authorization"] = auth
        if token:
            sent["x-docker-token"] = "true"
        received = self._gateway.handle(method, path, sent, body if json is None else _encode(json), client_ip)
        operation = call_of(method, path)
        assert operation is None or str(received.status) in {*operation[2]["responses"], "500"}, (
            f"docs/reference/openapi.yaml has no status {received.status} for {operation[0]} {operation[1]}"
        )
        headers = {name.lower(): value for name, value in received.headers.items()}
        return Response(received.status, headers, received.body)

    def push(self, path: str, auth: str, *ids: str) -> str:
        """Create or update a repository, and return the write token."""
        response = self.request("PUT", f"/v1/repositories/{path}/", auth, json=[{"id": i} for i in ids], token=True)
        assert response.status == 200, response
        return response.token

    def ids(self, path: str, auth: str | None = None) -> list[str]:
        """Return the ids in the image list of a repository."""
        response = self.request("GET", f"/v1/repositories/{path}/images", auth)
        assert response.status == 200, response
        return [entry["id"] for entry in response.json]


@cache
def _clients(region: str) -> Clients:
    """Return the same clients for all tests, because creating them is slow. They have no state of an index."""
    return create_clients(region)


def _encode(value: Any) -> bytes:
    return json.dumps(value).encode()
