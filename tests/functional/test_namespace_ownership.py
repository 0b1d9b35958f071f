"""A namespace belongs to an account, or it is `library`. A name never gives rights to repositories of others."""

from typing import Any

import pytest

from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.storage.image_lists import ImageListStore, StoredImages
from chalicelib.storage.quotas import AccountUnavailable
from tests.index import PASSWORD, Index, basic


def register(index: Index, username: str) -> int:
    form = {"username": username, "password": PASSWORD, "email": f"{username}@example.com"}
    return index.request("POST", "/v1/users/", json=form).status


def create(index: Index, path: str, auth: str) -> int:
    return index.request("PUT", f"/v1/repositories/{path}", auth, json=[{"id": "image"}]).status


def import_repository(index: Index, path: str, *, private: bool = False) -> Repository:
    """Store a repository as an import does, whether the namespace has an account or not."""
    stores = Services(index.settings, index.aws).stores
    name = RepositoryName.parse(path)
    library = RepositoryName("library", "template")
    generation = stores.repositories.create(library, StoredImages(), {"image": ""})
    template = stores.repositories.get(library)
    assert template is not None
    repository = Repository(name=name, generation=generation, private=private, created=template.created)
    index.tables.repositories(
        name.namespace, name.name, generation=generation, private=private, created=template.created
    ).save()
    for item in index.tables.images.query(str(library)):
        values = {key: getattr(item, key) for key in ("generation", "deleted", "packed")}
        private_value = private if item.segment == "head" else None
        index.tables.images(str(name), item.segment, private=private_value, **values).save()
    for term in stores.terms.items(repository):
        term.save()
    stores.repositories.delete(template, stores.images.read(library))
    return repository


@pytest.mark.parametrize("path", ["acme/payroll", "ab/x", "a-team/x", "acme_" + "x" * 200 + "/x"])
def test_nobody_can_create_a_repository_in_a_namespace_without_an_account(index: Index, path: str) -> None:
    admin, alice = index.create_account("admin", admin=True), index.create_account("alice")
    robot = index.request("PUT", "/v1/users/admin/robots/ci", admin, json={"access": "write"}).json["token"]
    assert create(index, path, admin) == 403
    assert create(index, path, basic("admin", robot)) == 404
    assert create(index, path, alice) == 404
    assert create(index, path, basic("nobody")) == 401
    assert not list(index.tables.repositories.scan())
    assert not list(index.tables.images.scan())
    assert not list(index.tables.terms.scan())


def test_administrators_can_create_repositories_in_the_namespace_of_an_account(index: Index) -> None:
    admin, acme = index.create_account("admin", admin=True), index.create_account("acme")
    assert create(index, "acme/payroll", admin) == create(index, "redis", admin) == 200
    assert index.ids("acme/payroll", acme) == ["image"]


def test_takeover_of_a_namespace_is_impossible(index: Index) -> None:
    admin = index.create_account("admin", admin=True)
    assert create(index, "acme/payroll", admin) == 403
    assert register(index, "acme") == 201
    assert index.request("GET", "/v1/repositories/acme/payroll/images", basic("acme")).status == 404


@pytest.mark.parametrize("private", [True, False])
def test_name_with_imported_repositories_cannot_be_registered(index: Index, private: bool) -> None:
    import_repository(index, "acme/payroll", private=private)
    assert register(index, "acme") == 400
    assert index.users.get("acme") is None
    admin = index.create_account("admin", admin=True)
    assert index.ids("acme/payroll", admin) == ["image"]


def test_operators_cannot_create_an_account_over_imported_repositories(index: Index) -> None:
    import_repository(index, "acme/payroll")
    form = {"username": "acme", "password": PASSWORD, "email": "acme@example.com"}
    with pytest.raises(Exception, match="already exists"):
        Services(index.settings, index.aws).accounts.create(form)


def test_administrators_manage_imported_repositories_without_an_account(index: Index) -> None:
    admin = index.create_account("admin", admin=True)
    import_repository(index, "acme/payroll")
    path = "/v1/repositories/acme/payroll"
    assert index.request("PUT", path, admin, json=[{"id": f"{n:064x}"} for n in range(1_000)]).status == 200
    assert len(index.ids("acme/payroll")) == 1_001
    assert index.request("PUT", "/v1/namespaces/acme/repositories/payroll", admin, json={"private": True}).status == 204
    assert index.request("DELETE", path, admin).status == 202
    assert create(index, "acme/payroll", admin) == 403, "a deleted repository cannot be created again"
    assert index.tables.users.count() == 1


def test_counted_repository_without_an_account_can_be_deleted(index: Index) -> None:
    """An export contains counted repositories. An import without the account must not prevent their deletion."""
    admin = index.create_account("admin", admin=True)
    import_repository(index, "acme/payroll")
    index.tables.images("acme/payroll", "head").update([index.tables.images.charged_bytes.set(70)])
    path = "/v1/repositories/acme/payroll"
    assert index.request("PUT", path, admin, json=[{"id": f"{n:064x}"} for n in range(1_000)]).status == 200
    assert index.request("DELETE", path, admin).status == 202


def test_creation_and_deletion_of_the_account_at_the_same_time(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account is deleted between the login and the transaction of a push."""
    alice, read = index.create_account("alice"), ImageListStore.read

    def read_and_delete(self: ImageListStore, repository: RepositoryName) -> StoredImages:
        stored = read(self, repository)
        monkeypatch.setattr(ImageListStore, "read", read)
        assert index.request("DELETE", "/v1/users/alice", alice).status == 204
        return stored

    monkeypatch.setattr(ImageListStore, "read", read_and_delete)
    assert create(index, "alice/web", alice) == 403
    assert not list(index.tables.repositories.scan())
    assert not list(index.tables.images.scan())


@pytest.mark.parametrize("state", ["missing", "deleted", "deletion started"])
def test_storage_requires_the_account_in_the_transaction(index: Index, state: str) -> None:
    stores = Services(index.settings, index.aws).stores
    if state != "missing":
        alice = index.create_account("alice")
        stores.users.start_deletion("alice")
        if state == "deleted":
            assert index.request("DELETE", "/v1/users/alice", alice).status == 204
    with pytest.raises(AccountUnavailable):
        stores.repositories.create(RepositoryName("alice", "web"), StoredImages(), {})
    assert not list(index.tables.repositories.scan())


def test_account_that_is_deactivated_keeps_its_namespace(index: Index) -> None:
    admin = index.create_account("admin", admin=True)
    index.create_account("alice", active=False)
    assert create(index, "alice/web", admin) == 200


def test_new_account_after_a_deletion_finds_nothing_of_the_former_owner(make_index: Any) -> None:
    index = make_index(reserve_deleted_names=False)
    alice = index.create_account("alice")
    for name in ("web", "api"):
        assert create(index, f"alice/{name}", alice) == 200
    assert index.request("DELETE", "/v1/users/alice", alice).status == 204
    assert register(index, "alice") == 201
    assert index.request("GET", "/v1/repositories/alice/web/images", basic("alice")).status == 404
    assert index.request("GET", "/v1/namespaces/alice/repositories", basic("alice")).json == []
