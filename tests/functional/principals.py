"""Each kind of principal and each kind of repository, for the tables of test_permissions.py."""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache

from msgspec import Struct

from chalicelib.accounts.robots import Robots
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository, User
from chalicelib.domain.roles import Grant, Role, TokenScope
from chalicelib.security.passwords import Passwords
from chalicelib.storage.quotas import Quotas
from chalicelib.storage.robots import RobotStore
from chalicelib.storage.search_terms import SearchTermStore
from chalicelib.storage.segment_codec import pack
from tests.clock import Clock
from tests.index import PASSWORD, Index, Response, basic
from tests.registries import SERVICE

IMAGE = "a" * 64
GENERATION = "0123456789abcdef"
ORGANIZATION_KINDS = tuple(f"organization {state}" for state in ("public", "private", "deleted", "missing"))
KINDS = ("public", "private", "library", "deleted", "missing", "unowned", "unowned missing", *ORGANIZATION_KINDS)
ORGANIZATION = "ops"
NAMESPACES = {
    "library": "library",
    "unowned": "abandoned",
    "unowned missing": "abandoned",
    **dict.fromkeys(ORGANIZATION_KINDS, ORGANIZATION),
}
ACCOUNTS = (
    "owner",
    "stranger",
    "inactive",
    "reader",
    "writer",
    "repository_admin",
    "administrator",
    "collaborator",
    "newcomer",
)
ROBOTS = ("robot read", "robot write", "robot of other repositories", "expired robot", "revoked robot")
PRINCIPALS = (
    "anonymous",
    "wrong password",
    "stranger",
    "inactive",
    "reader",
    "writer",
    "repository admin",
    "owner",
    "administrator",
    *ROBOTS,
    "writer's robot",
    "administrator's robot",
    "read token",
    "write token",
    "delete token",
)
MEMBER_ROLES = {"member_read": Role.READ, "member_write": Role.WRITE, "member_admin": Role.ADMIN}
MEMBERS = (
    "member read",
    "member write",
    "member admin",
    "former member",
    "organization robot read",
    "organization robot write",
    "expired organization robot",
    "revoked organization robot",
)


def principals_of(kind: str) -> tuple[str, ...]:
    """Return the principals in the table of a kind of repository."""
    return PRINCIPALS + MEMBERS if kind in ORGANIZATION_KINDS else PRINCIPALS


class State(Struct, frozen=True):
    """An index with all principals, and one repository of a kind for each of them.

    Attributes:
        index: the index.
        kind: one of KINDS.
        authorizations: the Authorization header of each principal. Access tokens are issued when they are used.
    """

    index: Index
    kind: str
    authorizations: dict[str, str | None]

    def repository(self, principal: str) -> RepositoryName:
        """The repository that is used for `principal` only, so that its requests do not disturb those of others."""
        return RepositoryName(NAMESPACES.get(self.kind, "owner"), "web" + str((PRINCIPALS + MEMBERS).index(principal)))

    def request(self, principal: str, method: str, path: str, json: object = None) -> Response:
        if principal == "wrong password":
            self.index.reset_counters()  # prevents delays
        return self.index.request(method, path, self.authorization(principal), json=json)

    def authorization(self, principal: str) -> str | None:
        if principal.endswith(" token"):
            grant = Grant(self.repository(principal), TokenScope(principal.removesuffix(" token")), GENERATION)
            return "Token " + self.index.services.tokens.issue(grant)
        return self.authorizations[principal]


@cache
def _hash() -> str:
    return Passwords(4).hash(PASSWORD)


def create_state(index: Index, kind: str) -> State:
    """Fill an empty index. Items are written without transactions, because moto's transactions are slow."""
    users = {username: _create_user(index, username) for username in ACCOUNTS}
    index.users.block("owner", "newcomer", 1)
    robots, other = index.services.robots, [RepositoryName("owner", "other")]
    three_hours_ago = Robots(RobotStore(index.tables, Quotas()), Clock(time.time() - 3 * 3600))
    tokens = {
        "robot read": robots.create(users["owner"], "reads", Role.READ).token,
        "robot write": robots.create(users["owner"], "writes", Role.WRITE).token,
        "robot of other repositories": robots.create(users["owner"], "others", Role.WRITE, other).token,
        "expired robot": three_hours_ago.create(users["owner"], "expired", Role.WRITE, None, 3600).token,
        "revoked robot": robots.create(users["owner"], "revoked", Role.WRITE).token,
    }
    robots.revoke("owner", "revoked")
    authorizations: dict[str, str | None] = {
        "anonymous": None,
        "wrong password": basic("owner", "wrong horse"),
        **{name.replace("_", " "): basic(name) for name in ACCOUNTS},
        **{name: basic("owner", token) for name, token in tokens.items()},
        "writer's robot": basic("writer", robots.create(users["writer"], "writes", Role.WRITE).token),
        "administrator's robot": basic(
            "administrator", robots.create(users["administrator"], "writes", Role.WRITE).token
        ),
    }
    if kind in ORGANIZATION_KINDS:
        authorizations |= _create_organization(index, three_hours_ago)
    state = State(index, kind, authorizations)
    if not kind.endswith("missing"):
        for principal in principals_of(kind):
            _put_repository(index, state.repository(principal), kind.removeprefix("organization "))
    return state


