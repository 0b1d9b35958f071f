"""What the routes share: requests, replies, bodies, and who is asking."""

import base64
import binascii
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Never, TypeVar

import msgspec

from chalicelib.access import ANONYMOUS, Caller
from chalicelib.accounts import Accounts
from chalicelib.errors import BadRequest, Fault, Refusal, TooLarge, Unauthorized
from chalicelib.journal import FAILED_SIGN_IN, note
from chalicelib.names import LIBRARY, RepositoryName, is_username
from chalicelib.tokens import Grant, InvalidToken, Tokens, as_issued

LIST_BYTES_AT_MOST = 6_000_000  # what Lambda takes in one event
BODY_BYTES_AT_MOST = 65_536  # of all but lists: a robot's hundred repositories with the longest names have 52,000
JSON = "application/json"

T = TypeVar("T")
logger = logging.getLogger("waybill")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as any server can give it. Header names are lower-cased; `parameters` are the path's variables;
    `address` is where it comes from, `id` what a user can quote.
    """

    method: str
    id: str = ""
    address: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict, repr=False)  # it may hold a mailed link
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def repository(self) -> RepositoryName:
        """The repository that the path names; without a namespace it is the library's. Raises BadRequest."""
        namespace, name = self.parameters["namespace"], self.parameters.get("repository")
        return RepositoryName.of(LIBRARY, namespace) if name is None else RepositoryName.of(namespace, name)

    @property
    def wants_token(self) -> bool:
        """Whether the client asked for a token."""
        return self.headers.get("x-docker-token", "").strip().lower() == "true"


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as any server can send it."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def json_reply(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply with `value` as JSON."""
    return Reply(status, msgspec.json.encode(value).decode(), {"Content-Type": JSON, **(headers or {})})


def json_refusal(refusal: Refusal) -> Reply:
    """How programs are refused."""
    body = refusal.message if refusal.quoted else {"error": refusal.message}
    return json_reply(refusal.status, body, refusal.reply_headers())


@dataclass(frozen=True, slots=True)
class Route:
    """Where a handler answers. `path` has its variables in braces and no slash at its end; both forms are served.

    `refuse` puts what the handler refuses: as JSON for programs, as a page for people. `event` is what the journal
    calls a success, where that changes anything.
    """

    method: str
    path: str
    handler: Callable[[Request], Reply]
    refuse: Callable[[Refusal], Reply] = json_refusal
    event: str | None = None


def answer(route: Route, request: Request) -> Reply:
    """Runs a route's handler and turns what it raises into a reply: the one place that does."""
    if route.event is not None:
        note(event=route.event, on="/".join(request.parameters.values()))
    try:
        return route.handler(request)
    except Refusal as refusal:
        if refusal.status >= 500:
            logger.error("request %s: %s: %r", request.id, refusal.message, refusal.__cause__)
        return route.refuse(refusal)
    except Exception:
        logger.exception("request %s: a fault in the index itself", request.id)
        return route.refuse(Fault())


def number_of(request: Request, name: str, default: int) -> int:
    """A number from 1 in the query. Raises BadRequest."""
    text = request.query.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) < 7 and int(text) > 0):
        raise BadRequest(f"{name} is a number from 1")
    return int(text)


def decode_body(request: Request, wanted: type[T], bytes_at_most: int = BODY_BYTES_AT_MOST) -> T:
    """The body as JSON of the type `wanted`, whatever its Content-Type says. Raises TooLarge before it looks into one,
    for JSON takes up to 25 times its size in memory; and BadRequest. Nothing is ever unpacked here: API Gateway does.
    """
    if len(request.body) > bytes_at_most:
        raise TooLarge(f"a body has at most {bytes_at_most} bytes here")
    encoding = request.headers.get("content-encoding", "").strip().lower() or "identity"
    try:
        request.body.decode()  # msgspec passes over fields that nobody asked for, UTF-8 or not
        return msgspec.json.decode(request.body, type=wanted)
    except UnicodeDecodeError:
        _bad_body("it is no UTF-8", encoding)
    except msgspec.ValidationError as error:
        _bad_body(str(error))
    except msgspec.DecodeError:
        _bad_body("it is no JSON", encoding)
    except RecursionError:
        _bad_body("it is nested too deeply")


def _bad_body(reason: str, encoding: str = "identity") -> Never:
    packed = "" if encoding == "identity" else ", and the index unpacks no Content-Encoding; send it as it is"
    raise BadRequest(f"the request's body cannot be used: {reason}{packed}") from None


class Doorman:
    """Finds out who is asking, from the Authorization header."""

    def __init__(self, accounts: Accounts, tokens: Tokens) -> None:
        self._accounts = accounts
        self._tokens = tokens

    def account(self, request: Request, *, leaving: bool = False) -> Caller:
        """The account that signed in with Basic; one whose removal has begun only where `leaving` says so.

        Raises Unauthorized, also for nobody and for a token; NotActive.
        """
        caller = self.caller(request, leaving=leaving)
        if caller is ANONYMOUS:
            raise Unauthorized("sign in with your username and password")
        return caller

    def asker(self, request: Request) -> Caller | Grant:
        """An account, nobody, or the grant of a token that is good for the repository in the path.

        Raises Unauthorized (InvalidToken for tokens) and NotActive.
        """
        token = presented_token(request)
        if token is None:
            return self.caller(request)
        grant = self._tokens.check(token)
        if grant.repository != request.repository:
            raise InvalidToken("the token is for another repository")
        return grant

    def caller(self, request: Request, *, leaving: bool = False) -> Caller:
        """The account that signed in with Basic, or nobody. Raises Unauthorized for wrong credentials; NotActive."""
        header = request.headers.get("authorization", "").strip()
        if not header:
            return ANONYMOUS
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            raise Unauthorized("this needs a username and a password (Basic)")
        try:
            username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            colon = ""
        if not colon:
            raise Unauthorized("the Authorization header is no valid Basic: it takes base64 of username:password")
        if not username:
            return ANONYMOUS  # docker without a login sends `Basic Og==`
        try:
            caller = self._accounts.sign_in(username, password, request.address, leaving=leaving)
        except Unauthorized:
            # What is no username may be a password that was typed into the wrong field.
            note(event=FAILED_SIGN_IN, on=username if is_username(username) else "")
            raise
        note(who=username)
        if caller.robot is not None:
            note(robot=caller.robot.name)
        return caller


def presented_token(request: Request) -> str | None:
    """What stands behind `Token ` in the Authorization header, in any case; None for other schemes."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return token if scheme.lower() == "token" else None


class Envelope:
    """The headers that docker reads from replies about a repository."""

    def __init__(self, endpoints: tuple[str, ...], tokens: Tokens) -> None:
        self._endpoints = ", ".join(endpoints)
        self._tokens = tokens

    def headers(self, request: Request, asker: Caller | Grant, grant: Grant | None) -> dict[str, str]:
        """Where the registries are, and `grant` as a token when the request asked for one.

        Who came with a token gets that token back: a new one would outlive what was granted.
        """
        headers = {"X-Docker-Endpoints": self._endpoints}
        if request.wants_token and grant is not None:
            shown = presented_token(request) if isinstance(asker, Grant) else None
            token = as_issued(shown) if shown else self._tokens.issue(grant)
            headers |= {"X-Docker-Token": token, "WWW-Authenticate": f"Token {token}"}
        return headers
