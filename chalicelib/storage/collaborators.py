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
from chalicelib.storage.quotas import Quotas, release_quota, use_quota
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
    def put(self, repository: RepositoryName, generation: str, username: str, role: Role, *, is_new: bool) -> None:
        """Give an account a role. `is_new` means that it has none for this generation yet.

        Raises Conflict if the repository no longer exists. Raises AccountUnavailable if the account no longer exists,
        has blocked the owner of the namespace, or has reached its quota of shares.
        """
        images, users = self._tables.images, self._tables.users
        accepts = users.blocked.does_not_exist() | ~users.blocked.contains(repository.namespace)
        with self._tables.transaction() as transaction:
            transaction.update(
                images(str(repository), HEAD),
                [images.shared.set(True)],
                condition=self._images.is_generation(generation, deleted=False),
            )
            amount, maximum = int(is_new), self._quotas.shares + int(not is_new)
            use_quota(transaction, self._tables, username, users.shares, amount, maximum, also=accepts)
            model = self._tables.collaborators
            condition = model.generation != generation if is_new else model.generation == generation
            for item in self._both_keys(repository, username):
                item.role, item.generation = role.word, generation
                transaction.save(item, (model.of.does_not_exist() | condition) if is_new else condition)

    @translate_dynamodb_errors
    def remove(self, repository: RepositoryName, generation: str, username: str) -> None:
        """Remove an account from this generation of a repository, if it is a collaborator."""
        is_generation = self._tables.collaborators.generation == generation
        try:
            with self._tables.transaction() as transaction:
                for item in self._both_keys(repository, username):
                    transaction.delete(item, condition=is_generation)
                release_quota(transaction, self._tables, username, {"shares": 1})
        except Conflict:
            self._remove_without_account(repository, generation, username)

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

    def _remove_without_account(self, repository: RepositoryName, generation: str, username: str) -> None:
        """Delete what remains of a role: the account may no longer exist, or one of the two items may be missing."""
        model = self._tables.collaborators
        for item in self._both_keys(repository, username):
            with suppress(Conflict), raises_conflict():
                item.delete(condition=model.generation == generation)

    def _both_keys(self, repository: RepositoryName, username: str) -> tuple[CollaboratorItem, CollaboratorItem]:
        model = self._tables.collaborators
        return model(_repository(repository), username), model(_account(username), str(repository))


def _repository(repository: RepositoryName) -> str:
    return f"repository {repository}"


def _account(username: str) -> str:
    return f"account {username}"
