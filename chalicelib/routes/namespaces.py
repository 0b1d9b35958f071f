"""What repositories say of themselves, and who shares in them: Waybill's own endpoints.

They stand beside `/v1/repositories`, not below it, where every word may be a repository's name.
"""

from typing import Any, Literal

import msgspec

from chalicelib.access import Role
from chalicelib.journal import note
from chalicelib.names import RepositoryName, check_namespace
from chalicelib.repositories import Repositories, Shown
from chalicelib.routes.http import Doorman, Reply, Request, Route, decode_body, json_reply
from chalicelib.sharing import Sharing


class RepositoryForm(msgspec.Struct, frozen=True):
    """What can be changed of a repository. What is not given stays."""

    description: str | None = None
    private: bool | None = None


class ShareForm(msgspec.Struct, frozen=True):
    """What a collaborator may do."""

    access: Literal["read", "write", "admin"]


class NamespaceRoutes:
    """`/v1/namespaces/(namespace)/repositories/…`."""

    def __init__(self, repositories: Repositories, sharing: Sharing, doorman: Doorman) -> None:
        self._repositories = repositories
        self._sharing = sharing
        self._doorman = doorman

    def routes(self) -> list[Route]:
        """What this serves, and where."""
        below = "/v1/namespaces/{namespace}/repositories"
        one, people = below + "/{repository}", below + "/{repository}/collaborators"
        return [
            Route("GET", below, self.list),
            Route("GET", one, self.show),
            Route("PUT", one, self.change, event="repository.changed"),
            Route("GET", people, self.collaborators),
            Route("PUT", people + "/{username}", self.share, event="repository.shared"),
            Route("DELETE", people + "/{username}", self.unshare, event="repository.unshared"),
        ]

    def list(self, request: Request) -> Reply:
        """200 and a namespace's repositories that the caller may read, by name: at most 100, from behind `after` on."""
        caller = self._doorman.caller(request)
        namespace = check_namespace(request.parameters["namespace"])
        after = request.query.get("after")
        behind = RepositoryName.of(namespace, after).name if after else ""
        return json_reply(200, list(map(_shown, self._repositories.list(caller, namespace, behind))))

    def show(self, request: Request) -> Reply:
        """200 and what is known of a repository."""
        return json_reply(200, _shown(self._repositories.show(self._doorman.caller(request), request.repository)))

    def change(self, request: Request) -> Reply:
        """204."""
        caller = self._doorman.account(request)
        form = decode_body(request, RepositoryForm)
        note(changed=[field for field in ("description", "private") if getattr(form, field) is not None])
        self._repositories.change(caller, request.repository, description=form.description, private=form.private)
        return Reply(204)

    def collaborators(self, request: Request) -> Reply:
        """200 and who shares in a repository, for its administrators."""
        found = self._sharing.collaborators(self._doorman.account(request), request.repository)
        return json_reply(200, [{"username": name, "access": role.word} for name, role in sorted(found.items())])

    def share(self, request: Request) -> Reply:
        """204, to a new collaborator and to one who is there already."""
        caller = self._doorman.account(request)
        form = decode_body(request, ShareForm)
        note(access=form.access)
        self._sharing.share(caller, request.repository, request.parameters["username"], Role.of(form.access))
        return Reply(204)

    def unshare(self, request: Request) -> Reply:
        """204: the account's next sign-in to the repository fails."""
        self._sharing.unshare(self._doorman.account(request), request.repository, request.parameters["username"])
        return Reply(204)


def _shown(shown: Shown) -> dict[str, Any]:
    repository = shown.repository
    return {
        "namespace": repository.name.namespace,
        "name": repository.name.name,
        "description": repository.description,
        "private": repository.private,
        "created": repository.created,
        "access": shown.role.word,
    }
