"""Every kind of caller before every kind of repository: the world that the tables of permissions are tried in."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import User
from chalicelib.domain.roles import Grant, Role, TokenScope
from chalicelib.domain.search_terms import terms_of
from chalicelib.security.passwords import Passwords
from chalicelib.storage.search_terms import SearchTermStore
from chalicelib.storage.segment_codec import pack
from tests.index import PASSWORD, Index, Response, basic

IMAGE = "a" * 64
GENERATION = "0123456789abcdef"
KINDS = ("public", "private", "library", "deleted", "missing")
ACCOUNTS = (
    "owner",
    "stranger",
    "inactive",
    "reader",
    "writer",
    "repository_admin",
    "administrator",
    "bystander",
    "newcomer",
)
ROBOTS = ("robot read", "robot write", "robot of other repositories", "expired robot", "revoked robot")
CALLERS = (
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


@dataclass(frozen=True)
class World:
    """An index with every caller in it, and for each a repository of the kind, all alike."""

    index: Index
    kind: str
    authorizations: dict[str, str | None]

    def repository(self, principal: str) -> RepositoryName:
        """The repository that `caller` tries itself on, so that nobody finds what another has changed."""
        namespace = "library" if self.kind == "library" else "owner"
        return RepositoryName(namespace, "web" + str(CALLERS.index(principal)))

    def request(self, principal: str, method: str, path: str, json: object = None) -> Response:
        if principal == "wrong password":
            self.index.tables.counters("account owner").delete()  # delays are another test's matter
        return self.index.request(method, path, self.authorization(principal), json=json)

    def authorization(self, principal: str) -> str | None:
        if principal.endswith(" token"):
            grant = Grant(self.repository(principal), TokenScope(principal.removesuffix(" token")), GENERATION)
            return "Token " + Services(self.index.settings, self.index.aws).tokens.issue(grant)
        return self.authorizations[principal]


@cache
def _hash() -> str:
    return Passwords(4).hash(PASSWORD)


def world(index: Index, kind: str) -> World:
    """Fills an empty index. Straight into the tables, without a transaction each: moto's are slow."""
    for username in ACCOUNTS:
        index.users.create(
            User(
                username=username,
                password_hash=_hash(),
                active=username != "inactive",
                admin=username == "administrator",
                created=datetime.now(UTC),
            )
        )
    robots = Services(index.settings, index.aws).robots
    listed = [RepositoryName("owner", "other")]
    long_ago = Services(index.settings, index.aws).robots
    long_ago._clock = lambda: time.time() - timedelta(hours=3).total_seconds()
    tokens = {
        "robot read": robots.create("owner", "reads", Role.READ).token,
        "robot write": robots.create("owner", "writes", Role.WRITE).token,
        "robot of other repositories": robots.create("owner", "others", Role.WRITE, listed).token,
        "expired robot": long_ago.create("owner", "expired", Role.WRITE, None, 3600).token,
        "revoked robot": robots.create("owner", "revoked", Role.WRITE).token,
    }
    robots.revoke("owner", "revoked")
    authorizations: dict[str, str | None] = {
        "anonymous": None,
        "wrong password": basic("owner", "wrong horse"),
        **{name.replace("_", " "): basic(name) for name in ACCOUNTS},
        **{name: basic("owner", token) for name, token in tokens.items()},
        "writer's robot": basic("writer", robots.create("writer", "writes", Role.WRITE).token),
        "administrator's robot": basic("administrator", robots.create("administrator", "writes", Role.WRITE).token),
    }
    made = World(index, kind, authorizations)
    if kind != "missing":
        for principal in CALLERS:
            _put(index, made.repository(principal), kind)
    return made


def _put(index: Index, repository: RepositoryName, kind: str) -> None:
    """A repository as pushes, shares and a deletion leave it."""
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
    tables.repositories(
        repository.namespace, repository.name, generation=GENERATION, private=private, created=datetime.now(UTC)
    ).save()
    with tables.terms.batch_write() as terms:
        for term in SearchTermStore(tables).items(repository, terms_of(repository, ""), private=private):
            terms.save(term)
    if not shared:
        return
    with tables.collaborators.batch_write() as rows:
        for username, role in (
            ("reader", "read"),
            ("writer", "write"),
            ("repository_admin", "admin"),
            ("inactive", "admin"),
            ("bystander", "read"),
        ):
            for of, entry in ((f"repository {repository}", username), (f"account {username}", str(repository))):
                rows.save(tables.collaborators(of, entry, role=role, generation=GENERATION))


