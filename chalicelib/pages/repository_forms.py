"""The forms that create a repository and change it: description, visibility, collaborators, transfer and deletion."""

from collections.abc import Mapping

from markupsafe import Markup

from chalicelib.accounts.organizations import Organizations
from chalicelib.api.http import Route
from chalicelib.api.messages import Response
from chalicelib.domain.choices import Visibility
from chalicelib.domain.errors import DomainError, InvalidInput, PermissionDenied
from chalicelib.domain.identifiers import LIBRARY, MAX_LONG_DESCRIPTION_BYTES, RepositoryName, loggable_name
from chalicelib.domain.roles import Role
from chalicelib.pages.forms import check_form_error, require_choice
from chalicelib.pages.frame import podman_options, render_notice, render_options, render_role_fields
from chalicelib.pages.guard import Guard, redirect
from chalicelib.pages.html import EMPTY, PageRenderer, render, render_each
from chalicelib.pages.repository import render_repository_tabs
from chalicelib.pages.visit import Visit
from chalicelib.repositories.collaborators import Collaborators
from chalicelib.repositories.service import Repositories
from chalicelib.repositories.transfer import Transfers
from chalicelib.request_log import annotate

MAX_DESCRIPTION_FORM_BYTES = 90_000  # 25,000 bytes can become 75,000 in percent encoding
_ROLES = (
    ("read", "read: pull"),
    ("write", "write: pull and push"),
    ("admin", "admin: also describe, share and delete"),
)
_EXPLANATIONS = {
    "public": "Everyone can find and pull it.",
    "private": "Only its owner, collaborators and administrators of the index can see it.",
}


