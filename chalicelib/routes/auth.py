"""`…/auth`: a registry asks whether a token is good."""

from chalicelib.errors import Forbidden, Unauthorized
from chalicelib.images import ImageLists
from chalicelib.routes.http import Doorman, Reply, Request, Route, json_reply
from chalicelib.tokens import Grant


class AuthRoutes:
    """`PUT …/auth`."""

    def __init__(self, lists: ImageLists, doorman: Doorman) -> None:
        self._lists = lists
        self._doorman = doorman

    def routes(self) -> list[Route]:
        """What this serves, and where."""
        return [
            Route("PUT", "/v1/repositories/{namespace}/auth", self.authorize),
            Route("PUT", "/v1/repositories/{namespace}/{repository}/auth", self.authorize),
        ]

    def authorize(self, request: Request) -> Reply:
        """200 `"OK"`; 403, the published page's 'permission denied', for everything that is no good token here."""
        try:
            asker = self._doorman.asker(request)
            if not isinstance(asker, Grant):
                raise Unauthorized("this needs a token")
            self._lists.vouch(asker)
        except Unauthorized as refusal:
            raise Forbidden(f"permission denied: {refusal.message}") from None
        return json_reply(200, "OK")
