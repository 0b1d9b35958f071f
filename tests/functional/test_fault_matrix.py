"""Every operation, with every fault in each of its calls to AWS.

- The response is the right success, or 503 with a time for the next attempt.
- An acknowledged change exists. Another change exists completely or not at all.
- The repeated request has the requested effect.
"""

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec import Struct

from chalicelib.storage.image_lists import HEAD
from tests.conftest import create_index
from tests.faults import Fault, Killed, faults_of, intercept_calls
from tests.index import PASSWORD, Index, Response, basic
from tests.registries import SECRET, SERVICE, create_registry_index
from tests.snapshot import Snapshot

WEB, NAMESPACED = "/v1/repositories/alice/web", "/v1/namespaces/alice/repositories/web"
OPS = "/v1/organizations/ops"
MIN_FAULTS_PER_CALL = 8


class Operation(Struct, frozen=True):
    """A request, and the statuses that it can have.

    Attributes:
        name: a description.
        method: the HTTP method.
        path: the path.
        auth: the Authorization header, the name of a header in `ExampleIndex`, or None.
        body: a value that becomes the JSON body.
        success: the statuses of a success.
        repeated: further statuses of a repeated request whose first attempt took effect.
    """

    name: str
    method: str
    path: str
    auth: str | None
    body: Any = None
    success: tuple[int, ...] = (200,)
    repeated: tuple[int, ...] = ()


TOKEN = f"/token?service={SERVICE}&scope=repository:alice/web:pull,push"


def tag_event(repository: str) -> Any:
    """Return a notification. Its time is in the future, so the index replaces it by the present time."""
    target = {"repository": repository, "tag": "1.0", "digest": "sha256:" + "a" * 64, "mediaType": "x", "size": 7}
    return {"events": [{"action": "push", "timestamp": "2100-01-01T00:00:00Z", "target": target}]}


READ = {"access": "read"}
ALICE, BOBBY, ADMIN = basic("alice"), basic("bobby"), basic("admin")
CAROL = {"username": "carol", "password": PASSWORD, "email": "carol@example.com"}
NEW_LOGIN = {"password": "battery staple", "email": "b@example.com"}  # pragma: allowlist secret
OPERATIONS = (
    Operation("register", "POST", "/v1/users/", None, CAROL, (201,), (400,)),
    Operation("log in", "GET", "/v1/users/", ALICE),
    Operation("fail to log in", "GET", "/v1/users/", basic("alice", "wrong horse"), None, (401,)),
    Operation("change password and email", "PUT", "/v1/users/bobby", BOBBY, NEW_LOGIN, (204,), (401,)),
    Operation("deactivate account", "PUT", "/v1/users/bobby", ADMIN, {"active": False}, (204,)),
    Operation("create", "PUT", "/v1/repositories/alice/new", ALICE, [{"id": "a"}, {"id": "b"}]),
    Operation("recreate", "PUT", "/v1/repositories/alice/deleted", ALICE, [{"id": "new"}]),
    Operation("push", "PUT", WEB, ALICE, [{"id": "b"}]),
    Operation("push as a collaborator", "PUT", WEB, BOBBY, [{"id": "b"}]),
    Operation("push that compacts", "PUT", "/v1/repositories/alice/long", ALICE, [{"id": "b"}]),
    Operation("update", "PUT", WEB + "/images", ALICE, [{"id": "a", "checksum": "sha256:ab"}], (204,)),
    Operation("pull", "GET", WEB + "/images", ALICE),
    Operation("delete", "DELETE", WEB, ALICE, None, (202,)),
    Operation("describe and hide", "PUT", NAMESPACED, ALICE, {"description": "some words", "private": True}, (204,)),
    Operation("add collaborator", "PUT", NAMESPACED + "/collaborators/admin", ALICE, {"access": "read"}, (204,)),
    Operation("remove collaborator", "DELETE", NAMESPACED + "/collaborators/bobby", ALICE, None, (204,), (404,)),
    Operation("create robot", "PUT", "/v1/users/alice/robots/new", ALICE, {"access": "read"}, (201,), (409,)),
    Operation("revoke robot", "DELETE", "/v1/users/alice/robots/ci", ALICE, None, (204,), (404,)),
    Operation("list repositories", "GET", "/v1/namespaces/alice/repositories", BOBBY),
    Operation("search", "GET", "/v1/search?q=web", BOBBY),
    Operation("pull as a robot", "GET", WEB + "/images", "robot"),
    Operation("pull with a token", "GET", WEB + "/images", "read token"),
    Operation("check a layer", "GET", WEB + "/layer/a/access", "read token"),
    Operation("check a token", "PUT", WEB + "/auth", "read token"),
    Operation("complete a deletion", "PUT", "/v1/repositories/alice/deleted/auth", "delete token"),
    Operation("list tags", "GET", NAMESPACED + "/tags", BOBBY),
    Operation("record a tag", "POST", "/registries/events", "registry", tag_event("alice/web"), (204,)),
    Operation("create for a tag", "POST", "/registries/events", "registry", tag_event("alice/new"), (204,)),
    Operation("get a token", "GET", TOKEN, ALICE),
    Operation("get a token as a collaborator", "GET", TOKEN, BOBBY),
    Operation("get a token as a robot", "GET", TOKEN, "robot"),
    Operation("get a token without credentials", "GET", TOKEN, None),
    Operation("block an account", "PUT", "/v1/users/bobby/blocked/alice", BOBBY, None, (204,)),
    Operation("create organisation", "PUT", "/v1/organizations/dev", BOBBY, None, (201,), (409,)),
    Operation("add member", "PUT", OPS + "/members/admin", BOBBY, {"access": "read"}, (204,)),
    Operation("change member", "PUT", OPS + "/members/alice", BOBBY, {"access": "admin"}, (204,)),
    Operation("remove member", "DELETE", OPS + "/members/alice", BOBBY, None, (204,), (404,)),
    Operation("leave organisation", "DELETE", OPS + "/members/alice", ALICE, None, (204,), (403,)),
    Operation("push as a member", "PUT", "/v1/repositories/ops/web", ALICE, [{"id": "b"}]),
    Operation("create as a member", "PUT", "/v1/repositories/ops/new", ALICE, [{"id": "b"}]),
    Operation("create robot of organisation", "PUT", OPS + "/robots/new", BOBBY, {"access": "read"}, (201,), (409,)),
    Operation("block an organisation", "PUT", "/v1/users/alice/blocked/ops", ALICE, None, (204,)),
    Operation("delete organisation", "DELETE", OPS, BOBBY, None, (204,), (404,)),
    Operation("delete account", "DELETE", "/v1/users/alice", ALICE, None, (204,), (401,)),
)
# These have several steps. Their order makes each intermediate state valid.
NOT_ATOMIC = {"block an account", "block an organisation", "create for a tag", "delete account", "delete organisation"}


