"""A short-lived cache of image lists in the memory of one container."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from msgspec import Struct

from chalicelib.domain.identifiers import RepositoryName

_MAX_CACHED = 8  # lists of up to about 10 MB each


class EncodedImageList(Struct, frozen=True):
    """An image list as JSON, with the generation of its repository."""

    json: str
    generation: str


class ImageListCache:
    """Caches the lists that read tokens request.

    A registry presents a read token for each step of a pull, so a popular list is read from one DynamoDB partition
    hundreds of times per second. A cached list can be `seconds` too old, including after a deletion by another
    container. Changes by this container are visible at once. `python -m bench.hot_repository` measures the effect.

    Args:
        seconds: how long a list is cached; 0 disables the cache.
        clock: returns seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lists: OrderedDict[RepositoryName, tuple[float, EncodedImageList]] = OrderedDict()
        self._changes = 0  # the number of invalidations
        self._lock = Lock()

    def get(
        self, repository: RepositoryName, generation: str, load: Callable[[], EncodedImageList]
    ) -> EncodedImageList:
        """Return the cached list of this generation, or load it and cache it."""
        if not self._seconds:
            return load()
        now, changes = self._clock(), self._changes
        expiry, cached = self._lists.get(repository, (0.0, None))
        if cached is not None and now < expiry and cached.generation == generation:
            return cached
        loaded = load()
        with self._lock:
            if changes == self._changes:  # otherwise another thread has changed a list since it was loaded
                self._lists[repository] = (now + self._seconds, loaded)
                self._lists.move_to_end(repository)
            if len(self._lists) > _MAX_CACHED:
                self._lists.popitem(last=False)
        return loaded

    @contextmanager
    def invalidates(self, repository: RepositoryName) -> Iterator[None]:
        """Remove a list before and after a change, whatever its outcome.

        A change that times out may have taken effect. The list must not be cached from a state before it.
        """
        self.invalidate(repository)
        try:
            yield
        finally:
            self.invalidate(repository)

    def invalidate(self, repository: RepositoryName) -> None:
        """Remove a list that has changed or was deleted."""
        with self._lock:
            self._changes += 1
            self._lists.pop(repository, None)
