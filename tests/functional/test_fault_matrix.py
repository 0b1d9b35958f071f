"""Every operation, with every one of its calls to AWS failing in every way.

The reply is the right success or a 503 that says when to come again; what was acknowledged is there; what was not is
there wholly or not at all; and the request, sent again, brings about what it asked for.
"""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from chalicelib.storage.image_lists import HEAD
from tests.faults import Fault, Killed, faults_of, intercepted
from tests.index import PASSWORD, Index, Response, basic

ACCOUNT = "123456789012"  # moto's
WEB, OURS = "/v1/repositories/alice/web", "/v1/namespaces/alice/repositories/web"


@dataclass(frozen=True)
class Operation:
    """A request, and the statuses that it and its repetition may have."""

    name: str
    method: str
    path: str
    auth: str | None
    body: Any = None
    success: tuple[int, ...] = (200,)
    again: tuple[int, ...] = ()  # beside `success`, where the first try took effect and its reply was lost


ALICE, BOBBY, ADMIN = basic("alice"), basic("bobby"), basic("admin")
CAROL = {"username": "carol", "password": PASSWORD, "email": "carol@example.com"}
OPERATIONS = (
    Operation("register", "POST", "/v1/users/", None, CAROL, (201,), (400,)),
    Operation("sign in", "GET", "/v1/users/", ALICE),
    Operation("fail to sign in", "GET", "/v1/users/", basic("alice", "wrong horse"), None, (401,)),
    Operation(
        "new password and address",
        "PUT",
        "/v1/users/bobby",
        BOBBY,
        {"password": "battery staple", "email": "b@example.com"},
        (204,),
        (401,),
    ),
    Operation("deactivate", "PUT", "/v1/users/bobby", ADMIN, {"active": False}, (204,)),
    Operation("create", "PUT", "/v1/repositories/alice/new", ALICE, [{"id": "a"}, {"id": "b"}]),
    Operation("create anew", "PUT", "/v1/repositories/alice/gone", ALICE, [{"id": "new"}]),
    Operation("push", "PUT", WEB, ALICE, [{"id": "b"}]),
    Operation("push as a collaborator", "PUT", WEB, BOBBY, [{"id": "b"}]),
    Operation("push that compacts", "PUT", "/v1/repositories/alice/long", ALICE, [{"id": "b"}]),
    Operation("update", "PUT", WEB + "/images", ALICE, [{"id": "a", "checksum": "sha256:ab"}], (204,)),
    Operation("pull", "GET", WEB + "/images", ALICE),
    Operation("delete", "DELETE", WEB, ALICE, None, (202,)),
    Operation("describe and hide", "PUT", OURS, ALICE, {"description": "some words", "private": True}, (204,)),
    Operation("share", "PUT", OURS + "/collaborators/admin", ALICE, {"access": "read"}, (204,)),
    Operation("unshare", "DELETE", OURS + "/collaborators/bobby", ALICE, None, (204,), (404,)),
    Operation("make a robot", "PUT", "/v1/users/alice/robots/new", ALICE, {"access": "read"}, (201,), (409,)),
    Operation("revoke a robot", "DELETE", "/v1/users/alice/robots/ci", ALICE, None, (204,), (404,)),
    Operation("list", "GET", "/v1/namespaces/alice/repositories", BOBBY),
    Operation("search", "GET", "/v1/search?q=web", BOBBY),
    Operation("read as a robot", "GET", WEB + "/images", "a robot"),
    Operation("read with a token", "GET", WEB + "/images", "a read token"),
    Operation("look for a layer", "GET", WEB + "/layer/a/access", "a read token"),
    Operation("vouch", "PUT", WEB + "/auth", "a read token"),
    Operation("complete a deletion", "PUT", "/v1/repositories/alice/gone/auth", "a delete token"),
    Operation("leave", "DELETE", "/v1/users/alice", ALICE, None, (204,), (401,)),
)
STEPWISE = {"leave"}  # in an order that is right at each step (removal.py), not all at once


