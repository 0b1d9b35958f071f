"""`python -m infra repositories`: show, delete, transfer and reindex."""

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Principal, Role
from chalicelib.repositories.collaborators import Collaborators
from chalicelib.repositories.service import Repositories
from chalicelib.storage.repositories import RepositoryStore
from tests.admin_commands import run
from tests.index import Index

pytestmark = pytest.mark.exhaustive


class PulledPlug(BaseException):
    """The end of a process, wherever it comes."""


def found(index: Index, query: str, auth: str | None = None) -> list[str]:
    return [result["name"] for result in index.request("GET", f"/v1/search?q={query}", auth).json["results"]]


def furnished(index: Index, *, private: bool) -> tuple[str, str, str]:
    """alice's repository with everything that there is to move, and the accounts of alice, bobby and carol."""
    alice, bobby, carol = (index.account(name) for name in ("alice", "bobby", "carol"))
    index.push("alice/web", alice, "aaa", "bbb")
    index.request("PUT", "/v1/repositories/alice/web/images", alice, json=[{"id": "aaa", "checksum": "sha256:11"}])
    services, owner, name = Services(index.settings, index.aws), Principal("alice"), RepositoryName("alice", "web")
    services.repositories.change(owner, name, description="Tools for gardens", private=private)
    services.collaborators.share(owner, name, "carol", Role.WRITE)
    services.collaborators.share(owner, name, "bobby", Role.READ)
    return alice, bobby, carol


def test_a_repository_is_shown_with_all_that_is_known_of_it(index: Index) -> None:
    furnished(index, private=True)
    shown = run(index, "repositories", "show", "alice/web", "--json").json
    assert shown.pop("created")
    assert shown == {
        "repository": "alice/web",
        "visibility": "private",
        "description": "Tools for gardens",
        "images": 2,
        "collaborators": ["bobby (read)", "carol (write)"],
    }


def test_a_namespace_is_listed_by_itself_private_ones_too(index: Index) -> None:
    alice, bobby, _ = furnished(index, private=True)
    index.push("alice/other", alice)
    index.push("bobby/web", bobby)
    listed = run(index, "repositories", "list", "alice", "--json").json
    assert [row["repository"] for row in listed] == ["alice/other", "alice/web"]
    assert len(run(index, "repositories", "list", "--json").json) == 3


def test_a_deleted_repository_leaves_nothing_to_find_or_share(index: Index) -> None:
    alice, _, carol = furnished(index, private=True)
    assert run(index, "repositories", "delete", "alice/web", "--yes").out == "alice/web is deleted\n"
    for auth in (alice, carol):
        assert index.request("GET", "/v1/repositories/alice/web/images", auth).status == 404
        assert found(index, "garden", auth) == []
    assert not list(index.tables.collaborators.scan())
    assert not list(index.tables.terms.scan())


@pytest.mark.parametrize("private", [True, False])
def test_a_transferred_repository_has_everything_that_it_had(index: Index, private: bool) -> None:
    alice, bobby, carol = furnished(index, private=private)
    before = run(index, "repositories", "show", "alice/web", "--json").json
    ran = run(index, "repositories", "transfer", "alice/web", "bobby/site", "--yes")
    assert (ran.status, ran.out) == (0, "alice/web is bobby/site now\n")
    after = run(index, "repositories", "show", "bobby/site", "--json").json
    assert after == before | {"repository": "bobby/site", "collaborators": ["carol (write)"]}
    response = index.request("GET", "/v1/repositories/bobby/site/images", carol)
    assert response.json == [{"id": "aaa", "checksum": "sha256:11"}, {"id": "bbb"}]
    assert index.request("PUT", "/v1/repositories/bobby/site/images", carol, json=[{"id": "ccc"}]).status == 204
    assert index.request("GET", "/v1/repositories/bobby/site/images", alice).status == (404 if private else 200)
    assert found(index, "garden", bobby) == ["bobby/site"]
    assert found(index, "garden") == ([] if private else ["bobby/site"])
    assert run(index, "doctor", "--json").json[1:] == []


def test_the_old_name_is_gone_and_so_are_its_tokens(index: Index) -> None:
    alice, _, carol = furnished(index, private=False)
    write = index.push("alice/web", alice)
    read = index.request("GET", "/v1/repositories/alice/web/images", token=True).token
    run(index, "repositories", "transfer", "alice/web", "bobby/site", "--yes")
    for token in (write, read):
        for path in ("alice/web", "bobby/site"):
            response = index.request("GET", f"/v1/repositories/{path}/images", f"Token {token}")
            assert response.status in (401, 404), path
    for auth in (alice, carol, None):
        assert index.request("GET", "/v1/repositories/alice/web/images", auth).status == 404
    index.push("alice/web", alice, "new")
    assert index.ids("alice/web") == ["new"], "the name can begin anew"


