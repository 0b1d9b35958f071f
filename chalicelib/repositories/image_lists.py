"""Reading and extending image lists."""

from chalicelib.domain.errors import PermissionDenied, TooLarge
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.image_list import check_image_count, encode_image_list, find_changes, merge_images
from chalicelib.domain.models import RepositoryState
from chalicelib.domain.roles import Grant, Principal, Role, TokenScope
from chalicelib.repositories.authorization import Authorization, Authorized
from chalicelib.repositories.conflicts import retry_on_conflict
from chalicelib.repositories.image_list_cache import EncodedImageList, ImageListCache
from chalicelib.request_log import annotate, may_take_effect
from chalicelib.storage.image_list_writer import ImageListWriter
from chalicelib.storage.image_lists import ImageListStore, StoredImages
from chalicelib.storage.quotas import AccountUnavailable
from chalicelib.storage.segment_codec import pack
from chalicelib.storage.transactions import Conflict

MAX_PACKED_BYTES = 3_500_000  # a list must fit into one transaction (4 MB), and its JSON into 6 MB


class ImageLists:
    """The operations of clients and registries on image lists.

    A principal is a Principal (Basic or anonymous) or a Grant (a verified token for this repository). Methods raise the
    errors of `Authorization.authorize`, and Unavailable if the storage does not answer.
    """

    def __init__(
        self, store: ImageListStore, writer: ImageListWriter, authorization: Authorization, cache: ImageListCache
    ) -> None:
        self._store = store
        self._writer = writer
        self._authorization = authorization
        self._cache = cache

    def read(self, principal: Principal | Grant, repository: RepositoryName) -> dict[str, str]:
        """Return the list. One Query, and one GetItem more for everyone except the owner."""
        return self._read(principal, repository).stored.merged()

    def read_with_role(self, principal: Principal, repository: RepositoryName) -> tuple[dict[str, str], Role]:
        """Return what `read` returns, and the role of the principal. For a collaborator one BatchGetItem more."""
        authorized = self._read(principal, repository)
        role = self._authorization.find_role(principal, repository, authorized.state)
        return authorized.stored.merged(), role

    def read_encoded(self, principal: Principal | Grant, repository: RepositoryName) -> EncodedImageList:
        """Return the list as JSON. Only answers to read tokens are cached: a write token must see its own push."""

        def load() -> EncodedImageList:
            authorized = self._read(principal, repository)
            return EncodedImageList(encode_image_list(authorized.stored.merged()), authorized.state.generation)

        if isinstance(principal, Grant) and principal.scope is TokenScope.READ:
            return self._cache.get(repository, principal.generation, load)
        return load()

    def contains_image(self, principal: Principal | Grant, repository: RepositoryName, image_id: str) -> bool:
        """Return whether the list contains this image. Raises PermissionDenied for a delete token."""
        if isinstance(principal, Grant) and principal.scope is TokenScope.DELETE:
            raise PermissionDenied("a delete token does not allow reading layers")
        authorized = self._authorization.authorize(principal, repository, Role.READ)
        return self._store.contains(repository, authorized.state.generation, image_id)

    def update(self, principal: Principal | Grant, repository: RepositoryName, images: dict[str, str]) -> str:
        """Merge `images` into the list, and return the generation of the repository.

        Existing ids remain, and new checksums are stored. Entries that are stored already are not written again.
        Raises TooLarge.
        """

        def attempt() -> str:
            authorized = self._authorization.authorize_list(principal, repository, Role.WRITE)
            self.merge(repository, authorized.stored, images)
            return authorized.state.generation

        return retry_on_conflict(attempt)

    def merge(self, repository: RepositoryName, stored: StoredImages, images: dict[str, str]) -> None:
        """Write the entries of `images` that change the existing list `stored`.

        Raises TooLarge. Raises Conflict if the list has changed since it was read in a way that matters.
        """
        existing = stored.merged()
        changes = find_changes(existing, images)
        if not changes:
            self._writer.reclaim(repository, stored)
            return
        check_size(merge_images(existing, changes))
        replaces = any(existing.get(image_id) for image_id in changes)
        with self._cache.invalidates(repository):
            try:
                with may_take_effect(Conflict, AccountUnavailable):
                    compacted = self._writer.append(repository, stored, changes, replaces=replaces)
            except AccountUnavailable:
                raise TooLarge("the account has reached its quota of stored image lists; delete a repository") from None
        if compacted:
            annotate(CompactedSegments=compacted)

    def ensure_exists(self, grant: Grant) -> None:
        """Raise NotFound or InvalidToken if the repository of a token no longer exists. One GetItem."""
        authorized = self._authorization.authorize(grant, grant.repository, Role.READ)
        self._confirm_deletion(grant.repository, authorized.state)

    def _read(self, principal: Principal | Grant, repository: RepositoryName) -> Authorized:
        authorized = self._authorization.authorize_list(principal, repository, Role.READ)
        self._confirm_deletion(repository, authorized.state)
        return authorized

    def _confirm_deletion(self, repository: RepositoryName, state: RepositoryState) -> None:
        """Record that a registry has presented a delete token. The deletion is then complete."""
        if state.deleted and not state.confirmed:
            self._store.confirm_deletion(repository, state.generation)


def check_size(images: dict[str, str]) -> None:
    """Raise TooLarge if the list has too many entries, or if its response would exceed Lambda's limit."""
    check_image_count(images)
    upper_bound = sum(map(len, images)) + sum(map(len, images.values())) + 8 * len(images)
    if upper_bound > MAX_PACKED_BYTES and sum(map(len, pack(images))) > MAX_PACKED_BYTES:
        raise TooLarge("the ids and checksums are too long for a list with this many images")
