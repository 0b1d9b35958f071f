"""A client for the API of an index, with the credentials of an account."""

import re
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, NoReturn, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

import msgspec
from msgspec import Struct

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import RepositoryName
from infra import project_version
from infra.client.credentials import Credentials
from infra.client.index_url import IndexUrl
from infra.exit_codes import CommandError, LoginError, UnreachableError
from infra.terminal_text import sanitize

_TIMEOUT_SECONDS = 30
_MAX_BODY_BYTES = 20_000_000
Kind = TypeVar("Kind")
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')


class Answer(Struct, frozen=True):
    """A response: its status, its headers and its body."""

    status: int
    headers: HTTPMessage
    body: bytes


class IndexClient:
    """Calls one index. All methods raise CommandError, with one sentence for each kind of failure."""

    def __init__(self, url: IndexUrl, credentials: Credentials | None = None) -> None:
        self.url = url
        self._credentials = credentials
        self._opener = _create_opener(url)

    @property
    def name(self) -> str:
        """The index in messages."""
        return str(self.url)

    @property
    def username(self) -> str:
        """The account. Raises LoginError without credentials."""
        if self._credentials is None:
            raise LoginError(f"this command needs an account; run: waybill login {self.url}")
        return self._credentials.username

    def parse_repository(self, text: str, owner: str | None = None) -> RepositoryName:
        """Return a full name. A name without a namespace means a repository of `owner`, by default of the account."""
        try:
            return RepositoryName.parse(text, "" if "/" in text else owner or self.username)
        except InvalidInput as error:
            raise CommandError(f"{text!r} is not a repository: {error.message}") from None

    def get(self, kind: type[Kind], *path: str, **query: str | int) -> Kind:
        """Return the JSON value of a path. Each part of the path is escaped."""
        return self._decode(self.request("GET", _join(path, query)), kind)

    def pages(self, kind: type[Kind], *path: str, **query: str | int) -> Iterator[Kind]:
        """Yield the entries of a listing, from all its pages."""
        next_path: str | None = _join(path, query)
        while next_path is not None:
            answer = self.request("GET", next_path)
            yield from self._decode(answer, list[kind])  # type: ignore[valid-type]
            link = _NEXT.match(answer.headers.get("Link", ""))
            next_path = link[1] if link and link[1].startswith("/") else None

    def create(self, kind: type[Kind], *path: str, body: Any) -> tuple[Kind, HTTPMessage]:
        """Send a PUT request with a JSON body, and return the JSON value and the headers."""
        answer = self.request("PUT", _join(path), body)
        return self._decode(answer, kind), answer.headers

    def change(self, *path: str, body: Any) -> None:
        """Send a PUT request with a JSON body, or without a body."""
        self.request("PUT", _join(path), body)

    def post(self, *path: str, body: Any) -> None:
        """Send a POST request with a JSON body."""
        self.request("POST", _join(path), body)

    def delete(self, *path: str) -> Answer:
        """Send a DELETE request."""
        return self.request("DELETE", _join(path))

    def check(self) -> None:
        """Check that the server is an index, and that it accepts the credentials."""
        if not self.get(bool, "v1", "_ping") or self.get(str, "v1", "users", "") != "OK":
            raise self._not_an_index()

    def request(self, method: str, path: str, body: Any = None) -> Answer:
        """Send a request and return a response with a status below 300."""
        headers = {"User-Agent": _user_agent(), "Accept": "application/json"}
        if self._credentials is not None:
            headers["Authorization"] = self._credentials.authorization
        data = None
        if body is not None:
            data, headers["Content-Type"] = msgspec.json.encode(body), "application/json"
        request = Request(str(self.url) + path, data, headers, method=method)
        answer = self._send(request)
        if 300 <= answer.status < 400:
            location = answer.headers.get("Location", "another address")
            raise UnreachableError(f"{self.url} redirects to {location!r}; use the URL of the index itself")
        if answer.status >= 400:
            self._raise_error(answer)
        return answer

    def _decode(self, answer: Answer, kind: type[Kind]) -> Kind:
        """Return the JSON value of a body. A value of another type is not that of an index."""
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.DecodeError, RecursionError):
            raise self._not_an_index() from None

    def _send(self, request: Request) -> Answer:
        """Return the response, also of an error."""
        try:
            try:
                response: Any = self._opener.open(request, timeout=_TIMEOUT_SECONDS)
            except HTTPError as error:
                response = error
            with response:
                return Answer(response.status, response.headers, response.read(_MAX_BODY_BYTES))
        except (OSError, HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise UnreachableError(self._describe_failure(reason)) from error

    def _describe_failure(self, reason: object) -> str:
        match reason:
            case ssl.SSLCertVerificationError():
                return (
                    f"the certificate of {self.url.host} is not trusted ({reason.verify_message}); set SSL_CERT_FILE "
                    "to the certificate of its authority"
                )
            case ssl.SSLError():
                return f"TLS with {self.url.host} failed; for a server without TLS, pass http://{self.url.host}"
            case socket.gaierror():
                return f"the host of {self.url} is unknown; check the URL and the network"
            case TimeoutError():
                return f"{self.url} does not answer within {_TIMEOUT_SECONDS} seconds"
            case OSError(strerror=str(text)):
                return f"{self.url} does not answer: {text}"
        return f"{self.url} does not answer with HTTP: {type(reason).__name__}"

    def _raise_error(self, answer: Answer) -> NoReturn:
        """Raise the error of a response. Every error of an index is `{"error": text}` or a text."""
        value, status = self._decode(answer, object), answer.status
        text = value.get("error") if isinstance(value, dict) else value
        if not isinstance(text, str):
            raise self._not_an_index()
        if status == 401 and self._credentials is None:
            raise LoginError(f"this command needs an account; run: waybill login {self.url}")
        if status == 401:
            raise LoginError(
                f"{self.url} does not accept the credentials of {self.username}; they are wrong or were revoked; run: "
                f"waybill login {self.url}"
            )
        if status == 429:
            text += f"; try again in {answer.headers.get('Retry-After', '60')} seconds"
        raise (UnreachableError if status >= 500 else CommandError)(sanitize(text))

    def _not_an_index(self) -> UnreachableError:
        """Return an error that says whether the server is a registry. Sends one request without credentials."""
        answer = self._send(Request(f"{self.url}/v2/", headers={"User-Agent": _user_agent()}))
        if "Docker-Distribution-Api-Version" in answer.headers:
            return UnreachableError(f"{self.url} is a registry, not a Waybill index; use the URL of its index")
        return UnreachableError(f"{self.url} is not a Waybill index; check the URL")


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect, because another server must not get the credentials."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Return no request, so that the redirect is the response."""


def _create_opener(url: IndexUrl) -> OpenerDirector:
    """Return an opener. Proxies come from the environment, but a server on this machine is not behind a proxy."""
    return build_opener(_NoRedirect, *([ProxyHandler({})] if url.is_local else []))


def _join(path: tuple[str, ...], query: dict[str, str | int] | None = None) -> str:
    joined = "/" + "/".join(quote(part, safe="") for part in path)
    return f"{joined}?{urlencode(query)}" if query else joined


def _user_agent() -> str:
    return f"waybill/{project_version()}"
