"""`/v1/namespaces/(namespace)/repositories/…`: listing, describing and sharing. An extension of Waybill.

These endpoints are not below `/v1/repositories`, because every word there can be the name of a repository.
"""

from datetime import UTC, datetime
from typing import Any, Literal

from msgspec import Struct

from chalicelib.api.authentication import Authenticator
from chalicelib.api.http import Route, decode_body
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import RepositoryName, check_namespace
from chalicelib.domain.roles import Role
from chalicelib.domain.tags import Tag
from chalicelib.repositories.collaborators import Collaborators
from chalicelib.repositories.service import Repositories, RepositoryView
from chalicelib.repositories.tags import Tags
from chalicelib.repositories.transfer import Transfers
from chalicelib.request_log import annotate


class RepositoryForm(Struct, frozen=True):
    """The body that changes a repository. A missing field keeps its value."""

    description: str | None = None
    long_description: str | None = None
    private: bool | None = None


class CollaboratorForm(Struct, frozen=True):
    """The body that adds a collaborator."""

    access: Literal["read", "write", "admin"]


class TransferForm(Struct, frozen=True):
    """The body that moves a repository: its new namespace and name."""

    namespace: str
    name: str


class NamespaceRoutes:
    """Endpoints for the repositories of a namespace."""

    def __init__(
        self,
        repositories: Repositories,
        tags: Tags,
        collaborators: Collaborators,
        transfers: Transfers,
        authenticator: Authenticator,
    ) -> None:
        self._tags = tags
        self._repositories = repositories
        self._collaborators = collaborators
        self._transfers = transfers
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        repositories = "/v1/namespaces/{namespace}/repositories"
        repository = repositories + "/{repository}"
        collaborators = repository + "/collaborators"
        return [
            Route("GET", repositories, self.list),
            Route("GET", repository, self.show),
            Route("PUT", repository, self.change, event="repository.changed"),
            Route("POST", repository + "/transfer", self.transfer, event="repository.transferred"),
            Route("GET", repository + "/tags", self.list_tags),
            Route("GET", collaborators, self.list_collaborators),
            Route("PUT", collaborators + "/{username}", self.add_collaborator, event="repository.shared"),
            Route("DELETE", collaborators + "/{username}", self.remove_collaborator, event="repository.unshared"),
        ]

    def list(self, request: Request) -> Response:
        """Return 200 and the repositories that the caller can read, by name. At most 100, after the name `after`.

        A `Link` header with `rel="next"` is present if there can be more. A page may be short or empty before that.
        """
        principal = self._authenticator.authenticate_basic(request)
        namespace = check_namespace(request.parameters["namespace"])
        after = request.query.get("after")
        last_name = RepositoryName.of(namespace, after).name if after else ""
        page = self._repositories.list(principal, namespace, last_name)
        path = f"/v1/namespaces/{namespace}/repositories?after={page.next_name}"
        headers = {"Link": f'<{path}>; rel="next"'} if page.next_name else {}
        return json_response(200, [_view_to_json(view) for view in page.views], headers)

    def show(self, request: Request) -> Response:
        """Return 200 and a repository with its long description."""
        principal = self._authenticator.authenticate_basic(request)
        view = self._repositories.show(principal, request.repository)
        long_description = self._repositories.read_long_description(view.repository)
        return json_response(200, {**_view_to_json(view), "long_description": long_description})

    def change(self, request: Request) -> Response:
        """Return 204."""
        principal = self._authenticator.require_user(request)
        form = decode_body(request, RepositoryForm)
        annotate(
            changed=[
                field for field in ("description", "long_description", "private") if getattr(form, field) is not None
            ]
        )
        self._repositories.change(
            principal,
            request.repository,
            description=form.description,
            long_description=form.long_description,
            private=form.private,
        )
        return Response(204)

    def transfer(self, request: Request) -> Response:
        """Return 204 after the repository has its new name."""
        principal = self._authenticator.require_user(request)
        form = decode_body(request, TransferForm)
        target = RepositoryName.of(form.namespace, form.name)
        annotate(new_name=str(target))
        self._transfers.transfer(principal, request.repository, target)
        return Response(204)

    def list_tags(self, request: Request) -> Response:
        """Return 200 and the tags of a repository, at most 100 after the tag `after`.

        `order` is `name` or `time`, the newest first. A `Link` header with `rel="next"` is present if there are more.
        """
        principal = self._authenticator.authenticate_search(request)
        order, after = request.query.get("order", "name"), request.query.get("after", "")
        if order not in ("name", "time"):
            raise InvalidInput("order must be name or time")
        listing = self._tags.list if order == "name" else self._tags.list_newest
        page = listing(principal, request.repository, after)
        path = f"/v1/namespaces/{request.repository.namespace}/repositories/{request.repository.name}/tags"
        query = f"order={order}&after={page.next_name}"
        headers = {"Link": f'<{path}?{query}>; rel="next"'} if page.next_name else {}
        return json_response(200, [_tag_to_json(tag) for tag in page.tags], headers)

    def list_collaborators(self, request: Request) -> Response:
        """Return 200 and the collaborators, for administrators of the repository."""
        principal = self._authenticator.require_user(request)
        roles = self._collaborators.list(principal, request.repository)
        return json_response(200, [{"username": name, "access": role.word} for name, role in sorted(roles.items())])

    def add_collaborator(self, request: Request) -> Response:
        """Return 204, for a new collaborator and for an existing one."""
        principal = self._authenticator.require_user(request)
        form = decode_body(request, CollaboratorForm)
        annotate(access=form.access)
        self._collaborators.add(principal, request.repository, request.parameters["username"], Role.parse(form.access))
        return Response(204)

    def remove_collaborator(self, request: Request) -> Response:
        """Return 204. The next request of the account is denied."""
        principal = self._authenticator.require_user(request)
        self._collaborators.remove(principal, request.repository, request.parameters["username"])
        return Response(204)


def _tag_to_json(tag: Tag) -> dict[str, Any]:
    return {
        "tag": tag.name,
        "digest": tag.digest,
        "media_type": tag.media_type,
        "size": tag.size,
        "pushed": datetime.fromtimestamp(tag.pushed / 1_000_000_000, UTC),
    }


def _view_to_json(view: RepositoryView) -> dict[str, Any]:
    repository = view.repository
    return {
        "namespace": repository.name.namespace,
        "name": repository.name.name,
        "description": repository.description,
        "private": repository.private,
        "created": repository.created,
        "last_pushed": repository.last_pushed,
        "tags": repository.tags,
        "access": view.role.word,
    }
