"""One request for a page, with the session and the form that belong to it."""

from collections.abc import Mapping

from msgspec import Struct, field

from chalicelib.accounts.sessions import Session
from chalicelib.api.messages import Request
from chalicelib.domain.roles import ANONYMOUS, Principal


class Visit(Struct, frozen=True, kw_only=True):
    """A request for a page. `repr` omits the form, because it can contain a password.

    Attributes:
        request: the request.
        session: the session of the browser, or None for a visitor who has not logged in.
        form: the fields of a posted form.
    """

    request: Request
    session: Session | None = None
    form: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Visit({self.request!r})"

    @property
    def principal(self) -> Principal:
        """The account that has logged in, or ANONYMOUS. An account in deletion has no rights."""
        if self.session is None or self.session.user.deletion_started:
            return ANONYMOUS
        return self.session.principal

    @property
    def username(self) -> str:
        """The account that has logged in. Only for pages that require a login."""
        return self.own_session.user.username

    @property
    def own_session(self) -> Session:
        """The session. Only for pages that require a login."""
        if self.session is None:
            raise RuntimeError("the route of this page must require a login")
        return self.session

    @property
    def form_token(self) -> str:
        """The token that the forms of the page contain, or "" without a session."""
        return "" if self.session is None else self.session.claims.form_token
