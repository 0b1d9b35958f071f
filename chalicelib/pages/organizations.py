"""The organisations of an account, and the page area of an organisation: members, leaving and deletion."""

from markupsafe import Markup

from chalicelib.accounts.organization_deletion import OrganizationDeletion
from chalicelib.accounts.organizations import MemberPage, Organizations, OrganizationView
from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.domain.errors import DomainError, InvalidInput
from chalicelib.domain.identifiers import is_namespace, loggable_name
from chalicelib.domain.roles import Role
from chalicelib.pages.forms import check_form_error, require_choice
from chalicelib.pages.frame import (
    render_account_tabs,
    render_next,
    render_notice,
    render_organization_tabs,
    render_role_fields,
)
from chalicelib.pages.guard import Guard, redirect
from chalicelib.pages.html import EMPTY, PageRenderer, render, render_each
from chalicelib.pages.texts import pluralize
from chalicelib.pages.visit import Visit
from chalicelib.request_log import annotate

_PATH = "/account/organizations"
_ROLES = (("read", "read: pull"), ("write", "write: pull and push"), ("admin", "admin: also manage"))
MEMBERS_PER_PAGE = 50


class OrganizationPages:
    """`/account/organizations` and `/organizations/(organization)` with their forms."""

    def __init__(
        self, guard: Guard, renderer: PageRenderer, organizations: Organizations, deletion: OrganizationDeletion
    ) -> None:
        self._guard = guard
        self._renderer = renderer
        self._organizations = organizations
        self._deletion = deletion

    def routes(self) -> list[Route]:
        """Return the pages and the forms."""
        guard, organization = self._guard, "/organizations/{organization}"
        return [
            guard.private(_PATH, self.show_own),
            guard.form(_PATH, self.create, "organization.created"),
            guard.private(organization, self.show_members),
            guard.form(organization + "/members", self.put_member, "member.changed"),
            guard.form(organization + "/members/remove", self.remove_member, "member.removed"),
            guard.form(organization + "/leave", self.leave, "member.removed"),
            guard.private(organization + "/settings", self.show_settings),
            guard.form(organization + "/delete", self.delete, "organization.deleted"),
        ]

    def show_own(self, visit: Visit) -> Response:
        """Return the organisations of the account, and the form for a new one if the account may create it."""
        return self._render_own(visit)

    def create(self, visit: Visit) -> Response:
        """Create an organisation, and open its page."""
        name = visit.form.get("name", "").strip()
        annotate(target=loggable_name(name, is_namespace))
        try:
            self._organizations.create(visit.principal, name)
        except DomainError as error:
            return self._render_own(visit, check_form_error(error))
        return redirect(f"/organizations/{name}?done=organization_created")

    def show_members(self, visit: Visit) -> Response:
        """Return the members. Administrators of the organisation also get the forms that change them."""
        return self._render_members(visit)

    def put_member(self, visit: Visit) -> Response:
        """Add a member, or change the role of a member."""
        name, username = _name(visit), visit.form.get("username", "").strip()
        annotate(target=f"{name}/{loggable_name(username)}")
        try:
            access = require_choice(visit.form, "access", _ROLES)
            annotate(access=access)
            self._organizations.put_member(visit.principal, name, username, Role.parse(access))
        except DomainError as error:
            return self._render_members(visit, check_form_error(error))
        return redirect(f"/organizations/{name}?done=member_changed")

    def remove_member(self, visit: Visit) -> Response:
        """Remove a member."""
        return self._remove(visit, visit.form.get("username", "").strip())

    def leave(self, visit: Visit) -> Response:
        """Remove the account that has logged in."""
        return self._remove(visit, visit.username)

    def show_settings(self, visit: Visit) -> Response:
        """Return the form that deletes the organisation."""
        return self._render_settings(visit)

    def delete(self, visit: Visit) -> Response:
        """Delete the organisation, if the form repeats its name. If a part is left, the form is shown again."""
        name = _name(visit)
        try:
            if visit.form.get("confirmation", "").strip() != name:
                raise InvalidInput(f"type {name} to confirm the deletion; nothing was deleted")
            is_complete = self._deletion.delete(visit.principal, name)
        except DomainError as error:
            return self._render_settings(visit, check_form_error(error))
        return redirect(f"{_PATH}?done=organization_deleted" if is_complete else f"/organizations/{name}/settings")

    def _remove(self, visit: Visit, username: str) -> Response:
        name = _name(visit)
        annotate(target=f"{name}/{loggable_name(username)}")
        try:
            self._organizations.remove_member(visit.principal, name, username)
        except DomainError as error:
            return self._render_members(visit, check_form_error(error))
        if username == visit.username:
            return redirect(f"{_PATH}?done=left")
        return redirect(f"/organizations/{name}?done=member_removed")

    def _render_own(self, visit: Visit, error: DomainError | None = None) -> Response:
        page = self._organizations.list_of_account(visit.principal, visit.request.query.get("after", ""))
        creation = render("organization_creation", form_token=visit.form_token, name=visit.form.get("name", ""))
        rows = ({"name": name, "role": role.word} for name, role in page.members)
        return self._renderer.render_form(
            visit,
            "organizations",
            "Organisations",
            error,
            notice=render_notice(visit),
            tabs=render_account_tabs(_PATH),
            rows=render("rows", rows=render_each("organization_row", rows))
            if page.members
            else render("empty_organizations"),
            pagination=render_next(_PATH, after=page.next_name) if page.next_name else EMPTY,
            creation=creation if self._organizations.can_create(visit.principal) else EMPTY,
        )

    def _render_members(self, visit: Visit, error: DomainError | None = None) -> Response:
        name = _name(visit)
        view, listed = self._organizations.show_members(visit.principal, name, visit.request.query.get("after", ""))
        page = _first_members(listed)
        if view.organization.deletion_started and view.role >= Role.ADMIN:
            return self._render_settings(visit, error)
        return self._renderer.render_form(
            visit,
            "organization",
            name,
            error,
            notice=render_notice(visit),
            tabs=render_organization_tabs(name, view.role, ""),
            count=pluralize(view.organization.members, "member"),
            members=_render_member_rows(visit, view, page),
            pagination=render_next(f"/organizations/{name}", after=page.next_name) if page.next_name else EMPTY,
            addition=_render_addition(visit, name) if view.role >= Role.ADMIN else EMPTY,
            leaving=render("organization_leaving", name=name, form_token=visit.form_token)
            if not visit.principal.admin or visit.username in dict(page.members)
            else EMPTY,
        )

    def _render_settings(self, visit: Visit, error: DomainError | None = None) -> Response:
        name = _name(visit)
        organization = self._organizations.authorize_administrator(visit.principal, name)
        is_interrupted = organization.deletion_started
        return self._renderer.render_form(
            visit,
            "organization_deletion_started" if is_interrupted else "organization_settings",
            f"Settings of {name}",
            error,
            tabs=render_organization_tabs(name, Role.ADMIN, "/settings"),
            deletion=render("organization_deletion", name=name, form_token=visit.form_token),
        )


def _render_member_rows(visit: Visit, view: OrganizationView, page: MemberPage) -> Markup:
    rows = ({"username": username, "access": role.word} for username, role in page.members)
    if view.role < Role.ADMIN:
        return render("members", rows=render_each("member", rows))
    name = view.organization.name
    return render("managed_members", name=name, form_token=visit.form_token, rows=render_each("managed_member", rows))


def _render_addition(visit: Visit, name: str) -> Markup:
    """Return the form for a new member, or for the one that the query names."""
    member, access = (visit.request.query.get(field, "") for field in ("member", "access"))
    return render(
        "member_addition",
        name=name,
        form_token=visit.form_token,
        heading=f"Change the role of {member}" if member else "Add a member",
        action="Save" if member else "Add",
        fields=render_role_fields(
            _ROLES, visit.form.get("username", member), visit.form.get("access", access or "read")
        ),
    )


def _first_members(page: MemberPage) -> MemberPage:
    """Return the part of a page that a browser loads fast."""
    shown = page.members[:MEMBERS_PER_PAGE]
    return page if shown == page.members else MemberPage(shown, shown[-1][0])


def _name(visit: Visit) -> str:
    return visit.request.parameters["organization"]
