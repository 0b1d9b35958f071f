"""Authentication of requests by the Authorization header."""

import base64
import binascii

from chalicelib.accounts.login import Login
from chalicelib.api.messages import Request
from chalicelib.domain.errors import InvalidToken, NotAuthenticated
from chalicelib.domain.identifiers import loggable_name
from chalicelib.domain.roles import ANONYMOUS, Grant, Principal
from chalicelib.request_log import LOGIN_FAILED, annotate
from chalicelib.security.access_tokens import AccessTokens
from chalicelib.security.bearer_tokens import BearerTokens


class Authenticator:
    """Finds the principal of a request. Methods raise the errors of `Login.log_in`."""

    def __init__(self, login: Login, tokens: AccessTokens, bearer_tokens: BearerTokens | None) -> None:
        self._login = login
        self._tokens = tokens
        self._bearer_tokens = bearer_tokens

    def require_user(self, request: Request, *, allow_deletion_started: bool = False) -> Principal:
        """Return the account or robot of a Basic header. Raises NotAuthenticated for anonymous clients and tokens."""
        principal = self.authenticate_basic(request, allow_deletion_started=allow_deletion_started)
        if principal is ANONYMOUS:
            raise NotAuthenticated("log in with your username and password")
        return principal

    def authenticate(self, request: Request) -> Principal | Grant:
        """Return the principal of a Basic header or none, or the grant of a token for the repository in the path.

        Raises InvalidToken.
        """
        token = presented_token(request)
        if token is None:
            return self.authenticate_basic(request)
        grant = self._tokens.verify(token)
        if grant.repository != request.repository:
            raise InvalidToken("the token is for another repository")
        return grant

    def authenticate_search(self, request: Request) -> Principal:
        """Return the principal of a Basic header, of a bearer token, or ANONYMOUS.

        Docker sends a bearer token to `/v1/search` if it has stored an identity token.
        """
        if self._bearer_tokens is not None and _bearer_token(request) is not None:
            return self.require_bearer(request)
        return self.authenticate_basic(request)

    def require_bearer(self, request: Request) -> Principal:
        """Return the subject of a bearer token, with the rights that it has now.

        Raises NotAuthenticated, also if the account or the robot is no longer valid.
        """
        token = _bearer_token(request)
        if token is None or self._bearer_tokens is None:
            raise NotAuthenticated("this request needs a bearer token from /token")
        subject = self._bearer_tokens.verify(token).sub
        principal = self._login.find_subject(subject) if subject else ANONYMOUS
        if principal is None:
            raise InvalidToken("the account or the robot of the token is no longer valid")
        annotate(**({} if principal.username is None else {"actor": subject}))
        return principal

    def authenticate_basic(self, request: Request, *, allow_deletion_started: bool = False) -> Principal:
        """Return the principal of a Basic header, or ANONYMOUS without a header. Raises NotAuthenticated."""
        credentials = parse_basic(request.headers.get("authorization", "").strip())
        if credentials is None:
            return ANONYMOUS
        return self.log_in(request, *credentials, allow_deletion_started=allow_deletion_started)

    def log_in(
        self, request: Request, username: str, password: str, *, allow_deletion_started: bool = False
    ) -> Principal:
        """Return the principal that these credentials belong to, and record the login or its failure."""
        try:
            principal = self._login.log_in(
                username, password, request.client_ip, allow_deletion_started=allow_deletion_started
            )
        except NotAuthenticated:
            annotate(event=LOGIN_FAILED, target=loggable_name(username))
            raise
        annotate(actor=username)
        if principal.robot is not None:
            annotate(robot=principal.robot.name)
        return principal


def presented_token(request: Request) -> str | None:
    """Return the text after `Token ` in the Authorization header, in any case, or None for other schemes."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return token if scheme.lower() == "token" else None


def _bearer_token(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def parse_basic(header: str) -> tuple[str, str] | None:
    """Return the username and the password, or None for an anonymous client. Raises NotAuthenticated.

    Docker without a login sends `Basic Og==`: an empty username is anonymous.
    """
    if not header:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise NotAuthenticated("this request needs a username and a password (Basic authentication)")
    try:
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        colon = ""
    if not colon:
        raise NotAuthenticated("the Authorization header is malformed: Basic needs base64 of username:password")
    return (username, password) if username else None
