"""The sequential model: the state of an index between two steps. Everything here is immutable and hashable."""

from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.domain.roles import Role

T = TypeVar("T")
Pairs = frozenset[tuple[str, T]]  # a mapping that can be hashed
Images = Pairs[str]  # id -> checksum, '' if none is known


def get(pairs: Pairs[T], key: str) -> T | None:
    return next((value for name, value in pairs if name == key), None)


def put(pairs: Pairs[T], key: str, value: T | None) -> Pairs[T]:
    """Return the mapping with another value for `key`. None removes the key."""
    others = {pair for pair in pairs if pair[0] != key}
    return frozenset(others if value is None else others | {(key, value)})


class Generation(Struct, frozen=True):
    """One generation of a repository. A deleted one remains until the repository is created again."""

    id: str
    images: Images = frozenset()
    private: bool = False
    deleted: bool = False
    confirmed: bool = False
    collaborators: Pairs[Role] = frozenset()

    def with_images(self, pushed: Images) -> "Generation":
        """Return the generation after a push. A new checksum replaces an old one; no checksum replaces nothing."""
        images = self.images
        for image, checksum in pushed:
            if checksum or get(images, image) is None:
                images = put(images, image, checksum)
        return replace(self, images=images)


class EarlierList(Struct, frozen=True):
    """A list that has changed since, and that a container may still have in its cache.

    Attributes:
        repository: the full name.
        generation: the generation of the repository.
        images: the list.
        until: the latest time at which this was the list.
        changed_by: the numbers of the operations that have changed the repository since. Their containers have
            invalidated their caches.
    """

    repository: str
    generation: str
    images: Images
    until: float
    changed_by: frozenset[int] = frozenset()


class State(Struct, frozen=True):
    """The state of an index.

    Attributes:
        passwords: username -> password.
        robots: `account/robot` -> token.
        repositories: full name -> the current generation.
        earlier: the lists that caches may still contain.
        cache_seconds: how long a container caches a list.
    """

    passwords: Pairs[str] = frozenset()
    robots: Pairs[str] = frozenset()
    repositories: Pairs[Generation] = frozenset()
    earlier: tuple[EarlierList, ...] = ()
    cache_seconds: int = 0

    def with_repository(self, repository: str, after: Generation, number: int, now: float) -> "State":
        """Return the state after the operation `number` has changed `repository` to `after` at the time `now`."""
        before, earlier = get(self.repositories, repository), self.earlier
        if before is not None and (before.deleted, before.id, before.images) != (
            after.deleted,
            after.id,
            after.images,
        ):
            earlier = tuple(
                replace(entry, changed_by=entry.changed_by | {number}) if entry.repository == repository else entry
                for entry in earlier
            )
            if not before.deleted:
                earlier += (EarlierList(repository, before.id, before.images, now, frozenset({number})),)
        return replace(self, repositories=put(self.repositories, repository, after), earlier=earlier)