def _create_user(index: Index, username: str) -> User:
    user = User(
        username=username,
        password_hash=_hash(),
        active=username != "inactive",
        admin=username == "administrator",
        created=datetime.now(UTC),
    )
    index.users.create(user)
    return user


def _create_organization(index: Index, three_hours_ago: Robots) -> dict[str, str]:
    """Create an organisation with members and robots, and return their Authorization headers."""
    organizations, robots = index.services.stores.organizations, index.services.robots
    _create_user(index, "founder")
    organizations.create(ORGANIZATION, "founder", datetime.now(UTC))
    for username in (*MEMBER_ROLES, "former_member"):
        _create_user(index, username)
        organizations.put_member(ORGANIZATION, username, MEMBER_ROLES.get(username, Role.ADMIN))
    organizations.remove_member(ORGANIZATION, "former_member")
    organization = organizations.get(ORGANIZATION)
    assert organization is not None
    tokens = {
        "organization robot read": robots.create(organization, "reads", Role.READ).token,
        "organization robot write": robots.create(organization, "writes", Role.WRITE).token,
        "expired organization robot": three_hours_ago.create(organization, "expired", Role.WRITE, None, 3600).token,
        "revoked organization robot": robots.create(organization, "revoked", Role.WRITE).token,
    }
    robots.revoke(ORGANIZATION, "revoked")
    return {
        **{name.replace("_", " "): basic(name) for name in (*MEMBER_ROLES, "former_member")},
        **{name: basic(ORGANIZATION, token) for name, token in tokens.items()},
    }


def _put_repository(index: Index, repository: RepositoryName, kind: str) -> None:
    """Write the items that a push, collaborators and a deletion leave."""
    tables, private, deleted = index.tables, kind == "private", kind == "deleted"
    shared = kind in ("public", "private")
    with tables.images.batch_write() as images:
        images.save(
            tables.images(
                str(repository), "head", generation=GENERATION, private=private, shared=shared, deleted=deleted
            )
        )
        images.save(tables.images(str(repository), f"segment/{GENERATION}/{1:020x}/0000", packed=pack({IMAGE: ""})[0]))
    if deleted:
        return
    stored = Repository(name=repository, generation=GENERATION, private=private, created=datetime.now(UTC))
    tables.repositories(
        repository.namespace, repository.name, generation=GENERATION, private=private, created=stored.created
    ).save()
    with tables.terms.batch_write() as terms:
        for term in SearchTermStore(tables).items(stored):
            terms.save(term)
    if not shared:
        return
    with tables.collaborators.batch_write() as rows:
        for username, role in (
            ("reader", "read"),
            ("writer", "write"),
            ("repository_admin", "admin"),
            ("inactive", "admin"),
            ("collaborator", "read"),
        ):
            for of, entry in ((f"repository {repository}", username), (f"account {username}", str(repository))):
                rows.save(tables.collaborators(of, entry, role=role, generation=GENERATION))


def render_table(operations: Iterable[str], cells: Mapping[tuple[str, str], str]) -> str:
    """Return a table in Markdown, with a row for each principal and a column for each operation."""
    headings = list(operations)
    principals = list(dict.fromkeys(principal for _, principal in cells))
    width = max(map(len, principals))
    rows = [
        ("principal", headings),
        ("-" * width, []),
        *((principal, [cells[heading, principal] for heading in headings]) for principal in principals),
    ]
    widths = [max(len(row[place]) for _, row in rows[:1] + rows[2:]) for place in range(len(headings))]
    rows[1] = (rows[1][0], ["-" * width for width in widths])
    return "".join(
        f"| {name:{width}} | {' | '.join(f'{cell:{w}}' for w, cell in zip(widths, row, strict=True))} |\n"
        for name, row in rows
    )


def try_repositories(index: Index, kind: str) -> str:
    """Return the table for one kind of repository. Operations that create or delete are tried last."""
    state = create_state(index, kind)
    last = ["delete", "push"] if kind.endswith(("deleted", "missing")) else ["push", "delete"]
    order = [operation for operation in OPERATIONS if operation not in last] + last
    cells = {
        (operation, principal): OPERATIONS[operation](state, principal)
        for operation in order
        for principal in principals_of(kind)
    }
    return render_table(OPERATIONS, cells)


def try_tokens(index: Index, kind: str) -> str:
    """Return the table of the actions that a bearer token for one kind of repository grants."""
    state = create_state(index, kind)
    cells = {
        (operation, principal): run(state, principal)
        for operation, run in TOKEN_OPERATIONS.items()
        for principal in principals_of(kind)
    }
    return render_table(TOKEN_OPERATIONS, cells)


