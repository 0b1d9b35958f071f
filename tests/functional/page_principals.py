"""Each page and each form for each account and each kind of repository, for the tables of test_permissions.py."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from msgspec import Struct

from chalicelib.domain.errors import RequestConflict
from chalicelib.domain.roles import Role
from tests.functional.principals import MEMBER_ROLES, ORGANIZATION, ORGANIZATION_KINDS, State, create_state
from tests.index import PASSWORD, Index
from tests.web_session import WebSession

MEMBERS = ("member read", "member write", "member admin", "former member")
VISITORS = (
    "anonymous",
    "stranger",
    "inactive",
    "reader",
    "writer",
    "repository admin",
    "owner",
    "administrator",
)
_ACCOUNT_PAGES = (
    "/account",
    "/account/shared",
    "/account/organizations",
    "/account/new",
    "/account/robots",
    "/account/settings",
    "/accounts",
    "/accounts?username=stranger",
    "/audit",
)
_ACCOUNT_FORMS = ("/accounts/stranger/deactivate", "/accounts/stranger/activate", "/account/robots/reads/revoke")


class Visitor(Struct, frozen=True):
    """A browser of an account, and the repository that is used for it only.

    Attributes:
        session: the browser.
        namespace: the namespace of the repository.
        name: its name.
        form_token: the token of the session, or "".
    """

    session: WebSession
    namespace: str
    name: str
    form_token: str

    def get(self, path: str) -> str:
        return str(self.session.send("GET", path.format(namespace=self.namespace, name=self.name)).status)

    def post(self, path: str, **fields: str) -> str:
        filled = path.format(namespace=self.namespace, name=self.name)
        return str(self.session.send("POST", filled, form_token=self.form_token, **fields).status)

    def finds(self, path: str) -> str:
        page = self.session.get(path.format(namespace=self.namespace, name=self.name))
        return "shown" if f"{self.namespace}/{self.name}" in page.data("repository") else "-"


_R = "/r/{namespace}/{name}"
_OPERATIONS: dict[str, Callable[[Visitor], str]] = {
    "page": lambda visitor: visitor.get(_R),
    "images": lambda visitor: visitor.get(_R + "/images"),
    "settings": lambda visitor: visitor.get(_R + "/settings"),
    "describe": lambda visitor: visitor.post(_R + "/describe", description="new"),
    "share": lambda visitor: visitor.post(_R + "/share", username="newcomer", access="read"),
    "unshare": lambda visitor: visitor.post(_R + "/unshare", username="collaborator"),
    "listed": lambda visitor: visitor.finds("/r/{namespace}"),
    "found": lambda visitor: visitor.finds("/?q={name}"),
    "create": lambda visitor: visitor.post(
        "/account/new", namespace=visitor.namespace, name=visitor.name, visibility="public"
    ),
    "delete": lambda visitor: visitor.post(_R + "/delete", confirmation=f"{visitor.namespace}/{visitor.name}"),
}


def try_pages(index: Index, kind: str) -> str:
    """Return the table of the pages for one kind of repository."""
    state = create_state(index, kind)
    principals = VISITORS + MEMBERS if kind in ORGANIZATION_KINDS else VISITORS
    visitors = {principal: _visit(state, principal) for principal in principals}
    cells = {
        (operation, principal): run(visitors[principal])
        for operation, run in _OPERATIONS.items()
        for principal in principals
    }
    return _render(list(_OPERATIONS), principals, cells)


def try_account_pages(index: Index) -> str:
    """Return the table of the account area and of the pages for administrators."""
    state = create_state(index, "missing")
    visitors = {principal: _visit(state, principal) for principal in VISITORS}
    cells = {(path, principal): visitors[principal].get(path) for path in _ACCOUNT_PAGES for principal in VISITORS}
    cells |= {(path, principal): visitors[principal].post(path) for path in _ACCOUNT_FORMS for principal in VISITORS}
    return _render([*_ACCOUNT_PAGES, *_ACCOUNT_FORMS], VISITORS, cells)


_O = f"/organizations/{ORGANIZATION}"
_ORGANIZATION_OPERATIONS: dict[str, Callable[[Visitor], str]] = {
    "members": lambda visitor: visitor.get(_O),
    "robots": lambda visitor: visitor.get(_O + "/robots"),
    "settings": lambda visitor: visitor.get(_O + "/settings"),
    "create": lambda visitor: visitor.post("/account/organizations", name=visitor.name),
    "add": lambda visitor: visitor.post(_O + "/members", username="collaborator", access="read"),
    "remove": lambda visitor: visitor.post(_O + "/members/remove", username="collaborator"),
    "create robot": lambda visitor: visitor.post(_O + "/robots", name=visitor.name, access="read", password=PASSWORD),
    "revoke robot": lambda visitor: visitor.post(f"{_O}/robots/{visitor.name}/revoke"),
    "leave": lambda visitor: visitor.post(_O + "/leave"),
    "delete": lambda visitor: visitor.post(
        f"/organizations/{_own_organization(visitor)}/delete", confirmation=_own_organization(visitor)
    ),
}


def try_organization_pages(index: Index) -> str:
    """Return the table of the page area of an organisation. Each principal deletes an organisation of its own."""
    state = create_state(index, ORGANIZATION_KINDS[-1])
    principals, store = VISITORS + MEMBERS, index.services.stores.organizations
    visitors = {principal: _visit(state, principal) for principal in principals}
    for visitor in visitors.values():
        store.create(_own_organization(visitor), "founder", datetime.now(UTC))
        for username, role in MEMBER_ROLES.items():
            store.put_member(_own_organization(visitor), username, role)
    cells: dict[tuple[str, str], str] = {}
    for operation, run in _ORGANIZATION_OPERATIONS.items():
        for principal in principals:
            if operation == "remove":
                store.put_member(ORGANIZATION, "collaborator", Role.READ)
            if operation == "revoke robot":
                _put_robot(index, visitors[principal].name)
            cells[operation, principal] = run(visitors[principal])
    return _render(list(_ORGANIZATION_OPERATIONS), principals, cells)


def _own_organization(visitor: Visitor) -> str:
    return f"org-{visitor.name}"


def _put_robot(index: Index, name: str) -> None:
    """Create a robot of the organisation, unless the column before has created it."""
    organization = index.services.stores.organizations.get(ORGANIZATION)
    assert organization is not None
    with suppress(RequestConflict):
        index.services.robots.create(organization, name, Role.READ)


def _visit(state: State, principal: str) -> Visitor:
    session, repository = WebSession(state.index), state.repository(principal)
    form_token = ""
    if principal != "anonymous":
        session.send("POST", "/login", username=principal.replace(" ", "_"), password=PASSWORD)
    if session.cookie:
        form_token = session.form_token
    return Visitor(session, repository.namespace, repository.name, form_token)


def _render(operations: list[str], principals: Sequence[str], cells: Mapping[tuple[str, str], str]) -> str:
    widths = {operation: max(len(operation), 5) for operation in operations}
    width = max(map(len, principals))
    lines = [
        f"| {'principal':{width}} | " + " | ".join(f"{name:{widths[name]}}" for name in operations) + " |",
        f"| {'-' * width} | " + " | ".join("-" * widths[name] for name in operations) + " |",
    ]
    for principal in principals:
        row = " | ".join(f"{cells[name, principal]:{widths[name]}}" for name in operations)
        lines.append(f"| {principal:{width}} | {row} |")
    return "\n".join(lines) + "\n"
