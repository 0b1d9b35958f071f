"""The roles of accounts in repositories of others. Each is stored under both keys in one transaction.

    of                          entry
    repository <ns/name>        <username>
    account <username>          <ns/name>

An item names the generation of the repository. Items of an earlier generation have no effect.
"""

from contextlib import suppress

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Role
from chalicelib.storage.image_lists import HEAD, ImageListStore
from chalicelib.storage.quotas import AccountUnavailable, Quotas, is_active, release_quota, use_quota
from chalicelib.storage.tables import CollaboratorItem, Tables, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict


class CollaboratorStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables, images: ImageListStore, quotas: Quotas) -> None:
        self._tables = tables
        self._images = images
        self._quotas = quotas

    @translate_dynamodb_errors
    def get_role(self, username: str, repository: RepositoryName, generation: str) -> Role:
        """Return the role of an account as a collaborator. One consistent GetItem: a removal takes effect at once."""
        try:
            item = self._tables.collaborators.get(_account(username), str(repository), consistent_read=True)
        except self._tables.collaborators.DoesNotExist:
            return Role.NONE
        return Role.parse(item.role) if item.generation == generation else Role.NONE

    @translate_dynamodb_errors
    def of_repository(self, repository: RepositoryName, generation: str) -> dict[str, Role]:
        """Return the collaborators of this generation of a repository."""
        items = self._tables.collaborators.query(_repository(repository), consistent_read=True)
        return {item.entry: Role.parse(item.role) for item in items if item.generation == generation}

    @translate_dynamodb_errors
    def of_account(self, username: str, namespace: str | None = None) -> dict[tuple[RepositoryName, str], Role]:
        """Return the roles of an account by repository and generation, in one namespace or in all."""
        model = self._tables.collaborators
        condition = None if namespace is None else model.entry.startswith(f"{namespace}/")
        return {
            (RepositoryName(*item.entry.split("/")), item.generation): Role.parse(item.role)
            for item in model.query(_account(username), condition, consistent_read=True)
        }

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
            if _account(username) in existing:
                condition = is_active(self._tables) & accepts
                transaction.check(users, username, condition=condition, failure=AccountUnavailable())
            else:
                use_quota(transaction, self._tables, username, users.shares, 1, self._quotas.shares, also=accepts)
            for key in _keys(repository, username):
                is_unchanged = model.generation == existing[key[0]] if key[0] in existing else model.of.does_not_exist()
                transaction.save(model(*key, role=role.word, generation=generation), is_unchanged)

    @translate_dynamodb_errors
    def remove(self, repository: RepositoryName, generation: str, username: str) -> None:
        """Remove an account from this generation of a repository, if it is a collaborator."""
        existing = [item for item in self._read(repository, username) if item.generation == generation]
        if not existing:
            return
        is_counted = any(item.of == _account(username) for item in existing)
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

    @translate_dynamodb_errors
    def remove_repository(self, repository: RepositoryName, generation: str) -> None:
        """Remove all collaborators of this generation of a repository."""
        for item in list(self._tables.collaborators.query(_repository(repository), consistent_read=True)):
            if item.generation == generation:
                self.remove(repository, generation, item.entry)

    @translate_dynamodb_errors
    def remove_account(self, username: str, limit: int) -> bool:
        """Remove an account from at most `limit` repositories. Return whether none is left."""
        query = self._tables.collaborators.query(_account(username), limit=limit, consistent_read=True)
        items = list(query)
        for item in items:
            self.remove(RepositoryName(*item.entry.split("/")), item.generation, username)
        return len(items) < limit

    def _read(self, repository: RepositoryName, username: str) -> list[CollaboratorItem]:
        """Return the items of a role. One consistent BatchGetItem."""
        return list(self._tables.collaborators.batch_get(_keys(repository, username), consistent_read=True))


def _keys(repository: RepositoryName, username: str) -> list[tuple[str, str]]:
    return [(_repository(repository), username), (_account(username), str(repository))]


def _repository(repository: RepositoryName) -> str:
    return f"repository {repository}"


def _account(username: str) -> str:
    return f"account {username}"
