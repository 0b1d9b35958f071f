"""The tags of repositories in current registries, and the long descriptions of repositories.

A push and a deletion write the item of the tag, if it is older. A deletion leaves a tombstone, which expires. So the
order in which notifications arrive does not matter. Items of an earlier generation of a repository have no effect.

The long description is an item with the key LONG_DESCRIPTION, which sorts before all tags. A repository page reads it
and the tags with one Query; listings of tags skip it.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from pynamodb.expressions.condition import Condition

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.tags import Tag
from chalicelib.storage.image_lists import HEAD, ImageListStore
from chalicelib.storage.tables import Tables, TagItem, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict

LONG_DESCRIPTION = "#description"  # no tag can have this name
NO_GENERATION = "none"  # of a deletion that arrives before the push that creates its repository
TOMBSTONE_SECONDS = 30 * 86_400  # a notification that is later than this can restore a deleted tag
_NANOSECONDS = 1_000_000_000


class TagStore:
    """Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables, images: ImageListStore) -> None:
        self._tables = tables
        self._images = images
        self._tags = tables.tags

    @translate_dynamodb_errors
    def put(self, repository: RepositoryName, generation: str, tag: Tag) -> bool:
        """Store a pushed tag. Return False if a later push or deletion is stored already. One write."""
        model = self._tags
        item = model(
            str(repository),
            tag.name,
            generation=generation,
            digest=tag.digest,
            media_type=tag.media_type,
            size=tag.size,
            pushed=tag.pushed,
        )
        return self._save(item, (model.pushed == tag.pushed) & (model.digest < tag.digest))

    @translate_dynamodb_errors
    def delete(self, repository: RepositoryName, generation: str, name: str, time: int) -> bool:
        """Delete a tag. Return False if a later push or deletion is stored. `time` is in nanoseconds. One write."""
        model, expires = self._tags, time // _NANOSECONDS + TOMBSTONE_SECONDS
        item = model(str(repository), name, generation=generation, deleted=True, pushed=time, expires=expires)
        return self._save(item, (model.pushed == time) & model.deleted.does_not_exist())

    @translate_dynamodb_errors
    def record_push(self, repository: RepositoryName, generation: str, time: int) -> None:
        """Store the time of the last push, in nanoseconds, with the repository. One write."""
        model = self._tables.repositories
        pushed = datetime.fromtimestamp(time / _NANOSECONDS, UTC)
        is_later = (model.generation == generation) & (
            model.last_pushed.does_not_exist() | (model.last_pushed < pushed)
        )
        with suppress(Conflict), raises_conflict():
            model(repository.namespace, repository.name).update([model.last_pushed.set(pushed)], condition=is_later)

    @translate_dynamodb_errors
    def list_page(self, repository: RepositoryName, generation: str, after: str, limit: int) -> list[Tag]:
        """Return up to `limit` tags whose names sort after `after`, by name."""
        tags: list[Tag] = []
        for tag in self._iterate(repository, generation, after):
            tags.append(tag)
            if len(tags) == limit:
                break
        return tags

    @translate_dynamodb_errors
    def list_all(self, repository: RepositoryName, generation: str) -> list[Tag]:
        """Return all tags, by name. One Query for each megabyte, about 5,000 tags."""
        return list(self._iterate(repository, generation, ""))

    @translate_dynamodb_errors
    def read_all(self, repository: RepositoryName, generation: str) -> tuple[list[Tag], str]:
        """Return all tags by name, and the long description. One Query for each megabyte."""
        tags, text = [], ""
        for item in self._tags.query(str(repository), consistent_read=True):
            if item.generation != generation or item.deleted:
                continue
            if item.tag == LONG_DESCRIPTION:
                text = item.text or ""
            else:
                tags.append(_tag_of(item))
        return tags, text

    @translate_dynamodb_errors
    def get_long_description(self, repository: RepositoryName, generation: str) -> str:
        """Return the long description in Markdown, or "". One consistent GetItem."""
        try:
            item = self._tags.get(str(repository), LONG_DESCRIPTION, consistent_read=True)
        except self._tags.DoesNotExist:
            return ""
        return (item.text or "") if item.generation == generation else ""

    @translate_dynamodb_errors
    def put_long_description(self, repository: RepositoryName, generation: str, text: str) -> None:
        """Replace the long description. One transaction. Raises Conflict if the generation no longer exists."""
        exists = self._images.is_generation(generation, deleted=False)
        with self._tables.transaction() as transaction:
            transaction.check(self._tables.images, str(repository), HEAD, condition=exists)
            transaction.save(
                self._tags(str(repository), LONG_DESCRIPTION, generation=generation, text=text or None, pushed=0)
            )

    def _iterate(self, repository: RepositoryName, generation: str, after: str) -> Iterator[Tag]:
        model = self._tags
        condition = model.tag > (after or LONG_DESCRIPTION)
        for item in model.query(str(repository), condition, consistent_read=True):
            if item.generation == generation and not item.deleted:
                yield _tag_of(item)

    def _save(self, item: TagItem, wins_at_same_time: Condition) -> bool:
        """Write an item if the stored one is older. At the same time, a deletion wins, then the larger digest.

        An item of another generation counts as older, except a deletion that arrived before its repository.
        """
        model = self._tags
        is_older = model.tag.does_not_exist() | (model.pushed < item.pushed) | wins_at_same_time
        if item.generation != NO_GENERATION:
            is_older |= (model.generation != item.generation) & (model.generation != NO_GENERATION)
        try:
            with raises_conflict():
                item.save(condition=is_older)
        except Conflict:
            return False
        return True


def _tag_of(item: TagItem) -> Tag:
    return Tag(
        name=item.tag,
        digest=item.digest or "",
        media_type=item.media_type or "",
        size=None if item.size is None else int(item.size),
        pushed=int(item.pushed),
    )
