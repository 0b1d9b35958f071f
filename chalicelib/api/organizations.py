"""`/v1/organizations`: organisations and their members. An extension of Waybill."""

from typing import Any, Literal

from msgspec import Struct

from chalicelib.accounts.organization_deletion import OrganizationDeletion
from chalicelib.accounts.organizations import MemberPage, Organizations, OrganizationView
from chalicelib.api.authentication import Authenticator
from chalicelib.api.http import Route, decode_body
from chalicelib.api.messages import Request, Response, json_response
from chalicelib.domain.roles import Role
from chalicelib.request_log import annotate


class MemberForm(Struct, frozen=True):
    """The body that adds a member or changes its role."""

    access: Literal["read", "write", "admin"]


class OrganizationRoutes:
    """Endpoints for organisations."""

    def __init__(
        self, organizations: Organizations, deletion: OrganizationDeletion, authenticator: Authenticator
    ) -> None:
        self._organizations = organizations
        self._deletion = deletion
        self._authenticator = authenticator

    def routes(self) -> list[Route]:
        """Return the endpoints."""
        organization = "/v1/organizations/{organization}"
        member = organization + "/members/{username}"
        return [
            Route("GET", "/v1/organizations", self.list),
            Route("PUT", organization, self.create, event="organization.created"),
            Route("GET", organization, self.show),
            Route("DELETE", organization, self.delete, event="organization.deleted"),
            Route("GET", organization + "/members", self.list_members),
            Route("PUT", member, self.put_member, event="member.changed"),
            Route("DELETE", member, self.remove_member, event="member.removed"),
        ]

    def list(self, request: Request) -> Response:
        """Return 200 and the organisations of the account, by name. At most 100, after the name `after`."""
        principal = self._authenticator.require_user(request)
        page = self._organizations.list_of_account(principal, request.query.get("after", ""))
        return _page_to_json("name", page, "/v1/organizations")

    def create(self, request: Request) -> Response:
        """Return 201. The account becomes the administrator of the organisation."""
        principal = self._authenticator.require_user(request)
        self._organizations.create(principal, request.parameters["organization"])
        return Response(201)

    def show(self, request: Request) -> Response:
        """Return 200 and an organisation, for its members."""
        principal = self._authenticator.require_user(request)
        return json_response(200, _view_to_json(self._organizations.show(principal, _name(request))))

    def delete(self, request: Request) -> Response:
        """Return 204, or 202 and `""` if the client must repeat the request to delete the rest."""
        principal = self._authenticator.require_user(request)
        is_complete = self._deletion.delete(principal, _name(request))
        return Response(204) if is_complete else json_response(202, "")

    def list_members(self, request: Request) -> Response:
        """Return 200 and the members, by username, for members. At most 100, after the username `after`."""
        principal = self._authenticator.require_user(request)
        name = _name(request)
        page = self._organizations.list_members(principal, name, request.query.get("after", ""))
        return _page_to_json("username", page, f"/v1/organizations/{name}/members")

    def put_member(self, request: Request) -> Response:
        """Return 204, for a new member and for an existing one."""
        principal = self._authenticator.require_user(request)
        form = decode_body(request, MemberForm)
        annotate(access=form.access)
        self._organizations.put_member(
            principal, _name(request), request.parameters["username"], Role.parse(form.access)
        )
        return Response(204)

    def remove_member(self, request: Request) -> Response:
        """Return 204. The next request of the account is denied."""
        principal = self._authenticator.require_user(request)
        self._organizations.remove_member(principal, _name(request), request.parameters["username"])
        return Response(204)


def _name(request: Request) -> str:
    return request.parameters["organization"]


def _view_to_json(view: OrganizationView) -> dict[str, Any]:
    organization = view.organization
    return {
        "name": organization.name,
        "created": organization.created,
        "members": organization.members,
        "access": view.role.word,
    }


def _page_to_json(field: str, page: MemberPage, path: str) -> Response:
    headers = {"Link": f'<{path}?after={page.next_name}>; rel="next"'} if page.next_name else {}
    return json_response(200, [{field: name, "access": role.word} for name, role in page.members], headers)
