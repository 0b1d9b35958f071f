"""The roles of accounts in repositories of others. Each is stored under both keys in one transaction.

    of                          entry
    repository <ns/name>        <username>
    account <username>          <ns/name>

An item names the generation of the repository. Items of an earlier generation have no effect.
"""

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Role
from chalicelib.storage.image_lists import HEAD, ImageListStore
from chalicelib.storage.tables import CollaboratorItem, Tables, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict


class CollaboratorStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables, images: ImageListStore) -> None:
        self._tables = tables
        self._images = images

    @translate_dynamodb_errors
    def get_role(self, username: str, repository: RepositoryName, generation: str) -> Role:
        """Return the role of an account as a collaborator. One consistent GetItem, so a removal takes effect at once."""
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
        """Give an account a role. Raises Conflict if the repository or the account no longer exists."""
        images, users = self._tables.images, self._tables.users
        with self._tables.transaction() as transaction:
            transaction.update(
                images(str(repository), HEAD),
                [images.shared.set(True)],
                condition=self._images.is_generation(generation, deleted=False),
            )
            transaction.check(
                users,
                username,
                condition=users.username.exists()
                & users.tombstone.does_not_exist()
                & users.deletion_started.does_not_exist(),
            )
            for item in self._both_keys(repository, username):
                item.role, item.generation = role.word, generation
                transaction.save(item)

    @translate_dynamodb_errors
    def remove(self, repository: RepositoryName, generation: str, username: str) -> None:
        """Remove an account from this generation of a repository, if it is a collaborator."""
        is_generation = self._tables.collaborators.generation == generation
        try:
            with self._tables.transaction() as transaction:
                for item in self._both_keys(repository, username):
                    transaction.delete(item, condition=is_generation)
        except Conflict:
            pass  # it was removed already, or belongs to a later generation

    @translate_dynamodb_errors
    def remove_repository(self, repository: RepositoryName, generation: str) -> None:
        """Remove all collaborators of this generation of a repository."""
        for item in list(self._tables.collaborators.query(_repository(repository), consistent_read=True)):
            if item.generation == generation:
                self.remove(repository, generation, item.entry)

    @translate_dynamodb_errors
    def remove_account(self, username: str) -> None:
        """Remove an account from all repositories."""
        for item in list(self._tables.collaborators.query(_account(username), consistent_read=True)):
            self.remove(RepositoryName(*item.entry.split("/")), item.generation, username)

    def _both_keys(self, repository: RepositoryName, username: str) -> tuple[CollaboratorItem, CollaboratorItem]:
        model = self._tables.collaborators
        return model(_repository(repository), username), model(_account(username), str(repository))


def _repository(repository: RepositoryName) -> str:
    return f"repository {repository}"


def _account(username: str) -> str:
    return f"account {username}"
