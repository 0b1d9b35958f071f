"""What several pages share: tabs, notices, rows of repositories and links between the pages of a list."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlencode

from markupsafe import Markup

from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.domain.roles import Role
from chalicelib.pages.html import EMPTY, render, render_each
from chalicelib.pages.texts import pluralize, render_time
from chalicelib.pages.visit import Visit

ACCOUNT_TABS = (
    ("/account", "My repositories"),
    ("/account/shared", "Shared with me"),
    ("/account/organizations", "Organisations"),
    ("/account/robots", "Robots"),
    ("/account/settings", "Account settings"),
)
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
# The messages after a successful form. The page after it has the code as `done` in its query.
_NOTICES = {
    "registered": "Your account is created. You are logged in.",
    "created": "The repository is created.",
    "described": "The description is saved.",
    "public": "The repository is now public.",
    "private": "The repository is now private.",
    "shared": "The repository is shared.",
    "unshared": "The repository is no longer shared with this account.",
    "transferred": "The repository has its new name.",
    "share_left": "The repository is no longer shared with you.",
    "deleted": "The repository is deleted from this index. A registry keeps what was not deleted there.",
    "revoked": "The robot is revoked. Its next request is rejected.",
    "organization_created": "The organisation is created. You are its administrator.",
    "organization_deleted": "The organisation is deleted.",
    "member_changed": "The role of the member is saved.",
    "member_removed": "The account is no longer a member.",
    "left": "You are no longer a member of the organisation.",
    "email": "The address belongs to your account.",
    "email_unconfirmed": "The address is added. It receives an email with a link that confirms it.",
    "email_removed": "The address no longer belongs to your account.",
    "blocked": "The account is blocked.",
    "unblocked": "The account is no longer blocked.",
    "activated": "The account is active.",
    "deactivated": "The account is no longer active.",
}


def render_notice(visit: Visit) -> Markup:
    """Return the message of the form that led to this page."""
    code = visit.request.query.get("done", "")
    return render("notice", code=code, message=_NOTICES[code]) if code in _NOTICES else EMPTY


def render_tabs(tabs: Iterable[tuple[str, str]], current: str, label: str) -> Markup:
    """Return links to pages that belong together. `current` is the path of this page."""
    links = (render("tab_current" if path == current else "tab", path=path, text=text) for path, text in tabs)
    return render("tabs", label=label, links=EMPTY.join(links))


def render_account_tabs(current: str) -> Markup:
    """Return the tabs of the account area."""
    return render_tabs(ACCOUNT_TABS, current, "Account area")


def render_organization_tabs(name: str, role: Role, current: str) -> Markup:
    """Return the tabs of an organisation. `current` is the end of the path of this page."""
    path = f"/organizations/{name}"
    tabs = [(path, "Members"), (f"/r/{name}", "Repositories")]
    if role >= Role.ADMIN:
        tabs += [(f"{path}/robots", "Robots"), (f"{path}/settings", "Settings")]
    return render_tabs(tabs, path + current, "Organisation")


def render_repository_rows(
    repositories: Sequence[Repository],
    *,
    full_names: bool = True,
    details: Mapping[RepositoryName, Markup] | None = None,
) -> Markup:
    """Return a list of repositories with their last push or, if it is unknown, their creation.

    `details` is shown at the end of a row.
    """
    rows = (
        {
            "repository": repository.name,
            "name": short_name(repository.name) if full_names else repository.name.name,
            "badges": render_badges(repository.name, private=repository.private),
            "description": render("row_description", description=repository.description)
            if repository.description
            else EMPTY,
            "updated": render(
                "row_updated",
                label="Created" if repository.last_pushed is None else "Pushed",
                time=render_time(repository.last_pushed or repository.created),
                tags=render("row_tags", count=pluralize(repository.tags, "tag"), number=repository.tags)
                if repository.tags
                else EMPTY,
            )
            + (details or {}).get(repository.name, EMPTY),
        }
        for repository in repositories
    )
    return render("rows", rows=render_each("row", rows))


def render_badges(name: RepositoryName, *, private: bool) -> Markup:
    """Return the marks of official and of private repositories."""
    kinds = ["official"] * (name.namespace == LIBRARY) + ["private"] * private
    return render_each("badge", ({"kind": kind} for kind in kinds))


def render_pagination(path: str, query: str, number: int, last: int, *, has_more: bool = False) -> Markup:
    """Return links to the previous and the next page. `last` is the last page that is known."""
    if last <= 1 and not has_more:
        return EMPTY
    parameters = {"q": query} if query else {}
    targets = [("prev", "Previous page", number - 1)] if number > 1 else []
    targets += [("next", "Next page", number + 1)] if number < last or has_more else []
    links = (
        {"target": f"{path}?{urlencode({**parameters, 'page': page})}", "rel": rel, "text": text}
        for rel, text, page in targets
    )
    position = f"Page {number}" if has_more else f"Page {number} of {last}"
    return render(
        "pagination", number=number, last=last, position=position, links=render_each("pagination_link", links)
    )


def render_next(path: str, **query: str) -> Markup:
    """Return a link to the next page of a list that continues after a name."""
    link = {"target": f"{path}?{urlencode(query)}", "rel": "next", "text": "Next page"}
    return render("pagination", number="", last="", position="", links=render("pagination_link", **link))


def render_options(options: Iterable[tuple[str, str]], selected: str) -> Markup:
    """Return the options of a select element as pairs of value and text."""
    return render_each(
        "option",
        (
            {"value": value, "text": text, "selected": Markup(" selected") if value == selected else EMPTY}
            for value, text in options
        ),
    )


def render_role_fields(roles: Iterable[tuple[str, str]], username: str, access: str) -> Markup:
    """Return the fields of a form that gives an account one of `roles`."""
    return render("role_fields", username=username, roles=render_options(roles, access))


def render_push_commands(registry: str, name: object) -> Markup:
    """Return the commands of docker and podman that push a first image."""
    return render("push_commands", registry=registry, name=name, podman_options=podman_options(registry))


def podman_options(registry: str) -> str:
    """Return the options of podman for a registry. It needs one for a local registry without TLS; docker does not."""
    return "--tls-verify=false " if is_local_host(registry) else ""


def is_local_host(host: str) -> bool:
    """Return whether a host, with or without a port, is this machine."""
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name in _LOCAL_HOSTS or name.endswith(".localhost")


def short_name(name: RepositoryName) -> str:
    """Return the name that clients use. It has no namespace if the repository is in `library`."""
    return str(name).removeprefix(f"{LIBRARY}/")


def host_of(base_url: str) -> str:
    """Return the host of a URL, with its port."""
    return base_url.partition("://")[2]
