"""`waybill repositories`: show, list, delete, transfer and reindex."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Principal, Role
from chalicelib.repositories.collaborators import Collaborators
from chalicelib.repositories.service import Repositories
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.repositories import RepositoryStore
from tests.admin_commands import run
from tests.conftest import create_index
from tests.index import Index, basic

ALICE, BOBBY, CAROL = (basic(name) for name in ("alice", "bobby", "carol"))


class Killed(BaseException):
    """Stands for the end of the process."""


def fill(index: Index, *, private: bool) -> None:
    """Create alice, bobby and carol, and alice's repository with images, a description and collaborators."""
    for username in ("alice", "bobby", "carol"):
        index.create_account(username)
    index.push("alice/web", ALICE, "aaa", "bbb")
    index.request("PUT", "/v1/repositories/alice/web/images", ALICE, json=[{"id": "aaa", "checksum": "sha256:11"}])
    owner, name = Principal("alice"), RepositoryName("alice", "web")
    index.services.repositories.change(owner, name, description="Tools for gardens", private=private)
    index.services.collaborators.add(owner, name, "carol", Role.WRITE)
    index.services.collaborators.add(owner, name, "bobby", Role.READ)


@pytest.fixture(scope="module")
def shared_index(module_aws: None) -> Index:
    """An index with alice's private repository and two more, for cases that change nothing."""
    index = create_index()
    fill(index, private=True)
    index.push("alice/other", ALICE)
    index.push("bobby/taken", BOBBY, "something", "else")
    return index


def search(index: Index, query: str, auth: str | None = None) -> list[str]:
    return [result["name"] for result in index.request("GET", f"/v1/search?q={query}", auth).json["results"]]


def show(index: Index, repository: str) -> dict[str, Any]:
    shown: dict[str, Any] = run(index, "repositories", "show", repository, "--json").json
    return shown


def transfer(index: Index, source: str, target: str) -> int:
    return run(index, "repositories", "transfer", source, target, "--yes").status


def test_show_gives_all_properties(shared_index: Index) -> None:
    shown = show(shared_index, "alice/web")
    assert shown.pop("created")
    assert shown == {
        "repository": "alice/web",
        "visibility": "private",
        "last_pushed": None,
        "tags": 0,
        "description": "Tools for gardens",
        "images": 2,
        "collaborators": ["bobby (read)", "carol (write)"],
    }


def test_list_gives_all_repositories_or_one_namespace(shared_index: Index) -> None:
    listed = run(shared_index, "repositories", "list", "alice", "--json").json
    assert [row["repository"] for row in listed] == ["alice/other", "alice/web"]
    assert len(run(shared_index, "repositories", "list", "--json").json) == 3


@pytest.mark.parametrize(
    ("source", "target", "keyword"),
    [
        ("alice/web", "alice/web", "equal"),
        ("alice/nope", "bobby/web", "not found"),
        ("alice/web", "bobby/taken", "bobby/taken"),
        ("alice/web", "nobody/web", "no account"),
        ("alice/web", "web", "library"),
        ("alice/web", "bobby/Web!", "repository name"),
    ],
)
def test_impossible_transfer_gives_readable_error(shared_index: Index, source: str, target: str, keyword: str) -> None:
    result = run(shared_index, "repositories", "transfer", source, target, "--yes")
    assert result.is_readable_error
    assert keyword in result.stderr
    assert shared_index.ids("bobby/taken", BOBBY) == ["something", "else"]


def test_deleted_repository_leaves_no_terms_and_no_shares(index: Index) -> None:
    fill(index, private=True)
    assert run(index, "repositories", "delete", "alice/web", "--yes").status == 0
    for auth in (ALICE, CAROL):
        assert index.request("GET", "/v1/repositories/alice/web/images", auth).status == 404
        assert search(index, "garden", auth) == []
    assert not list(index.tables.collaborators.scan())
    assert not list(index.tables.terms.scan())


@pytest.mark.exhaustive
@pytest.mark.parametrize("private", [True, False])
def test_transferred_repository_keeps_its_properties(index: Index, private: bool) -> None:
    fill(index, private=private)
    before = show(index, "alice/web")
    assert transfer(index, "alice/web", "bobby/site") == 0
    assert show(index, "bobby/site") == before | {"repository": "bobby/site", "collaborators": ["carol (write)"]}
    response = index.request("GET", "/v1/repositories/bobby/site/images", CAROL)
    assert response.json == [{"id": "aaa", "checksum": "sha256:11"}, {"id": "bbb"}]
    assert index.request("PUT", "/v1/repositories/bobby/site/images", CAROL, json=[{"id": "ccc"}]).status == 204
    assert index.request("GET", "/v1/repositories/bobby/site/images", ALICE).status == (404 if private else 200)
    assert search(index, "garden", BOBBY) == ["bobby/site"]
    assert search(index, "garden") == ([] if private else ["bobby/site"])
    assert [finding["code"] for finding in run(index, "doctor", "--json").json] == ["administrator-missing"]


def test_repository_moves_to_an_organisation_and_back(index: Index) -> None:
    fill(index, private=True)
    assert index.request("PUT", "/v1/organizations/my-team", BOBBY).status == 201
    assert transfer(index, "alice/web", "my-team/web") == 0
    assert show(index, "my-team/web")["collaborators"] == ["bobby (read)", "carol (write)"]
    assert index.request("GET", "/v1/repositories/my-team/web/images", ALICE).status == 404
    assert index.request("DELETE", "/v1/organizations/my-team/members/bobby", BOBBY).status == 409
    assert index.tables.users.get("alice").repositories == 0
    assert index.tables.users.get("my-team").repositories == 1
    assert transfer(index, "my-team/web", "alice/web") == 0
    assert show(index, "alice/web")["images"] == 2
    assert index.tables.users.get("my-team").repositories == 0
    assert transfer(index, "alice/web", "no-team/web") == 1