def table(operations: Iterable[str], cells: Mapping[tuple[str, str], str]) -> str:
    """Markdown: a row for each caller, a column for each operation."""
    headings = list(operations)
    width = max(map(len, CALLERS))
    rows = [
        ("caller", headings),
        ("-" * width, ["-" * len(heading) for heading in headings]),
        *((principal, [cells[heading, principal] for heading in headings]) for principal in CALLERS),
    ]
    return "".join(
        f"| {name:{width}} | {' | '.join(f'{cell:{len(h)}}' for h, cell in zip(headings, row, strict=True))} |\n"
        for name, row in rows
    )


def try_repositories(index: Index, kind: str) -> str:
    """The table of one kind of repository. What changes nothing is tried first, what creates or deletes last."""
    made = world(index, kind)
    last = ["delete", "push"] if kind in ("deleted", "missing") else ["push", "delete"]
    order = [operation for operation in OPERATIONS if operation not in last] + last
    cells = {
        (operation, principal): OPERATIONS[operation](made, principal) for operation in order for principal in CALLERS
    }
    return table(OPERATIONS, cells)


def try_account(make_index: Callable[[], Index]) -> str:
    """The table of the operations on one account, whose owner is the caller `owner`."""
    cells = {}
    for operation, run in ACCOUNT_OPERATIONS.items():
        made = world(make_index(), "missing")
        for principal in CALLERS:
            cells[operation, principal] = status = run(made, principal)
            if status.startswith("2") and operation in ("revoke robot", "remove"):
                made = world(make_index(), "missing")
    return table(ACCOUNT_OPERATIONS, cells)


def _status(method: str, path: str, json: object = None) -> Callable[[World, str], str]:
    def run(world: World, principal: str) -> str:
        repository = world.repository(principal)
        filled = path.format(namespace=repository.namespace, name=repository.name, image=IMAGE)
        return str(world.request(principal, method, filled, json).status)

    return run


def _listed(world: World, principal: str) -> str:
    """Whether the repository is among its namespace's."""
    repository = world.repository(principal)
    response = world.request(principal, "GET", f"/v1/namespaces/{repository.namespace}/repositories")
    return _seen(response, lambda: [entry["name"] for entry in response.json], repository.name)


def _found(world: World, principal: str) -> str:
    """Whether a search shows it."""
    repository = world.repository(principal)
    response = world.request(principal, "GET", f"/v1/search?q={repository.name}")
    return _seen(
        response, lambda: [result["name"].rpartition("/")[2] for result in response.json["results"]], repository.name
    )


def _seen(response: Response, names: Callable[[], list[str]], name: str) -> str:
    if response.status != 200:
        return str(response.status)
    return "shown" if name in names() else "-"


_V1, _OURS = "/v1/repositories/{namespace}/{name}", "/v1/namespaces/{namespace}/repositories/{name}"
OPERATIONS: dict[str, Callable[[World, str], str]] = {
    "images": _status("GET", _V1 + "/images"),
    "layer": _status("GET", _V1 + "/layer/{image}/access"),
    "push": _status("PUT", _V1, [{"id": "b"}]),
    "update": _status("PUT", _V1 + "/images", [{"id": "b"}]),
    "auth": _status("PUT", _V1 + "/auth"),
    "delete": _status("DELETE", _V1),
    "show": _status("GET", _OURS),
    "change": _status("PUT", _OURS, {"description": "new"}),
    "people": _status("GET", _OURS + "/collaborators"),
    "share": _status("PUT", _OURS + "/collaborators/newcomer", {"access": "read"}),
    "unshare": _status("DELETE", _OURS + "/collaborators/bystander"),
    "listed": _listed,
    "found": _found,
}

_ACCOUNT = "/v1/users/owner"
ACCOUNT_OPERATIONS: dict[str, Callable[[World, str], str]] = {
    "sign in": _status("GET", "/v1/users/"),
    "show": _status("GET", _ACCOUNT),
    "password": _status("PUT", _ACCOUNT, {"password": PASSWORD}),
    "activate": _status("PUT", _ACCOUNT, {"active": True}),
    "robots": _status("GET", _ACCOUNT + "/robots"),
    "make robot": _status("PUT", _ACCOUNT + "/robots/new", {"access": "read"}),
    "revoke robot": _status("DELETE", _ACCOUNT + "/robots/reads"),
    "remove": _status("DELETE", _ACCOUNT),
}