def try_account(make_index: Callable[[], Index]) -> str:
    """Return the table for the operations on the account `owner`."""
    cells = {}
    for operation, run in ACCOUNT_OPERATIONS.items():
        state = create_state(make_index(), "missing")
        for principal in PRINCIPALS:
            cells[operation, principal] = status = run(state, principal)
            if status.startswith("2") and operation in ("revoke robot", "unblock", "delete"):
                state = create_state(make_index(), "missing")
    return render_table(ACCOUNT_OPERATIONS, cells)


def _status(method: str, path: str, json: object = None) -> Callable[[State, str], str]:
    def run(state: State, principal: str) -> str:
        repository = state.repository(principal)
        filled = path.format(namespace=repository.namespace, name=repository.name, image=IMAGE)
        return str(state.request(principal, method, filled, json).status)

    return run


def _list_namespace(state: State, principal: str) -> str:
    """Return whether the list of the namespace shows the repository."""
    repository = state.repository(principal)
    response = state.request(principal, "GET", f"/v1/namespaces/{repository.namespace}/repositories")
    return _is_shown(response, lambda: [entry["name"] for entry in response.json], repository.name)


def _search(state: State, principal: str) -> str:
    """Return whether a search shows the repository."""
    repository = state.repository(principal)
    response = state.request(principal, "GET", f"/v1/search?q={repository.name}")
    return _is_shown(
        response, lambda: [result["name"].rpartition("/")[2] for result in response.json["results"]], repository.name
    )


def _get_token(actions: str) -> Callable[[State, str], str]:
    """Return a function that returns the granted actions of a bearer token, or the status of an error."""

    def run(state: State, principal: str) -> str:
        scope = f"repository:{state.repository(principal)}:{actions}"
        response = state.request(principal, "GET", f"/token?service={SERVICE}&scope={scope}")
        return (response.json["scope"].rpartition(":")[2] or "-") if response.status == 200 else str(response.status)

    return run


def _is_shown(response: Response, names: Callable[[], list[str]], name: str) -> str:
    if response.status != 200:
        return str(response.status)
    return "shown" if name in names() else "-"


def _transfer(state: State, principal: str) -> str:
    """Return the status of a transfer in the same namespace. A repository that was moved is moved back."""
    repository = state.repository(principal)
    path, name = f"/v1/namespaces/{repository.namespace}/repositories", repository.name
    form = {"namespace": repository.namespace, "name": f"{name}-moved"}
    status = state.request(principal, "POST", f"{path}/{name}/transfer", form).status
    if status == 204:
        back = {"namespace": repository.namespace, "name": name}
        assert state.request("administrator", "POST", f"{path}/{name}-moved/transfer", back).status == 204
    return str(status)


_V1, _NAMESPACES = "/v1/repositories/{namespace}/{name}", "/v1/namespaces/{namespace}/repositories/{name}"
OPERATIONS: dict[str, Callable[[State, str], str]] = {
    "images": _status("GET", _V1 + "/images"),
    "layer": _status("GET", _V1 + "/layer/{image}/access"),
    "push": _status("PUT", _V1, [{"id": "b"}]),
    "update": _status("PUT", _V1 + "/images", [{"id": "b"}]),
    "auth": _status("PUT", _V1 + "/auth"),
    "delete": _status("DELETE", _V1),
    "show": _status("GET", _NAMESPACES),
    "tags": _status("GET", _NAMESPACES + "/tags"),
    "change": _status("PUT", _NAMESPACES, {"description": "new"}),
    "collaborators": _status("GET", _NAMESPACES + "/collaborators"),
    "share": _status("PUT", _NAMESPACES + "/collaborators/newcomer", {"access": "read"}),
    "unshare": _status("DELETE", _NAMESPACES + "/collaborators/collaborator"),
    "transfer": _transfer,
    "listed": _list_namespace,
    "found": _search,
}
# The actions that a client requests in the scope of a bearer token.
TOKEN_OPERATIONS: dict[str, Callable[[State, str], str]] = {
    actions: _get_token(actions) for actions in ("pull", "push", "delete", "pull,push", "*")
}

_ACCOUNT = "/v1/users/owner"
ACCOUNT_OPERATIONS: dict[str, Callable[[State, str], str]] = {
    "log in": _status("GET", "/v1/users/"),
    "show": _status("GET", _ACCOUNT),
    "password": _status("PUT", _ACCOUNT, {"password": PASSWORD}),
    "activate": _status("PUT", _ACCOUNT, {"active": True}),
    "robots": _status("GET", _ACCOUNT + "/robots"),
    "create robot": _status("PUT", _ACCOUNT + "/robots/new", {"access": "read"}),
    "revoke robot": _status("DELETE", _ACCOUNT + "/robots/reads"),
    "blocked": _status("GET", _ACCOUNT + "/blocked"),
    "block": _status("PUT", _ACCOUNT + "/blocked/stranger"),
    "unblock": _status("DELETE", _ACCOUNT + "/blocked/newcomer"),
    "delete": _status("DELETE", _ACCOUNT),
}
