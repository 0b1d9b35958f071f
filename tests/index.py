"""An index on moto that a test speaks HTTP to, as the gateway would."""

import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from chalice.local import LocalChalice
from msgspec.structs import replace

from chalicelib.accounts.mailer import EmailMessage
from chalicelib.aws import Clients, create_clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.domain.models import User
from chalicelib.request_log import RequestLog
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from chalicelib.storage.users import UserStore
from infra.devserver.gateway import Gateway
from infra.devserver.moto_aws import create_stack
from tests.openapi import call_of

PASSWORD = "correct horse"


@dataclass(frozen=True)
class Response:
    """A reply; header names lower-cased."""

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
    """An Authorization header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


class Mailbox(list[EmailMessage]):
    """A mailer that keeps what it is given."""

    def send(self, message: EmailMessage) -> None:
        self.append(message)


class Index:
    """One stack of its own. `calls` lists every call to AWS as `service.Operation`, `lines` is its journal.

    With `captures_emails` mail goes to `letters`, and not to SES. `aws` leads to another engine than moto.
    """

    def __init__(self, settings: Settings, *, captures_emails: bool = False, aws: Clients | None = None) -> None:
        self.settings = replace(settings, stack=f"test-{uuid.uuid4().hex[:12]}")
        self.aws = aws or _clients(self.settings.region)
        create_stack(self.aws, self.settings.stack)
        self.calls: list[str] = []
        self.emails = Mailbox()
        self._mailer = self.emails if captures_emails else None
        for client in self.aws:
            client.meta.events.unregister("before-call.*.*", unique_id="calls")
            client.meta.events.register("before-call.*.*", self._note, unique_id="calls")
        self.tables = Tables(self.aws.dynamodb, self.settings.region, self.settings.table)
        self.users = UserStore(self.tables)
        self.lines: list[str] = []
        self._gateway = self._made()

    def _made(self) -> Gateway:
        request_log = RequestLog(self.lines.append, self.settings.stack)
        return Gateway(
            create_chalice_app(
                Services(self.settings, self.aws, self._mailer).routes,
                request_log,
                self.settings.front_proof,
                app_class=LocalChalice,
            )
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of the journal that are about a change or a failed sign-in."""
        return [line for line in map(json.loads, self.lines) if "event" in line]

    def restarted(self, **settings: Any) -> "Index":
        """Another container of the same stack: nothing remembered, other settings where given."""
        other = object.__new__(Index)
        other.__dict__.update(self.__dict__)
        other.settings = replace(self.settings, **settings)
        other._gateway = other._made()
        return other

    def _note(self, model: Any, **_: Any) -> None:
        self.calls.append(f"{model.service_model.service_name}.{model.name}")

    def account(self, username: str, *, admin: bool = False, active: bool = True, password: str = PASSWORD) -> str:
        """Creates an account and gives the Authorization header that signs it in."""
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
    ) -> Response:
        """`auth` is an Authorization header; `token` asks for one; `json` goes into the body.

        Every reply to every test has a status that docs/reference/openapi.yaml has for its call; 500 it has for all.
        """
        sent = dict(headers or {})
        if auth is not None:
            sent["authorization"] = auth
        if token:
            sent["x-docker-token"] = "true"
        answer = self._gateway.handle(method, path, sent, body if json is None else _encoded(json))
        call = call_of(method, path)
        assert call is None or str(answer.status) in {*call[2]["responses"], "500"}, (
            f"docs/reference/openapi.yaml does not say that {call[0]} {call[1]} may answer {answer.status}"
        )
        return Response(answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.body)

    def push(self, path: str, auth: str, *ids: str) -> str:
        """Creates or updates a repository and gives the write token."""
        response = self.request("PUT", f"/v1/repositories/{path}/", auth, json=[{"id": i} for i in ids], token=True)
        assert response.status == 200, response
        return response.token

    def ids(self, path: str, auth: str | None = None) -> list[str]:
        """The ids of a repository's list."""
        response = self.request("GET", f"/v1/repositories/{path}/images", auth)
        assert response.status == 200, response
        return [entry["id"] for entry in response.json]


@cache
def _clients(region: str) -> Clients:
    """One pair for the whole run: making them is slow, and they hold nothing of a stack."""
    return create_clients(region)


def _encoded(value: Any) -> bytes:
    return json.dumps(value).encode()
