"""A browser without JavaScript: it keeps the cookie, follows redirects and sends the fields of forms."""

from urllib.parse import urlencode

from tests.index import PASSWORD, Index, Response
from tests.pages import Page

OWN_SITE = {"sec-fetch-site": "same-origin"}


class WebSession:
    """The pages of one index in one browser.

    Attributes:
        cookie: the value of the Cookie header, or "".
        location: the path of the last redirect.
    """

    def __init__(self, index: Index) -> None:
        self.index = index
        self.cookie = ""
        self.location = ""

    @classmethod
    def logged_in(cls, index: Index, username: str, password: str = PASSWORD) -> "WebSession":
        """Return a browser in which an account has logged in. The account must exist."""
        session = cls(index)
        response = session.send("POST", "/login", username=username, password=password)
        assert response.status == 303, response.body
        return session

    @property
    def form_token(self) -> str:
        """The form token of the session."""
        return self.get("/account/settings").fields("/account/email")["form_token"]

    def get(self, path: str) -> Page:
        """Open a page, and follow redirects."""
        response = self.send("GET", path)
        while response.status == 303:
            response = self.send("GET", self.location)
        return Page(response)

    def submit(self, path: str, action: str, **changed: str) -> Page:
        """Open a page, send one of its forms with changed fields and the password, and follow a redirect."""
        fields = self.get(path).fields(action)
        if fields.get("password") == "":
            fields["password"] = PASSWORD
        return self.post(action, **{**fields, **changed})

    def post(self, path: str, **fields: str) -> Page:
        """Send a form, and follow a redirect."""
        response = self.send("POST", path, **fields)
        return self.get(self.location) if response.status == 303 else Page(response)

    def send(self, method: str, path: str, headers: dict[str, str] | None = None, /, **fields: str) -> Response:
        """Send a request from a page of the index, and keep its cookie."""
        sent = {**(OWN_SITE if headers is None else headers)}
        if self.cookie:
            sent["cookie"] = f"theme=dark; {self.cookie}"
        response = self.index.request(method, path, body=urlencode(fields).encode(), headers=sent)
        if "set-cookie" in response.headers:
            self.cookie = response.headers["set-cookie"].partition(";")[0]
        self.location = response.headers.get("location", "")
        return response
