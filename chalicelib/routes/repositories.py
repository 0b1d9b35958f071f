"""Creating and deleting repositories."""

from chalicelib.access import Access
from chalicelib.images import ImageEntry, checked
from chalicelib.repositories import Repositories
from chalicelib.routes.http import LIST_BYTES_AT_MOST, Doorman, Envelope, Reply, Request, Route, decode_body, json_reply
from chalicelib.tokens import Grant


class RepositoryRoutes:
    """`/v1/repositories/[namespace/]repository`."""

    def __init__(self, repositories: Repositories, doorman: Doorman, envelope: Envelope) -> None:
        self._repositories = repositories
        self._doorman = doorman
        self._envelope = envelope

    def routes(self) -> list[Route]:
        """What this serves, and where. The first variable carries a library repository's name: API Gateway allows one
        variable name at each level.
        """
        return [
            Route(method, path, handler, event=event)
            for path in ("/v1/repositories/{namespace}", "/v1/repositories/{namespace}/{repository}")
            for method, handler, event in (
                ("PUT", self.push, "repository.pushed"),
                ("DELETE", self.delete, "repository.deleted"),
            )
        ]

    def push(self, request: Request) -> Reply:
        """200 `""` and a write token: the beginning of every push, to a new repository or an old one."""
        repository = request.repository
        caller = self._doorman.account(request)
        images = checked(decode_body(request, list[ImageEntry], LIST_BYTES_AT_MOST))
        generation = self._repositories.push(caller, repository, images)
        grant = Grant(repository, Access.WRITE, generation)
        return json_reply(200, "", self._envelope.headers(request, caller, grant))

    def delete(self, request: Request) -> Reply:
        """202 `""` and a delete token; 200 when a registry has taken the deletion up. The body says nothing."""
        repository = request.repository
        caller = self._doorman.account(request)
        generation = self._repositories.delete(caller, repository)
        if generation is None:
            return json_reply(200, "", self._envelope.headers(request, caller, None))
        grant = Grant(repository, Access.DELETE, generation)
        return json_reply(202, "", self._envelope.headers(request, caller, grant))