class Rig:
    """An index with something in it, whose calls can be made to fail, and whose tables go back to what they were."""

    def __init__(self, index: Index) -> None:
        self.index = index
        for name in ("alice", "bobby"):
            index.account(name)
        index.account("admin", admin=True)
        index.push("alice/web", ALICE, "a")
        index.push("alice/gone", ALICE, "old")
        for n in range(17):
            index.push("alice/long", ALICE, f"image{n}")
        for method, path, body in (
            ("PUT", OURS + "/collaborators/bobby", {"access": "write"}),
            ("PUT", "/v1/users/alice/robots/ci", {"access": "write"}),
            ("DELETE", "/v1/repositories/alice/gone", None),
        ):
            assert index.request(method, path, ALICE, json=body).status < 300
        robot = index.request("PUT", "/v1/users/alice/robots/cd", ALICE, json={"access": "read"}).json["token"]
        read = index.request("GET", WEB + "/images", token=True).token
        end = index.request("DELETE", "/v1/repositories/alice/gone", ALICE, token=True).token
        self._secrets = {
            "a robot": basic("alice", robot),
            "a read token": f"Token {read}",
            "a delete token": f"Token {end}",
        }
        self._backend = dynamodb_backends[ACCOUNT]["us-east-1"]
        self._tables = copy.deepcopy(self._backend.tables)

    def reset(self) -> None:
        """Everything as at the start, before a container that remembers nothing."""
        self._backend.tables = copy.deepcopy(self._tables)
        self.index = self.index.restarted()

    def send(self, operation: Operation) -> Response | None:
        """None when the process was killed."""
        auth = self._secrets.get(operation.auth or "", operation.auth)
        try:
            return self.index.request(operation.method, operation.path, auth, json=operation.body, token=True)
        except Killed:
            return None

    def view(self) -> str:
        """What can be seen of everything, as its owners and an administrator see it."""
        users = {name: self._account(name) for name in ("alice", "bobby", "carol")}
        lists = {
            name: self._json("GET", f"/v1/repositories/alice/{name}/images") for name in ("web", "new", "gone", "long")
        }
        listed = self._json("GET", "/v1/namespaces/alice/repositories")
        found = self._json("GET", "/v1/search?q=alice"), self._json("GET", "/v1/search?q=words")
        people = self._json("GET", OURS + "/collaborators")
        completed = bool(self.index.tables.images.get("alice/gone", HEAD).confirmed)
        seen = [users, lists, listed, found, people, completed, self._signs_in()]
        return json.dumps(seen, sort_keys=True)

    def _signs_in(self) -> dict[str, int]:
        pairs = (("alice", PASSWORD), ("bobby", PASSWORD), ("bobby", "battery staple"), ("carol", PASSWORD))
        counts = self.index.tables.counters
        statuses = {}
        for name, password in pairs:
            statuses[f"{name} {password}"] = self.index.request("GET", "/v1/users/", basic(name, password)).status
        for item in list(counts.scan()):
            item.delete()
        return statuses

    def _account(self, name: str) -> Any:
        return self._json("GET", f"/v1/users/{name}"), self._json("GET", f"/v1/users/{name}/robots")

    def _json(self, method: str, path: str) -> Any:
        response = self.index.request(method, path, ADMIN)
        assert response.status in (200, 404), response
        return _timeless(response.json) if response.status == 200 else "missing"

    @contextmanager
    def failing(self, at: int, fault: Fault | None) -> Iterator[list[str]]:
        """The call number `at` (from 0) fails, where there is a fault; gives the names of the calls that were made."""
        calls: list[str] = []

        def around(operation: str, call: Callable[[], Any]) -> Any:
            calls.append(operation)
            return call() if fault is None or len(calls) - 1 != at else fault.strike(operation, call)

        with intercepted(self.index.aws, around):
            yield calls


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in ("created", "last_used")}
    return [_timeless(item) for item in value] if isinstance(value, list) else value


@pytest.mark.soak
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_each_call_failing_in_each_way(index: Index, operation: Operation) -> None:
    rig = Rig(index)
    before = rig.view()
    rig.reset()
    with rig.failing(-1, None) as calls:
        response = rig.send(operation)
    assert response is not None
    assert response.status in operation.success
    after = rig.view()
    tried = 0
    for at, called in enumerate(calls):
        for fault in faults_of(called):
            tried += 1
            where = f"{operation.name}: call {at} ({called}) {fault.name}"
            rig.reset()
            with rig.failing(at, fault):
                response = rig.send(operation)
            acknowledged = response is not None and response.status in operation.success
            if response is not None and not acknowledged:
                assert response.status == 503, f"{where}: {response}"
                assert response.headers["retry-after"], where
            seen = rig.view()
            assert not acknowledged or seen == after, f"{where}: acknowledged and lost"
            assert seen in (before, after) or operation.name in STEPWISE, f"{where}: half done"
            rig.index = rig.index.restarted()
            response = rig.send(operation)
            assert response is not None
            assert response.status in operation.success + operation.again, f"{where}: the repetition got {response}"
            assert rig.view() == after, f"{where}: not so when sent again"
    print(f"{operation.name}: {len(calls)} calls, {tried} faults")
    assert tried >= 8 * len(calls), "each call in at least eight ways"
