"""`/v1/repositories/[namespace/]repository`: the start of a push, and deletion."""

from chalicelib.api.authentication import Authenticator
from chalicelib.api.docker_headers import DockerHeaders
from chalicelib.api.http import MAX_LIST_BYTES, Route, decode_body
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.domain.image_list import ImageEntry, parse_image_entries
from chalicelib.domain.roles import Grant, TokenScope
from chalicelib.repositories.service import Repositories


class RepositoryRoutes:
    """Endpoints for pushing and deleting."""

    def __init__(
        self,
        repositories: Repositories,
        authenticator: Authenticator,
        docker_headers: DockerHeaders,
        registry_address: str = "",
    ) -> None:
        self._registry_address = registry_address
        self._repositories = repositories
        self._authenticator = authenticator
        self._docker_headers = docker_headers

    def routes(self) -> list[Route]:
        """Return the endpoints.

        In the short form, `{namespace}` is the name of a repository in `library`: API Gateway allows one variable name
        for each level of a path.
        """
        return [
            Route(method, path, handler, event=event)
            for path in ("/v1/repositories/{namespace}", "/v1/repositories/{namespace}/{repository}")
            for method, handler, event in (
                ("PUT", self.push, "repository.pushed"),
                ("DELETE", self.delete, "repository.deleted"),
            )
        ]

    def push(self, request: Request) -> Response:
        """Return 200, `""` and a write token. Every push starts with this request."""
        repository = request.repository
        principal = self._authenticator.require_user(request)
        images = parse_image_entries(decode_body(request, list[ImageEntry], MAX_LIST_BYTES))
        generation = self._repositories.push(principal, repository, images)
        grant = Grant(repository, TokenScope.WRITE, generation)
        return json_response(200, "", self._docker_headers.build(request, principal, grant))

    def delete(self, request: Request) -> Response:
        """Return 202, `""` and a delete token; or 200 if a registry has presented one. The body is ignored.

        Nothing is removed from a current registry. The header `X-Waybill-Remaining` names what can remain there.
        """
        repository = request.repository
        principal = self._authenticator.require_user(request)
        generation = self._repositories.delete(principal, repository)
        grant = None if generation is None else Grant(repository, TokenScope.DELETE, generation)
        headers = self._docker_headers.build(request, principal, grant)
        if self._registry_address:
            headers["X-Waybill-Remaining"] = f"{self._registry_address}/{repository}"
        return json_response(200 if grant is None else 202, "", headers)
