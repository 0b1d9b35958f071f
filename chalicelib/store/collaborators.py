"""Who shares in repositories that are not their own, written from both sides in one transaction.

    of                          entry
    repository <ns/name>        <username>          who works on it
    account <username>          <ns/name>           what the account works on

Each names the repository's generation: what is left of a share when its repository goes is worth nothing in the next.
"""

from chalicelib.access import Role
from chalicelib.names import RepositoryName
from chalicelib.store.images import HEAD, ImageStore
from chalicelib.store.tables import CollaboratorItem, ConditionFailed, Tables, stored


class CollaboratorStore:
    """Every method raises Unavailable when DynamoDB does not answer."""

    def __init__(self, tables: Tables, images: ImageStore) -> None:
        self._tables = tables
        self._images = images

    @stored
    def role(self, username: str, repository: RepositoryName, generation: str) -> Role:
        """What the account was given in this life of the repository. One consistent GetItem, so that who is taken off
        the list is out at once.
        """
        try:
            item = self._tables.collaborators.get(_account(username), str(repository), consistent_read=True)
        except self._tables.collaborators.DoesNotExist:
            return Role.NONE
        return Role.of(item.role) if item.generation == generation else Role.NONE

    @stored
    def of_repository(self, repository: RepositoryName, generation: str) -> dict[str, Role]:
        """Everybody who shares in this life of the repository."""
        items = self._tables.collaborators.query(_repository(repository), consistent_read=True)
        return {item.entry: Role.of(item.role) for item in items if item.generation == generation}

    @stored
    def of_account(self, username: str, namespace: str | None = None) -> dict[tuple[RepositoryName, str], Role]:
        """What an account shares in, by repository and generation, in one namespace or everywhere."""
        model = self._tables.collaborators
        inside = None if namespace is None else model.entry.startswith(f"{namespace}/")
        return {
            (RepositoryName(*item.entry.split("/")), item.generation): Role.of(item.role)
            for item in model.query(_account(username), inside, consistent_read=True)
        }

    @stored
    def put(self, repository: RepositoryName, generation: str, username: str, role: Role) -> None:
        """Gives an account a role. Raises ConditionFailed when the repository or the account is there no more."""
        images, users = self._tables.images, self._tables.users
        with self._tables.transaction() as write:
            write.update(
                images(str(repository), HEAD),
                [images.shared.set(True)],
                condition=self._images.is_generation(generation, deleted=False),
            )
            write.condition_check(
                users,
                username,
                condition=users.username.exists() & users.gone.does_not_exist() & users.leaving.does_not_exist(),
            )
            for item in self._both_sides(repository, username):
                item.role, item.generation = role.word, generation
                write.save(item)

    @stored
    def remove(self, repository: RepositoryName, generation: str, username: str) -> None:
        """Takes an account off this life of a repository, if it is on it."""
        ours = self._tables.collaborators.generation == generation
        try:
            with self._tables.transaction() as write:
                for item in self._both_sides(repository, username):
                    write.delete(item, condition=ours)
        except ConditionFailed:
            pass  # it is off already, or on a later life's

    @stored
    def forget_repository(self, repository: RepositoryName, generation: str) -> None:
        """Removes what an ended life of a repository leaves."""
        for item in list(self._tables.collaborators.query(_repository(repository), consistent_read=True)):
            if item.generation == generation:
                self.remove(repository, generation, item.entry)

    @stored
    def forget_account(self, username: str) -> None:
        """Removes an account from everything that it shares in."""
        for item in list(self._tables.collaborators.query(_account(username), consistent_read=True)):
            self.remove(RepositoryName(*item.entry.split("/")), item.generation, username)

    def _both_sides(self, repository: RepositoryName, username: str) -> tuple[CollaboratorItem, CollaboratorItem]:
        model = self._tables.collaborators
        return model(_repository(repository), username), model(_account(username), str(repository))


def _repository(repository: RepositoryName) -> str:
    return f"repository {repository}"


def _account(username: str) -> str:
    return f"account {username}"
