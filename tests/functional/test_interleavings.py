"""Transfer and account deletion at the same time as other requests, in many orders of the calls to AWS."""

from collections.abc import Callable

import pytest

from tests.conftest import MakeIndex
from tests.index import Index, basic
from tests.linearizability.interleaving import run_interleaved, send

SEEDS = 15
ALICE, BOBBY = basic("alice"), basic("bobby")


@pytest.fixture
def make_filled(make_index: MakeIndex) -> Callable[[], Index]:
    """Return a function that creates an index whose names are not reserved. bobby can push to alice's repository."""

    def make() -> Index:
        index = make_index(reserve_deleted_names=False)
        for name in ("alice", "bobby"):
            index.create_account(name)
        index.push("alice/web", ALICE, "a")
        path = "/v1/namespaces/alice/repositories/web/collaborators/bobby"
        assert index.request("PUT", path, ALICE, json={"access": "write"}).status == 204
        return index

    return make


def finish_deletion(index: Index, status: int) -> None:
    for _ in range(3):
        if status in (202, 503):
            status = index.request("DELETE", "/v1/users/alice", ALICE).status
    assert status == 204


@pytest.mark.exhaustive
def test_push_during_an_account_deletion_leaves_nothing(make_filled: Callable[[], Index]) -> None:
    results = set()
    for seed in range(SEEDS):
        index = make_filled()
        deleted, new, existing = run_interleaved(
            index,
            seed,
            send("DELETE", "/v1/users/alice", "alice"),
            send("PUT", "/v1/repositories/alice/new", "alice", [{"id": "b"}]),
            send("PUT", "/v1/repositories/alice/web", "bobby", [{"id": "b"}]),
        )
        results.add((new, existing))
        assert new in (200, 401, 403)
        assert existing in (200, 403, 404)  # 403 if the share ends before the repository
        finish_deletion(index, deleted)
        index.create_account("alice")
        assert index.request("GET", "/v1/namespaces/alice/repositories", ALICE).json == []
        assert list(index.tables.collaborators.scan()) == []
        for path in ("alice/new", "alice/web"):
            assert index.request("GET", f"/v1/repositories/{path}/images", ALICE).status == 404
    assert len(results) > 1, "several orders occur"


@pytest.mark.exhaustive
def test_robot_that_is_created_during_an_account_deletion_is_not_valid_for_the_next_account(
    make_filled: Callable[[], Index],
) -> None:
    results, tokens = set(), []

    def create_robot(container: Index) -> int:
        response = container.request("PUT", "/v1/users/alice/robots/ci", ALICE, json={"access": "write"})
        if response.status == 201:
            tokens.append(response.json["token"])
        return response.status

    for seed in range(SEEDS):
        index = make_filled()
        tokens.clear()
        deleted, created = run_interleaved(index, seed, send("DELETE", "/v1/users/alice", "alice"), create_robot)
        results.add(created)
        finish_deletion(index, deleted)
        index.create_account("alice")
        for token in tokens:
            assert index.request("GET", "/v1/users/", basic("alice", token)).status == 401
        assert index.request("GET", "/v1/users/alice/robots", ALICE).json == []
    assert len(results) > 1, "several orders occur"


@pytest.mark.exhaustive
def test_push_during_a_transfer_is_in_the_new_repository_or_creates_the_old_name_again(
    make_filled: Callable[[], Index],
) -> None:
    results = set()
    transfer = "/v1/namespaces/alice/repositories/web/transfer"
    for seed in range(SEEDS):
        index = make_filled()
        assert index.request("PUT", "/v1/organizations/ops", ALICE).status == 201
        moved, own, shared = run_interleaved(
            index,
            seed,
            send("POST", transfer, "alice", {"namespace": "ops", "name": "web"}),
            send("PUT", "/v1/repositories/alice/web", "alice", [{"id": "b"}]),
            send("PUT", "/v1/repositories/alice/web", "bobby", [{"id": "c"}]),
        )
        assert moved in (204, 409)
        assert own == 200
        assert shared in (200, 403, 404)  # the share ends with the old repository
        if moved == 409:  # other requests have changed the repository too often
            assert index.request("POST", transfer, ALICE, json={"namespace": "ops", "name": "web"}).status == 204
        old = index.request("GET", "/v1/repositories/alice/web/images", ALICE)
        found = {entry["id"] for entry in old.json} if old.status == 200 else set()
        results.add((shared, old.status))
        assert {"a", "b", *({"c"} if shared == 200 else ())} <= found | set(index.ids("ops/web", ALICE))
        assert "a" not in found, "the old name is a new repository"
    assert len(results) > 1, "several orders occur"
