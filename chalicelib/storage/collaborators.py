"""The roles of accounts in repositories of others. Each is stored under both keys in one transaction.

    of                          entry
    repository <ns/name>        <username>
    account <username>          <ns/name>

An item names the generation of the repository. Items of an earlier generation have no effect. Memberships in
organisations are next to the shares of an account (organizations.py), so that one read finds both.
"""

from collections.abc import Iterable
from contextlib import suppress

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import GivenRoles, Role
from chalicelib.storage.image_lists import HEAD, ImageListStore
from chalicelib.storage.quotas import AccountUnavailable, Quotas, is_active_account, release_quota, use_quota
from chalicelib.storage.tables import CollaboratorItem, Tables, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict

MEMBER_SUFFIX = "/"  # the entry of a membership ends with it, and the entry of a share does not


class CollaboratorStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables, images: ImageListStore, quotas: Quotas) -> None:
        self._tables = tables
        self._images = images
        self._quotas = quotas

    @translate_dynamodb_errors
    def get_role(self, username: str, repository: RepositoryName, generation: str) -> Role:
        """Return the role of an account as a collaborator, or as a member of the organisation, whichever is higher.

        One consistent BatchGetItem of two items, so that a removal takes effect at once.
        """
        keys = role_keys(username, repository)
        items = self._tables.collaborators.batch_get(keys, consistent_read=True)
        return highest_role(items, repository, generation)

    @translate_dynamodb_errors
    def of_repository(self, repository: RepositoryName, generation: str) -> dict[str, Role]:
        """Return the collaborators of this generation of a repository."""
        items = self._tables.collaborators.query(_repository(repository), consistent_read=True)
        return {item.entry: Role.parse(item.role) for item in items if item.generation == generation}

    @translate_dynamodb_errors
    def of_account(self, username: str, namespace: str | None = None) -> GivenRoles:
        """Return the roles of an account, in one namespace or in all. One Query; the quotas bound the number."""
        model = self._tables.collaborators
        condition = None if namespace is None else model.entry.startswith(f"{namespace}/")
        repositories: dict[tuple[RepositoryName, str], Role] = {}
        organizations: dict[str, Role] = {}
        for item in model.query(account_key(username), condition, consistent_read=True):
            name, role = RepositoryName(*item.entry.split("/")), Role.parse(item.role)
            if name.name:
                repositories[name, item.generation] = role
            else:
                organizations[name.namespace] = role
        return GivenRoles(repositories, organizations)

    @translate_dynamodb_errors
    def put(self, repository: RepositoryName, generation: str, username: str, role: Role) -> None:
        """Give an account a role, or replace its role.

        A new item is counted for the quota of shares. An item of an earlier generation has been counted before.

        Raises Conflict if the repository no longer exists, or if another request changes the role at the same time.
        Raises AccountUnavailable if the account no longer exists, has blocked the owner of the namespace, or has
        reached its quota of shares.
        """
        images, users, model = self._tables.images, self._tables.users, self._tables.collaborators
        accepts = users.blocked.does_not_exist() | ~users.blocked.contains(repository.namespace)
        existing = {item.of: item.generation for item in self._read(repository, username)}
        with self._tables.transaction() as transaction:
            transaction.update(
                images(str(repository), HEAD),
                [images.shared.set(True)],
                condition=self._images.is_generation(generation, deleted=False),
            )
            if account_key(username) in existing:
                condition = is_active_account(self._tables) & accepts
                transaction.check(users, username, condition=condition, failure=AccountUnavailable())
            else:
                accepts &= users.password_hash.exists()
                use_quota(transaction, self._tables, username, users.shares, 1, self._quotas.shares, also=accepts)
            for key in _keys(repository, username):
                is_unchanged = model.generation == existing[key[0]] if key[0] in existing else model.of.does_not_exist()
                transaction.save(model(*key, role=role.word, generation=generation), is_unchanged)

    @translate_dynamodb_errors
    def remove(self, repository: RepositoryName, generation: str, username: str) -> bool:
        """Remove an account from this generation of a repository. Return whether it was a collaborator."""
        existing = [item for item in self._read(repository, username) if item.generation == generation]
        if not existing:
            return False
        is_counted = any(item.of == account_key(username) for item in existing)
        is_generation = self._tables.collaborators.generation == generation
        try:
            with suppress(Conflict), self._tables.transaction() as transaction:  # another request has removed it
                for item in existing:
                    transaction.delete(item, condition=is_generation)
                release_quota(transaction, self._tables, username, {"shares": int(is_counted)})
        except AccountUnavailable:  # an imported role of an account that does not exist
            for item in existing:
                with suppress(Conflict), raises_conflict():
                    item.delete(condition=is_generation)
        return True

    @translate_dynamodb_errors
    def remove_repository(self, repository: RepositoryName, generation: str) -> None:
        """Remove all collaborators of this generation of a repository."""
        for item in list(self._tables.collaborators.query(_repository(repository), consistent_read=True)):
            if item.generation == generation:
                self.remove(repository, generation, item.entry)

    @translate_dynamodb_errors
    def remove_account(self, username: str, limit: int) -> bool:
        """Remove an account from at most `limit` repositories. Return whether none is left.

        The account must have left all organisations.
        """
        query = self._tables.collaborators.query(account_key(username), limit=limit, consistent_read=True)
        items = list(query)
        for item in items:
            self.remove(RepositoryName(*item.entry.split("/")), item.generation, username)
        return len(items) < limit

    def _read(self, repository: RepositoryName, username: str) -> list[CollaboratorItem]:
        """Return the items of a role. One consistent BatchGetItem."""
        return list(self._tables.collaborators.batch_get(_keys(repository, username), consistent_read=True))


def _keys(repository: RepositoryName, username: str) -> list[tuple[str, str]]:
    return [(_repository(repository), username), (account_key(username), str(repository))]


def _repository(repository: RepositoryName) -> str:
    return f"repository {repository}"


def role_keys(username: str, repository: RepositoryName) -> list[tuple[str, str]]:
    """Return the keys of the roles of an account as a collaborator and as a member of the organisation."""
    of = account_key(username)
    return [(of, str(repository)), (of, repository.namespace + MEMBER_SUFFIX)]


def highest_role(items: Iterable[CollaboratorItem], repository: RepositoryName, generation: str) -> Role:
    """Return the highest role in the items of `role_keys`. A role in an earlier generation has no effect."""
    member = repository.namespace + MEMBER_SUFFIX
    valid = (item for item in items if item.entry == member or item.generation == generation)
    return max((Role.parse(item.role) for item in valid), default=Role.NONE)


def account_key(username: str) -> str:
    """Return the hash key of the roles of an account."""
    return f"account {username}"
