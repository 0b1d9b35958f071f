"""The headers that Docker reads from responses about a repository."""

from chalicelib.api.authentication import presented_token
from chalicelib.api.messages import Request
from chalicelib.domain.roles import Grant, Principal
from chalicelib.security.access_tokens import AccessTokens, canonical_token


class DockerHeaders:
    """Builds the headers. `endpoints` are the hosts of the registries."""

    def __init__(self, endpoints: tuple[str, ...], tokens: AccessTokens) -> None:
        self._endpoints = ", ".join(endpoints)
        self._tokens = tokens

    def build(self, request: Request, principal: Principal | Grant, grant: Grant | None) -> dict[str, str]:
        """Return the registries, and a token for `grant` if the request asks for one.

        A client that presents a token gets the same token back. A new one would extend its lifetime.
        """
        headers = {"X-Docker-Endpoints": self._endpoints}
        if request.wants_token and grant is not None:
            presented = presented_token(request) if isinstance(principal, Grant) else None
            token = canonical_token(presented) if presented else self._tokens.issue(grant)
            headers |= {"X-Docker-Token": token, "WWW-Authenticate": f"Token {token}"}
        return headers
