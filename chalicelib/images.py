"""The image list: check, merge and read."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TypeVar

import msgspec

from chalicelib.access import Access, Caller, Role, role_of
from chalicelib.errors import BadRequest, Forbidden, TooLarge, Unavailable
from chalicelib.names import LIBRARY, RepositoryName, is_checksum, is_image_id
from chalicelib.permissions import Permissions
from chalicelib.store.images import Head, ImageStore, StoredImages
from chalicelib.store.packing import pack
from chalicelib.store.tables import ConditionFailed
from chalicelib.tokens import Grant

IMAGES_AT_MOST = 30_000
RACE_ATTEMPTS = 5  # losing this often means that the repository is created and deleted in a loop
_REMEMBERED_AT_MOST = 8  # lists of up to some 10 MB
PACKED_BYTES_AT_MOST = 3_500_000  # one transaction, and a reply of less than Lambda's 6 MB

T = TypeVar("T")


class ImageEntry(msgspec.Struct, frozen=True):
    """One entry of a list as clients send it. They add `Tag`, which is the registry's business and not kept."""

    id: str
    checksum: str | None = None


@dataclass(frozen=True)
class ImageList:
    """A repository's list (id -> checksum, '' where there is none) in its current generation."""

    images: dict[str, str]
    generation: str

    @cached_property
    def json(self) -> str:
        """As clients read it. Written out here, for ids and checksums have no character that JSON escapes (`names.py`),
        and an object for each of 30,000 images first would double the time.
        """
        entries = (
            f'{{"id":"{image_id}","checksum":"{checksum}"}}' if checksum else f'{{"id":"{image_id}"}}'
            for image_id, checksum in self.images.items()
        )
        return f"[{','.join(entries)}]"