def test_tokens_and_shares_of_the_old_name_are_rejected(index: Index) -> None:
    fill(index, private=False)
    write = index.push("alice/web", ALICE)
    read = index.request("GET", "/v1/repositories/alice/web/images", token=True).token
    assert transfer(index, "alice/web", "bobby/site") == 0
    for token in (write, read):
        for path in ("alice/web", "bobby/site"):
            response = index.request("GET", f"/v1/repositories/{path}/images", f"Token {token}")
            assert response.status in (401, 404), path
    for auth in (ALICE, CAROL, None):
        assert index.request("GET", "/v1/repositories/alice/web/images", auth).status == 404
    index.push("alice/web", ALICE, "new")
    assert index.ids("alice/web") == ["new"]


@pytest.mark.exhaustive
@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize(
    "step",
    [
        (RepositoryStore, "create"),
        (Repositories, "change"),
        (Collaborators, "add"),
        (RepositoryStore, "delete"),
        (CollaboratorStore, "remove_repository"),
    ],
    ids=lambda step: step[1],
)
def test_interrupted_transfer_loses_nothing_and_can_be_repeated(
    index: Index, monkeypatch: pytest.MonkeyPatch, step: tuple[type, str], private: bool
) -> None:
    fill(index, private=private)
    before = show(index, "alice/web")
    for after_effect in (False, True):
        with monkeypatch.context() as patched:
            patched.setattr(*step, _kill(getattr(*step), after_effect=after_effect))
            with pytest.raises(Killed):
                transfer(index, "alice/web", "bobby/site")
        if step[1] == "remove_repository" or (step[1] == "delete" and after_effect):
            break  # the source is deleted, so that the transfer is complete
        assert show(index, "alice/web") == before
        index.push("alice/web", ALICE, f"ddd{after_effect}".lower())
        before["images"] += 1
        if private:
            assert search(index, "site") == []
    else:
        assert transfer(index, "alice/web", "bobby/site") == 0
    assert show(index, "bobby/site") == before | {"repository": "bobby/site", "collaborators": ["carol (write)"]}
    assert index.request("GET", "/v1/repositories/alice/web/images", CAROL).status == 404
    index.create_account("root", admin=True)
    run(index, "doctor", "--fix", "--yes")
    assert run(index, "doctor", "--json").json == []
    assert {item.of for item in index.tables.collaborators.scan()} == {"repository bobby/site", "account carol"}


def _kill(function: Callable[..., Any], *, after_effect: bool) -> Callable[..., Any]:
    def killed(*args: Any, **kwargs: Any) -> Any:
        if after_effect:
            function(*args, **kwargs)
        raise Killed

    return killed


def test_image_that_is_pushed_during_a_transfer_is_moved(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(index, private=False)
    add = Collaborators.add

    def push_and_add(*args: Any) -> None:
        index.request("PUT", "/v1/repositories/alice/web/images", ALICE, json=[{"id": "late"}])
        add(*args)

    monkeypatch.setattr(Collaborators, "add", push_and_add)
    assert transfer(index, "alice/web", "bobby/site") == 0
    assert index.ids("bobby/site", BOBBY) == ["aaa", "bbb", "late"]


def test_change_of_visibility_and_shares_during_a_transfer_is_applied(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(index, private=False)
    web = "/v1/namespaces/alice/repositories/web"
    delete = RepositoryStore.delete

    def change_and_delete(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(RepositoryStore, "delete", delete)
        assert index.request("PUT", web, ALICE, json={"private": True, "description": "Ours"}).status == 204
        assert index.request("DELETE", f"{web}/collaborators/carol", ALICE).status == 204
        delete(*args, **kwargs)

    monkeypatch.setattr(RepositoryStore, "delete", change_and_delete)
    assert transfer(index, "alice/web", "bobby/site") == 0
    shown = show(index, "bobby/site")
    assert (shown["visibility"], shown["description"], shown["collaborators"]) == ("private", "Ours", [])
    for auth in (ALICE, CAROL, None):
        assert index.request("GET", "/v1/repositories/bobby/site/images", auth).status == 404
        assert search(index, "ours", auth) == []
    assert search(index, "ours", BOBBY) == ["bobby/site"]


def test_repository_in_library_has_no_collaborators_after_transfer(index: Index) -> None:
    fill(index, private=False)
    assert transfer(index, "alice/web", "web") == 0
    shown = show(index, "web")
    assert (shown["repository"], shown["images"], shown["collaborators"]) == ("library/web", 2, [])
    assert search(index, "garden") == ["web"]


def test_reindex_writes_missing_terms_and_deletes_stale_terms(index: Index) -> None:
    fill(index, private=False)
    index.push("alice/other", ALICE)
    terms = list(index.tables.terms.scan())
    for term in terms[::2]:
        term.delete()
    index.tables.terms("public z", "zebra nobody/nothing", rank=0).save()
    result = run(index, "repositories", "reindex", "--json")
    assert result.json == {"repositories_fixed": 2, "terms_deleted": 1}
    assert {(term.bucket, term.entry, term.rank) for term in index.tables.terms.scan()} == {
        (term.bucket, term.entry, term.rank) for term in terms
    }
    assert run(index, "repositories", "reindex", "--json").json == {"repositories_fixed": 0, "terms_deleted": 0}
