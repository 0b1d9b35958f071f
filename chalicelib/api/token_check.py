"""`…/auth`: a registry asks whether an access token is valid."""

from chalicelib.api.authentication import Authenticator
from chalicelib.api.http import Route
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.domain.errors import NotAuthenticated, PermissionDenied
from chalicelib.domain.roles import Grant
from chalicelib.repositories.image_lists import ImageLists


class TokenCheckRoutes:
    """The endpoint for token checks."""

    def __init__(self, lists: ImageLists, authenticator: Authenticator) -> None:
        self._lists = lists
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        return [
            Route("PUT", "/v1/repositories/{namespace}/auth", self.check),
            Route("PUT", "/v1/repositories/{namespace}/{repository}/auth", self.check),
        ]

    def check(self, request: Request) -> Response:
        """Return 200 and `"OK"`, or 403 for everything but a valid token, as the published page says."""
        try:
            principal = self._authenticator.authenticate(request)
            if not isinstance(principal, Grant):
                raise NotAuthenticated("this request needs a token")
            self._lists.ensure_exists(principal)
        except NotAuthenticated as error:
            raise PermissionDenied(f"permission denied: {error.message}") from None
        return json_response(200, "OK")