class ExampleIndex:
    """An index with accounts and repositories, whose calls can fail and whose tables can be reset."""

    def __init__(self, index: Index) -> None:
        self.index = index
        for name in ("alice", "bobby"):
            index.create_account(name)
        index.create_account("admin", admin=True)
        index.push("alice/web", ALICE, "a")
        index.push("alice/deleted", ALICE, "old")
        for n in range(17):
            index.push("alice/long", ALICE, f"image{n}")
        for method, path, body in (
            ("PUT", NAMESPACED + "/collaborators/bobby", {"access": "write"}),
            ("PUT", "/v1/users/alice/robots/ci", {"access": "write"}),
            ("DELETE", "/v1/repositories/alice/deleted", None),
        ):
            assert index.request(method, path, ALICE, json=body).status < 300
        for path, body in ((OPS, None), (OPS + "/members/alice", {"access": "write"}), (OPS + "/robots/ci", READ)):
            assert index.request("PUT", path, BOBBY, json=body).status < 300
        index.push("ops/web", BOBBY, "a")
        robot = index.request("PUT", "/v1/users/alice/robots/cd", ALICE, json={"access": "read"}).json["token"]
        read = index.request("GET", WEB + "/images", token=True).token
        delete = index.request("DELETE", "/v1/repositories/alice/deleted", ALICE, token=True).token
        self._headers = {
            "robot": basic("alice", robot),
            "read token": f"Token {read}",
            "delete token": f"Token {delete}",
            "registry": f"Bearer {SECRET}",
        }
        self._snapshot = Snapshot(index)

    def reset(self) -> None:
        """Reset the tables, and start a container with empty caches."""
        self._snapshot.restore()
        self.index = self.index.restart()

    def send(self, operation: Operation) -> Response | None:
        """Send a request. Return None if the process was killed."""
        auth = self._headers.get(operation.auth or "", operation.auth)
        try:
            return self.index.request(operation.method, operation.path, auth, json=operation.body, token=True)
        except Killed:
            return None

    def read_all(self) -> str:
        """Return everything that the owners and an administrator can see, as JSON without times."""
        users = {name: self._read_account(name) for name in ("alice", "bobby", "carol")}
        lists = {name: self._get(f"/v1/repositories/alice/{name}/images") for name in ("web", "new", "deleted", "long")}
        repositories = self._get("/v1/namespaces/alice/repositories")
        results = self._get("/v1/search?q=alice"), self._get("/v1/search?q=words")
        collaborators = self._get(NAMESPACED + "/collaborators")
        tags = [self._get(f"/v1/namespaces/alice/repositories/{name}/tags") for name in ("web", "new")]
        blocked = [sorted(self.index.user(name).blocked) for name in ("bobby", "alice") if self.index.users.get(name)]
        organizations = [self._read_organization(name) for name in ("ops", "dev")]
        confirmed = bool(self.index.tables.images.get("alice/deleted", HEAD).confirmed)
        logins = self._read_logins()
        return json.dumps(
            [users, lists, repositories, results, collaborators, tags, blocked, organizations, confirmed, logins],
            sort_keys=True,
        )

    def _read_logins(self) -> dict[str, int]:
        """Return the status of each login. Delete the counters of failed logins."""
        pairs = (("alice", PASSWORD), ("bobby", PASSWORD), ("bobby", "battery staple"), ("carol", PASSWORD))
        statuses = {}
        for name, password in pairs:
            statuses[f"{name} {password}"] = self.index.request("GET", "/v1/users/", basic(name, password)).status
        for item in list(self.index.tables.counters.scan()):
            item.delete()
        return statuses

    def _read_account(self, name: str) -> Any:
        return self._get(f"/v1/users/{name}"), self._get(f"/v1/users/{name}/robots")

    def _read_organization(self, name: str) -> Any:
        """Return what is visible of an organisation, and the counters that protect it."""
        stored = self.index.services.stores.organizations.get(name)
        counters = None if stored is None else (stored.members, stored.administrators)
        paths = (f"/v1/organizations/{name}/members", f"/v1/organizations/{name}/robots")
        repositories = [self._get(f"/v1/repositories/{name}/{repository}/images") for repository in ("web", "new")]
        return counters, [self._get(path) for path in paths], repositories

    def _get(self, path: str) -> Any:
        response = self.index.request("GET", path, ADMIN)
        assert response.status in (200, 404), response
        return _without_times(response.json) if response.status == 200 else "missing"

    @contextmanager
    def failing(self, number: int, fault: Fault | None) -> Iterator[list[str]]:
        """Inject a fault into the call `number`, from 0. Yield the names of the calls."""
        calls: list[str] = []

        def handle(operation: str, call: Callable[[], Any]) -> Any:
            calls.append(operation)
            return call() if fault is None or len(calls) - 1 != number else fault.inject(operation, call)

        with intercept_calls(self.index.aws, handle):
            yield calls


