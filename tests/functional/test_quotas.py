"""Quotas of accounts: they cannot be exceeded, and their counters always equal what is stored."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.settings import Settings
from chalicelib.settings_table import SettingsError
from chalicelib.storage import image_list_writer
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.repositories import RepositoryStore
from tests.index import Index, basic
from tests.together import run_together

ALICE, BOBBY = basic("alice"), basic("bobby")


def create(index: Index, name: str, auth: str = ALICE, count: int = 1) -> int:
    body = [{"id": f"{number:064x}"} for number in range(count)]
    return index.request("PUT", f"/v1/repositories/{name}", auth, json=body).status


def share(index: Index, name: str, username: str = "bobby", access: str = "read") -> int:
    path = f"/v1/namespaces/alice/repositories/{name}/collaborators/{username}"
    return index.request("PUT", path, ALICE, json={"access": access}).status


def create_robot(index: Index, name: str) -> int:
    return index.request("PUT", f"/v1/users/alice/robots/{name}", ALICE, json={"access": "read"}).status


def counters_of(index: Index, username: str = "alice") -> dict[str, int]:
    item = index.tables.users.get(username)
    names = ("repositories", "robots", "shares", "stored_bytes")
    return {name: int(getattr(item, name) or 0) for name in names}


def stored_of(index: Index, username: str = "alice") -> dict[str, int]:
    """Count what the tables contain."""
    names = [f"{username}/{item.name}" for item in index.tables.repositories.query(username)]
    charged = [index.tables.images.get(name, "head").charged_bytes for name in names]
    return {
        "repositories": len(names),
        "robots": len(list(index.tables.robots.query(username))),
        "shares": len(list(index.tables.collaborators.query(f"account {username}"))),
        "stored_bytes": int(sum(charged)),
    }


@pytest.fixture
def limited(make_index: Any) -> Index:
    index: Index = make_index(max_repositories=3, max_robots=3, max_shares=3, max_stored_megabytes=1)
    index.create_account("alice")
    index.create_account("bobby")
    return index


def test_quotas_hold_at_the_same_time(limited: Index) -> None:
    assert limited.request("GET", "/v1/users/", ALICE).status == 200
    assert Counter(run_together(10, lambda number: create(limited, f"alice/web{number}"))) == {200: 3, 403: 7}
    assert Counter(run_together(10, lambda number: create_robot(limited, f"ci{number}"))) == {201: 3, 403: 7}
    assert counters_of(limited) == stored_of(limited)


def test_quota_of_repositories_includes_those_that_administrators_create(limited: Index) -> None:
    admin = limited.create_account("admin", admin=True)
    for number in range(3):
        assert create(limited, f"alice/web{number}", admin) == 200
    assert create(limited, "alice/more", admin) == create(limited, "alice/more") == 403
    assert create(limited, "alice/web0") == 200, "an existing repository can be pushed to"
    assert limited.request("DELETE", "/v1/repositories/alice/web0", ALICE).status == 202
    assert create(limited, "alice/more") == 200
    assert counters_of(limited) == stored_of(limited)


def test_library_has_no_quota(limited: Index) -> None:
    admin = limited.create_account("admin", admin=True)
    for number in range(5):
        assert create(limited, f"web{number}", admin, 2_000) == 200
    assert limited.request("DELETE", "/v1/repositories/web0", admin).status == 202


def test_quota_of_shares_protects_the_receiver(limited: Index) -> None:
    for number in range(3):
        assert create(limited, f"alice/web{number}") == 200
        assert share(limited, f"web{number}") == 204
    limited.create_account("carol")
    assert create(limited, "carol/web", basic("carol")) == 200
    path = "/v1/namespaces/carol/repositories/web/collaborators/bobby"
    assert limited.request("PUT", path, basic("carol"), json={"access": "read"}).status == 403
    assert share(limited, "web0", access="write") == 204, "a role can be changed"
    assert counters_of(limited, "bobby") == stored_of(limited, "bobby")


def test_role_can_be_changed_after_the_quota_was_reduced(limited: Index) -> None:
    for number in range(3):
        assert create(limited, f"alice/web{number}") == 200
        assert share(limited, f"web{number}") == 204
    smaller = limited.restart(max_shares=1)
    assert share(smaller, "web0", access="write") == 204
    assert counters_of(limited, "bobby")["shares"] == 3


def test_repeated_removal_of_a_share_is_counted_once(limited: Index) -> None:
    assert create(limited, "alice/web") == 200
    assert share(limited, "web") == 204
    stores = Services(limited.settings, limited.aws).stores
    generation = stores.images.get_head(RepositoryName("alice", "web")).generation  # type: ignore[union-attr]
    for _ in range(3):
        stores.collaborators.remove(RepositoryName("alice", "web"), generation, "bobby")
    assert counters_of(limited, "bobby")["shares"] == 0


def test_share_of_an_earlier_repository_is_not_counted_again(limited: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The removal of collaborators was interrupted after a deletion."""
    for _ in range(3):
        assert create(limited, "alice/web") == 200
        assert share(limited, "web") == 204
        assert counters_of(limited, "bobby") == stored_of(limited, "bobby")
        with monkeypatch.context() as patch:
            patch.setattr(CollaboratorStore, "remove_repository", lambda *_: 1 / 0)
            assert limited.request("DELETE", "/v1/repositories/alice/web", ALICE).status == 500
    assert limited.request("DELETE", "/v1/repositories/alice/web", ALICE).status == 202
    assert (
        counters_of(limited, "bobby") == stored_of(limited, "bobby") == {**counters_of(limited, "bobby"), "shares": 0}
    )