class ImageLists:
    """What clients and registries do with lists. Every method raises Unavailable when the store does not answer.

    An asker is a Caller (Basic, or nobody) or a Grant (a checked token for this very repository).

    A registry shows a read token at each step of each pull, so a list that everybody pulls is read from one partition
    hundreds of times a second. With `memory`, in seconds, what a read token sees may be so old, a deletion elsewhere
    included; what this container itself writes is seen at once. Everybody else's answers are always fresh: a write
    token must see its own push. `python -m bench.hot` shows what it is worth.
    """

    def __init__(
        self, store: ImageStore, permissions: Permissions, *, memory: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._permissions = permissions
        self._memory = memory
        self._clock = clock
        self._remembered: OrderedDict[RepositoryName, tuple[float, ImageList]] = OrderedDict()
        self._changes = 0  # made here, of any list
        self._lock = Lock()

    def read(self, asker: Caller | Grant, repository: RepositoryName) -> ImageList:
        """The list. One Query, or none where it is remembered; a GetItem more for an account that does not own it, or
        nobody. Raises what `Permissions.admit` does.
        """
        if not self._memory or not isinstance(asker, Grant) or asker.access is not Access.READ:
            return self._read(asker, repository)
        now, changes = self._clock(), self._changes
        until, remembered = self._remembered.get(repository, (0.0, None))
        if remembered is not None and now < until and remembered.generation == asker.generation:
            return remembered
        found = self._read(asker, repository)
        with self._lock:
            if changes == self._changes:  # or another thread has changed it since it was read
                self._remembered[repository] = (now + self._memory, found)
                self._remembered.move_to_end(repository)
            if len(self._remembered) > _REMEMBERED_AT_MOST:
                self._remembered.popitem(last=False)
        return found

    def forget(self, repository: RepositoryName) -> None:
        """What is remembered of a list that has changed or gone."""
        with self._lock:
            self._changes += 1
            self._remembered.pop(repository, None)

    def has(self, asker: Caller | Grant, repository: RepositoryName, image_id: str) -> bool:
        """Whether the list has this image. Raises as `read` does, and Forbidden for a delete token."""
        if isinstance(asker, Grant) and asker.access is Access.DELETE:
            raise Forbidden("a delete token does not read layers")
        return image_id in self._read(asker, repository).images

    def update(self, asker: Caller | Grant, repository: RepositoryName, images: dict[str, str]) -> ImageList:
        """Merges `images` into the list: ids stay, checksums fill in. What is there already is not written again.

        Raises what `Permissions.admit` does, and TooLarge.
        """

        def attempt() -> ImageList:
            stored, head = self.admitted(asker, repository, Role.WRITE)
            return ImageList(self.merge(repository, stored, images), head.generation)

        return undisturbed(attempt)

    def admitted(self, asker: Caller | Grant, repository: RepositoryName, needed: Role) -> tuple[StoredImages, Head]:
        """What is stored, and its head, for who may do what takes `needed`. Raises what `Permissions.admit` does.

        Whom the repository's own word may refuse is judged by its head first, one GetItem more: read with the list, the
        time of the refusal would say how long the list is, and so that there is one.
        """
        judged = None
        by_head = isinstance(asker, Caller) and role_of(asker, repository, private=True) < needed
        if by_head and repository.namespace != LIBRARY:
            judged = self._permissions.admit(asker, repository, self._store.head(repository), needed)
        stored = self._store.read(repository)
        if judged is None or judged != stored.head:
            judged = self._permissions.admit(asker, repository, stored.head, needed)
        return stored, judged

    def merge(self, repository: RepositoryName, stored: StoredImages, images: dict[str, str]) -> dict[str, str]:
        """Appends to a living list what `images` changes in it, and gives the merged list. Raises TooLarge, and
        ConditionFailed when the list has changed in a way that matters since it was read.
        """
        known = stored.merged()
        fresh = {
            image_id: checksum
            for image_id, checksum in images.items()
            if image_id not in known or (checksum and known[image_id] != checksum)
        }
        if fresh:
            replaces = any(known.get(image_id) for image_id in fresh)
            known.update(fresh)
            check_size(known)
            self._store.append(repository, stored, fresh, replaces=replaces)
            self.forget(repository)
        return known

    def vouch(self, grant: Grant) -> None:
        """That the repository a token is for still lives. One GetItem. Raises NotFound and InvalidToken."""
        head = self._permissions.admit(grant, grant.repository, self._store.head(grant.repository), Role.READ)
        self._note_deletion(grant.repository, head)

    def _read(self, asker: Caller | Grant, repository: RepositoryName) -> ImageList:
        stored, head = self.admitted(asker, repository, Role.READ)
        self._note_deletion(repository, head)
        return ImageList(stored.merged(), head.generation)

    def _note_deletion(self, repository: RepositoryName, head: Head) -> None:
        """A delete token that a registry shows completes the deletion, as far as an index can know."""
        if head.deleted and not head.confirmed:
            self._store.confirm_deletion(repository, head.generation)


def undisturbed(attempt: Callable[[], T]) -> T:
    """Tries again when somebody else changed the repository between its reading and its writing."""
    for _ in range(RACE_ATTEMPTS):
        try:
            return attempt()
        except ConditionFailed:
            continue
    raise Unavailable("the repository is being changed by others right now; try again in a moment")


def checked(entries: Iterable[ImageEntry]) -> dict[str, str]:
    """A list as clients send it, where an id comes once per tag. Raises BadRequest and TooLarge."""
    images: dict[str, str] = {}
    for entry in entries:
        if not is_image_id(entry.id):
            raise BadRequest("an image id is 1 to 64 of a-z and 0-9")
        checksum = entry.checksum or ""
        if checksum and not is_checksum(checksum):
            raise BadRequest("a checksum is sha256:…, tarsum+sha256:…, tarsum.v1+sha256:… or a bare digest")
        if checksum and images.get(entry.id, checksum) not in ("", checksum):
            raise BadRequest(f"image {entry.id} comes twice with different checksums")
        images[entry.id] = checksum or images.get(entry.id, "")
    check_size(images)
    return images


def check_size(images: dict[str, str]) -> None:
    """Raises TooLarge for a list that no reply could carry."""
    if len(images) > IMAGES_AT_MOST:
        raise TooLarge(f"a repository's list has at most {IMAGES_AT_MOST} images; this would be {len(images)}")
    characters = sum(map(len, images)) + sum(map(len, images.values())) + 8 * len(images)  # never less than it packs to
    if characters > PACKED_BYTES_AT_MOST and sum(map(len, pack(images))) > PACKED_BYTES_AT_MOST:
        raise TooLarge("the list's ids and checksums are too long for this many images")