@pytest.mark.parametrize(
    "method",
    [
        (RepositoryStore, "create"),
        (Repositories, "change"),
        (Collaborators, "share"),
        (RepositoryStore, "delete"),
    ],
)
@pytest.mark.parametrize("private", [True, False])
def test_a_transfer_that_breaks_off_anywhere_loses_nothing_and_can_be_run_again(
    index: Index, monkeypatch: pytest.MonkeyPatch, method: tuple[type, str], private: bool
) -> None:
    alice, _, carol = furnished(index, private=private)
    before = run(index, "repositories", "show", "alice/web", "--json").json
    for late in (False, True):
        with monkeypatch.context() as patched:
            patched.setattr(*method, _breaking(getattr(*method), late=late))
            with pytest.raises(PulledPlug):
                run(index, "repositories", "transfer", "alice/web", "bobby/site", "--yes")
        if method[1] == "delete" and late:
            break
        assert run(index, "repositories", "show", "alice/web", "--json").json == before
        index.push("alice/web", alice, f"ddd{late}".lower())  # life goes on between the two runs
        before["images"] += 1
        if private:
            assert found(index, "site") == []
    else:
        again = run(index, "repositories", "transfer", "alice/web", "bobby/site", "--yes")
        assert again.status == 0, again.err
    after = run(index, "repositories", "show", "bobby/site", "--json").json
    assert after == before | {"repository": "bobby/site", "collaborators": ["carol (write)"]}
    assert index.request("GET", "/v1/repositories/alice/web/images", carol).status == 404


def _breaking(function: Callable[..., Any], *, late: bool) -> Callable[..., Any]:
    def broken(*args: Any, **kwargs: Any) -> Any:
        if late:
            function(*args, **kwargs)
        raise PulledPlug

    return broken


def test_what_is_pushed_while_a_transfer_runs_moves_too(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bobby, _ = furnished(index, private=False)
    share = Collaborators.share

    def meanwhile(*args: Any) -> None:
        index.request("PUT", "/v1/repositories/alice/web/images", alice, json=[{"id": "late"}])
        share(*args)

    monkeypatch.setattr(Collaborators, "share", meanwhile)
    assert run(index, "repositories", "transfer", "alice/web", "bobby/site", "--yes").status == 0
    assert index.ids("bobby/site", bobby) == ["aaa", "bbb", "late"]


def test_what_is_hidden_and_whom_is_taken_off_while_a_transfer_runs_is_so_at_its_end(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice, bobby, carol = furnished(index, private=False)
    web = "/v1/namespaces/alice/repositories/web"
    delete = RepositoryStore.delete

    def meanwhile(*args: Any, **kwargs: Any) -> None:
        monkeypatch.setattr(RepositoryStore, "delete", delete)
        assert index.request("PUT", web, alice, json={"private": True, "description": "Ours"}).status == 204
        assert index.request("DELETE", f"{web}/collaborators/carol", alice).status == 204
        delete(*args, **kwargs)

    monkeypatch.setattr(RepositoryStore, "delete", meanwhile)
    assert run(index, "repositories", "transfer", "alice/web", "bobby/site", "--yes").status == 0
    shown = run(index, "repositories", "show", "bobby/site", "--json").json
    assert (shown["visibility"], shown["description"], shown["collaborators"]) == ("private", "Ours", [])
    for auth in (alice, carol, None):
        assert index.request("GET", "/v1/repositories/bobby/site/images", auth).status == 404
        assert found(index, "ours", auth) == []
    assert found(index, "ours", bobby) == ["bobby/site"]


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("alice/web", "alice/web", "the same"),
        ("alice/nope", "bobby/web", "repository not found"),
        ("alice/web", "bobby/taken", "there is a repository bobby/taken already"),
        ("alice/web", "nobody/web", "user not found"),
        ("alice/web", "web", "the library's repositories are public"),
        ("alice/web", "bobby/Web!", "a repository name is"),
    ],
)
def test_what_cannot_be_transferred_is_one_sentence(index: Index, source: str, target: str, said: str) -> None:
    _, bobby, _ = furnished(index, private=True)
    index.push("bobby/taken", bobby, "something", "else")
    ran = run(index, "repositories", "transfer", source, target, "--yes")
    assert (ran.status, ran.out) == (1, "")
    assert said in ran.err
    assert index.ids("bobby/taken", bobby) == ["something", "else"]


def test_a_public_repository_can_become_the_librarys_and_is_shared_with_nobody_there(index: Index) -> None:
    furnished(index, private=False)
    assert run(index, "repositories", "transfer", "alice/web", "web", "--yes").status == 0
    shown = run(index, "repositories", "show", "web", "--json").json
    assert (shown["repository"], shown["images"], shown["collaborators"]) == ("library/web", 2, [])
    assert found(index, "garden") == ["web"]


def test_reindex_brings_back_what_searches_lost(index: Index) -> None:
    alice, _, _ = furnished(index, private=False)
    index.push("alice/other", alice)
    terms = list(index.tables.terms.scan())
    for term in terms[::2]:
        term.delete()
    index.tables.terms("public z", "zebra nobody/nothing", rank=0).save()
    ran = run(index, "repositories", "reindex", "--json")
    assert ran.json == {"repositories_mended": 2, "stray_terms_removed": 1}
    assert {(t.bucket, t.entry, t.rank) for t in index.tables.terms.scan()} == {
        (t.bucket, t.entry, t.rank) for t in terms
    }
    assert run(index, "repositories", "reindex", "--json").json == {"repositories_mended": 0, "stray_terms_removed": 0}