class RepositoryForms:
    """`/account/new` and `/r/(namespace)/(repository)/settings` with its forms."""

    def __init__(
        self,
        guard: Guard,
        renderer: PageRenderer,
        repositories: Repositories,
        collaborators: Collaborators,
        organizations: Organizations,
        transfers: Transfers,
        registry: str,
        default_visibility: Visibility,
    ) -> None:
        self._guard = guard
        self._renderer = renderer
        self._repositories = repositories
        self._collaborators = collaborators
        self._organizations = organizations
        self._transfers = transfers
        self._registry = registry
        self._default_visibility = default_visibility

    def routes(self) -> list[Route]:
        """Return the pages and the forms."""
        guard, repository = self._guard, "/r/{namespace}/{repository}"
        return [
            guard.private("/account/new", self.show_creation),
            guard.form("/account/new", self.create, "repository.created"),
            guard.private(repository + "/settings", self.show_settings),
            guard.form(
                repository + "/describe", self.describe, "repository.changed", max_bytes=MAX_DESCRIPTION_FORM_BYTES
            ),
            guard.form(repository + "/visibility", self.change_visibility, "repository.changed"),
            guard.form(repository + "/share", self.share, "repository.shared"),
            guard.form(repository + "/unshare", self.unshare, "repository.unshared"),
            guard.form(repository + "/transfer", self.transfer, "repository.transferred"),
            guard.form(repository + "/leave", self.leave, "repository.unshared"),
            guard.form(repository + "/delete", self.delete, "repository.deleted"),
        ]

    def show_creation(self, visit: Visit) -> Response:
        """Return the form for a new repository."""
        return self._render_creation(visit)

    def create(self, visit: Visit) -> Response:
        """Create a repository without images, and open its page."""
        form = visit.form
        try:
            name = RepositoryName.of(form.get("namespace", visit.username), form.get("name", "").strip())
            annotate(target=str(name))
            private = _parse_visibility(form) is Visibility.PRIVATE
            self._repositories.create(visit.principal, name, private=private)
        except DomainError as error:
            return self._render_creation(visit, check_form_error(error))
        if description := form.get("description", "").strip():
            try:
                self._repositories.change(visit.principal, name, description=description)
            except InvalidInput as error:
                return self._render_settings(visit, name, error)
            except PermissionDenied:
                raise PermissionDenied(f"{name} is created, but only its administrators can describe it") from None
        return redirect(f"/r/{name}?done=created")

    def show_settings(self, visit: Visit) -> Response:
        """Return the forms that change a repository."""
        return self._render_settings(visit, visit.request.repository)

    def describe(self, visit: Visit) -> Response:
        """Replace both descriptions."""
        annotate(changed=["description", "long_description"])
        return self._change(
            visit,
            "described",
            description=visit.form.get("description", ""),
            long_description=visit.form.get("long_description", ""),
        )

    def change_visibility(self, visit: Visit) -> Response:
        """Make a repository public or private."""
        annotate(changed=["private"])
        visibility = _parse_visibility(visit.form)
        return self._change(visit, visibility.value, private=visibility is Visibility.PRIVATE)

    def share(self, visit: Visit) -> Response:
        """Give an account a role."""
        name, username = visit.request.repository, visit.form.get("username", "").strip()
        try:
            access = require_choice(visit.form, "access", _ROLES)
            annotate(access=access, collaborator=loggable_name(username))
            self._collaborators.add(visit.principal, name, username, Role.parse(access))
        except DomainError as error:
            return self._render_settings(visit, name, check_form_error(error))
        return redirect(f"/r/{name}/settings?done=shared")

    def unshare(self, visit: Visit) -> Response:
        """Take the role of an account away."""
        name = visit.request.repository
        self._collaborators.remove(visit.principal, name, visit.form.get("username", ""))
        return redirect(f"/r/{name}/settings?done=unshared")

    def transfer(self, visit: Visit) -> Response:
        """Move a repository to another name, if the form repeats its name."""
        name, text = visit.request.repository, visit.form.get("new_name", "").strip()
        try:
            if visit.form.get("transfer_confirmation", "").strip() != str(name):
                raise InvalidInput(f"type {name} to confirm the transfer; nothing was moved")
            target = RepositoryName.parse(text, name.namespace)
            annotate(new_name=str(target))
            self._transfers.transfer(visit.principal, name, target)
        except DomainError as error:
            return self._render_settings(visit, name, check_form_error(error))
        return redirect(f"/r/{target}?done=transferred")

    def leave(self, visit: Visit) -> Response:
        """Take the role of the account itself away."""
        self._collaborators.remove(visit.principal, visit.request.repository, visit.username)
        return redirect("/account/shared?done=share_left")

    def delete(self, visit: Visit) -> Response:
        """Delete a repository, if the form repeats its name."""
        name = visit.request.repository
        if visit.form.get("confirmation", "").strip() != str(name):
            error = InvalidInput(f"type {name} to confirm the deletion; nothing was deleted")
            return self._render_settings(visit, name, error)
        self._repositories.delete(visit.principal, name, confirmed=True)
        return redirect("/account?done=deleted")

    def _change(
        self,
        visit: Visit,
        done: str,
        *,
        description: str | None = None,
        long_description: str | None = None,
        private: bool | None = None,
    ) -> Response:
        name = visit.request.repository
        try:
            self._repositories.change(
                visit.principal, name, description=description, long_description=long_description, private=private
            )
        except DomainError as error:
            return self._render_settings(visit, name, check_form_error(error))
        return redirect(f"/r/{name}/settings?done={done}")

    def _render_creation(self, visit: Visit, error: DomainError | None = None) -> Response:
        form = visit.form
        organizations = self._organizations.of_account(visit.username)
        own = sorted(name for name, role in organizations.items() if role >= Role.WRITE)
        namespaces = [visit.username, *own, *([LIBRARY] if visit.principal.admin else [])]
        visibility = form.get("visibility", self._default_visibility)
        return self._renderer.render_form(
            visit,
            "create_repository",
            "Create a repository",
            error,
            form_token=visit.form_token,
            namespaces=render_options(((name, name) for name in namespaces), form.get("namespace", "")),
            name=form.get("name", ""),
            description=form.get("description", ""),
            is_public=_checked(visibility != Visibility.PRIVATE),
            is_private=_checked(visibility == Visibility.PRIVATE),
        )

    def _render_settings(self, visit: Visit, name: RepositoryName, error: DomainError | None = None) -> Response:
        """Return the forms. With an error, they contain what was entered. Raises the errors of `authorize`."""
        roles = self._collaborators.list(visit.principal, name)  # raises PermissionDenied without the role ADMIN
        repository = self._repositories.show(visit.principal, name).repository
        long_description = self._repositories.read_long_description(repository)
        return self._renderer.render_form(
            visit,
            "repository_settings",
            f"Settings of {name}",
            error,
            notice=render_notice(visit),
            tabs=render_repository_tabs(name, "/settings", has_tags=repository.tags > 0, can_change=True),
            name=name,
            form_token=visit.form_token,
            description=visit.form.get("description", repository.description),
            long_description=visit.form.get("long_description", long_description),
            max_bytes=f"{MAX_LONG_DESCRIPTION_BYTES:,}",
            visibility=_render_visibility(visit, name, private=repository.private),
            new_name=visit.form.get("new_name", ""),
            remaining=_render_remaining(self._registry, name) if self._registry else EMPTY,
            sharing=EMPTY if name.namespace == LIBRARY else _render_sharing(visit, name, roles),
        )


def _render_remaining(registry: str, name: RepositoryName) -> Markup:
    return render("remaining", registry=registry, name=name, podman_options=podman_options(registry))


def _render_visibility(visit: Visit, name: RepositoryName, *, private: bool) -> Markup:
    if name.namespace == LIBRARY:
        return render("visibility_library")
    current, other = ("private", "public") if private else ("public", "private")
    return render(
        "visibility",
        name=name,
        form_token=visit.form_token,
        current=current,
        other=other,
        explanation=_EXPLANATIONS[current],
    )


def _render_sharing(visit: Visit, name: RepositoryName, roles: dict[str, Role]) -> Markup:
    rows = (
        {"username": username, "access": role.word, "name": name, "form_token": visit.form_token}
        for username, role in sorted(roles.items())
    )
    return render(
        "sharing",
        name=name,
        form_token=visit.form_token,
        collaborators=render("collaborators", rows=render_each("collaborator", rows))
        if roles
        else render("no_collaborators"),
        fields=render_role_fields(_ROLES, visit.form.get("username", ""), visit.form.get("access", "read")),
    )


def _parse_visibility(form: Mapping[str, str]) -> Visibility:
    try:
        return Visibility(form.get("visibility", ""))
    except ValueError:
        raise InvalidInput(f"visibility must be one of {', '.join(Visibility)}") from None


def _checked(is_checked: bool) -> Markup:
    return Markup(" checked") if is_checked else EMPTY