def test_quota_of_stored_bytes(limited: Index) -> None:
    assert create(limited, "alice/web", count=15_000) == 200, "one is accepted before the quota is reached"
    assert create(limited, "alice/more", count=15_000) == 200
    for name in ("alice/more", "alice/web"):
        path = f"/v1/repositories/{name}/images"
        body = [{"id": f"{number:064x}"} for number in range(20_000, 21_000)]
        response = limited.request("PUT", path, ALICE, json=body)
        assert response.status in (204, 413)
    assert counters_of(limited)["stored_bytes"] >= 1_000_000
    response = limited.request("PUT", path, ALICE, json=[{"id": f"{number:064x}"} for number in range(25_000, 26_000)])
    assert response.status == 413
    assert create(limited, "alice/third") == 403
    assert limited.request("DELETE", "/v1/repositories/alice/web", ALICE).status == 202
    assert create(limited, "alice/third", count=1_000) == 200
    assert counters_of(limited) == stored_of(limited)


@pytest.mark.exhaustive
def test_small_pushes_cannot_pass_the_quota_without_end(make_index: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_list_writer, "CHARGED_FROM_BYTES", 2_000)
    index: Index = make_index(max_stored_megabytes=1)
    index.create_account("alice")
    assert create(index, "alice/web") == 200
    users = index.tables.users
    users("alice").update([users.stored_bytes.set(1_000_000)])
    statuses = []
    for number in range(40):
        body = [{"id": f"{entry:064x}"} for entry in range(30 * number, 30 * number + 30)]
        statuses.append(index.request("PUT", "/v1/repositories/alice/web/images", ALICE, json=body).status)
    assert statuses[-1] == 413
    assert statuses == sorted(statuses)
    stored = Services(index.settings, index.aws).stores.images.read(RepositoryName("alice", "web"))
    assert stored.size < 20 * 2_000


def test_full_account_can_still_free_space(limited: Index) -> None:
    """A rewrite removes replaced entries. It needs no quota, and it is not a server error."""
    for checksum in "abcd":
        body = [{"id": f"{number:064x}", "checksum": f"sha256:{checksum * 64}"} for number in range(8_000)]
        status = limited.request("PUT", "/v1/repositories/alice/web", ALICE, json=body).status
        assert status in (200, 413)
    users = limited.tables.users
    users("alice").update([users.stored_bytes.set(2_000_000)])
    assert limited.request("PUT", "/v1/repositories/alice/web", ALICE, json=body).status in (200, 413)
    assert limited.request("PUT", "/v1/repositories/alice/web", ALICE, json=[]).status == 200


def test_deletion_that_races_a_large_push_releases_everything(limited: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    assert create(limited, "alice/web") == 200
    delete = RepositoryStore.delete

    def push_and_delete(self: RepositoryStore, *arguments: Any, **options: Any) -> None:
        monkeypatch.setattr(RepositoryStore, "delete", delete)
        assert create(limited, "alice/web", count=1_000) == 200
        delete(self, *arguments, **options)

    monkeypatch.setattr(RepositoryStore, "delete", push_and_delete)
    assert limited.request("DELETE", "/v1/repositories/alice/web", ALICE).status == 202
    assert counters_of(limited) == stored_of(limited) == dict.fromkeys(counters_of(limited), 0)


def test_repeated_deletion_is_counted_once(limited: Index) -> None:
    assert create(limited, "alice/web") == create(limited, "alice/api") == 200
    statuses = run_together(6, lambda _: limited.request("DELETE", "/v1/repositories/alice/web", ALICE).status)
    assert set(statuses) <= {202, 404}
    assert counters_of(limited) == stored_of(limited)
    assert counters_of(limited)["repositories"] == 1


@pytest.mark.parametrize("name", ["MAX_REPOSITORIES", "MAX_STORED_MEGABYTES", "MAX_ROBOTS", "MAX_SHARES"])
@pytest.mark.parametrize("value", ["0", "-1", "many", "1e3", "99999999"])
def test_quotas_are_numbers(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment({name: value})


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["create", "push", "delete", "share", "unshare", "robot", "revoke", "block", "unblock"]),
        st.sampled_from(["one", "two"]),
        st.integers(1, 40),
    ),
    max_size=25,
)


@pytest.fixture
def small(make_index: Any) -> Index:
    index: Index = make_index(max_repositories=2, max_robots=1, max_shares=1)
    index.create_account("alice")
    index.create_account("bobby")
    return index


@pytest.mark.exhaustive
@settings(max_examples=15)
@given(ACTIONS)
def test_counters_equal_what_is_stored_after_any_requests(small: Index, actions: list[tuple[str, str, int]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_list_writer, "CHARGED_FROM_BYTES", 500)
        index = small
        for action, name, count in actions:
            robot, blocked = f"/v1/users/alice/robots/{name}", "/v1/users/bobby/blocked/alice"
            match action:
                case "create" | "push":
                    status = create(index, f"alice/{name}", count=count)
                case "delete":
                    status = index.request("DELETE", f"/v1/repositories/alice/{name}", ALICE).status
                case "share":
                    status = share(index, name)
                case "unshare":
                    path = f"/v1/namespaces/alice/repositories/{name}/collaborators/bobby"
                    status = index.request("DELETE", path, BOBBY).status
                case "robot":
                    status = create_robot(index, name)
                case "revoke":
                    status = index.request("DELETE", robot, ALICE).status
                case _:
                    status = index.request("PUT" if action == "block" else "DELETE", blocked, BOBBY).status
            assert status < 500
            for username in ("alice", "bobby"):
                assert counters_of(index, username) == stored_of(index, username)
