"""The sequential model: what an index is between any two steps of it. Everything here is immutable and hashable."""

from dataclasses import dataclass, field, replace
from typing import TypeVar

from chalicelib.domain.roles import Role

T = TypeVar("T")
Pairs = frozenset[tuple[str, T]]  # a mapping that can be hashed
Images = Pairs[str]  # id -> checksum, '' where there is none


def get(pairs: Pairs[T], key: str) -> T | None:
    return next((value for name, value in pairs if name == key), None)


def put(pairs: Pairs[T], key: str, value: T | None) -> Pairs[T]:
    """The same with another value; None takes the key away."""
    others = {pair for pair in pairs if pair[0] != key}
    return frozenset(others if value is None else others | {(key, value)})


@dataclass(frozen=True, slots=True)
class Life:
    """One life of a repository, which ends with its deletion and is remembered until the next begins."""

    generation: str
    images: Images = frozenset()
    private: bool = False
    deleted: bool = False
    confirmed: bool = False
    shares: Pairs[Role] = frozenset()

    def with_images(self, pushed: Images) -> "Life":
        """A checksum replaces the one before it; none replaces nothing."""
        images = self.images
        for image, checksum in pushed:
            if checksum or get(images, image) is None:
                images = put(images, image, checksum)
        return replace(self, images=images)


@dataclass(frozen=True, slots=True)
class Past:
    """A list that was, and may still be answered from a container's memory: `until` when it was true at the latest.

    `since` has the requests that have changed the repository since: their own containers know better.
    """

    repository: str
    generation: str
    images: Images
    until: float
    since: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class World:
    """Everything. Robots are called `account/robot`. Containers remember lists for `memory` seconds."""

    passwords: Pairs[str] = frozenset()
    robots: Pairs[str] = frozenset()
    lives: Pairs[Life] = frozenset()
    past: tuple[Past, ...] = field(default=())
    memory: int = 0

    def with_life(self, repository: str, after: Life, by: int, now: float) -> "World":
        """The world in which a request, number `by`, has brought `repository` to `after` at `now`."""
        before, past = get(self.lives, repository), self.past
        if before is not None and (before.deleted, before.generation, before.images) != (
            after.deleted,
            after.generation,
            after.images,
        ):
            past = tuple(replace(one, since=one.since | {by}) if one.repository == repository else one for one in past)
            if not before.deleted:
                past += (Past(repository, before.generation, before.images, now, frozenset({by})),)
        return replace(self, lives=put(self.lives, repository, after), past=past)