TIMES = ("created", "last_used", "last_pushed", "pushed")


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(item) for key, item in value.items() if key not in TIMES}
    return [_without_times(item) for item in value] if isinstance(value, list) else value


@pytest.mark.soak
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_fault_in_every_call(aws: None, monkeypatch: pytest.MonkeyPatch, operation: Operation) -> None:
    monkeypatch.setattr(logging.getLogger("waybill"), "disabled", True)  # it would log an error for each fault
    example = ExampleIndex(create_registry_index(create_index))
    before = example.read_all()
    example.reset()
    with example.failing(-1, None) as calls:
        response = example.send(operation)
    assert response is not None
    assert response.status in operation.success
    after = example.read_all()
    tried = 0
    for number, called in enumerate(calls):
        for fault in faults_of(called):
            tried += 1
            where = f"{operation.name}: call {number} ({called}) {fault.name}"
            example.reset()
            with example.failing(number, fault):
                response = example.send(operation)
            is_acknowledged = response is not None and response.status in operation.success
            if response is not None and not is_acknowledged:
                assert response.status == 503, f"{where}: {response}"
                assert response.headers["retry-after"], where
                assert b'"token"' not in response.body, where
            seen = example.read_all()
            assert not is_acknowledged or seen == after, f"{where}: the change was acknowledged and is lost"
            assert seen in (before, after) or operation.name in NOT_ATOMIC, f"{where}: the change is incomplete"
            example.index = example.index.restart()
            response = example.send(operation)
            assert response is not None
            assert response.status in operation.success + operation.repeated, f"{where}: repeated: {response}"
            assert example.read_all() == after, f"{where}: the repeated request did not complete the change"
    print(f"{operation.name}: {len(calls)} calls, {tried} faults")
    assert tried >= MIN_FAULTS_PER_CALL * len(calls)
