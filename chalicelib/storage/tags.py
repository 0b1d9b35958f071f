"""The tags of repositories in current registries, and the long descriptions of repositories.

A push and a deletion write the item of the tag, if it is older. A deletion leaves a tombstone, which expires. So the
order in which notifications arrive does not matter. Items of an earlier generation of a repository have no effect.

The item of the repository counts its tags. A write that adds a tag to the list or takes one away changes the count in
the same transaction. Every write requires that the tag is as it was read, so that repetitions are not counted.

The long description is an item with the key LONG_DESCRIPTION, which sorts before all tags. A repository page reads it
and the tags with one Query; listings of tags skip it.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.domain.tags import Tag
from chalicelib.storage.image_lists import HEAD, ImageListStore
from chalicelib.storage.tables import RepositoryItem, Tables, TagItem, raises_conflict, translate_dynamodb_errors
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
    def put(self, repository: Repository, tag: Tag) -> bool:
        """Store a pushed tag, and the time of the last push. Return False if a later push or deletion is stored.

        One read. Two writes for a known tag, one transaction for a new one. Raises Conflict if the tag or the
        repository has changed since it was read.
        """
        item = self._tags(
            str(repository.name),
            tag.name,
            generation=repository.generation,
            digest=tag.digest,
            media_type=tag.media_type,
            size=tag.size,
            pushed=tag.pushed,
        )
        stored = self._get(item)
        is_newer = _is_newer(item, stored)
        pushed = datetime.fromtimestamp(tag.pushed / _NANOSECONDS, UTC)
        last_pushed = pushed if repository.last_pushed is None or repository.last_pushed < pushed else None
        if is_newer and not _is_listed(stored, repository.generation):
            self._write_and_count(repository, item, stored, 1, last_pushed)
            return True
        if last_pushed is not None:  # first: if the second write fails, the registry repeats the notification
            model, condition = self._tables.repositories, self._is_current(repository, last_pushed)
            with raises_conflict():
                _key(model, repository).update([model.last_pushed.set(last_pushed)], condition=condition)
        if is_newer:
            self._write(item, stored)
        return is_newer

    @translate_dynamodb_errors
    def delete(self, repository: Repository, name: str, time: int) -> bool:
        """Delete a tag. Return False if a later push or deletion is stored. `time` is in nanoseconds.

        One read. One write, or one transaction if the tag was in the list. Raises Conflict as `put` does.
        """
        item = self._create_tombstone(repository.name, repository.generation, name, time)
        stored = self._get(item)
        if not _is_newer(item, stored):
            return False
        if _is_listed(stored, repository.generation):
            self._write_and_count(repository, item, stored, -1)
        else:
            self._write(item, stored)
        return True

    @translate_dynamodb_errors
    def delete_before_creation(self, repository: RepositoryName, name: str, time: int) -> None:
        """Store a deletion that arrives before the push that creates its repository.

        One read and one write. Raises Conflict if the tag has changed since it was read. A repository that is created
        meanwhile needs no check: its push is compared with this deletion by time.
        """
        item = self._create_tombstone(repository, NO_GENERATION, name, time)
        stored = self._get(item)
        if _is_newer(item, stored):
            self._write(item, stored)

    @translate_dynamodb_errors
    def recount(self, repository: RepositoryName) -> None:
        """Correct the number of tags. Nothing happens if the repository is changed or deleted at the same time."""
        model = self._tables.repositories
        try:
            item = model.get(repository.namespace, repository.name, consistent_read=True)
        except model.DoesNotExist:
            return
        total = sum(1 for _ in self._iterate(repository, item.generation, ""))
        is_unchanged = model.tags.does_not_exist() if item.tags is None else model.tags == item.tags
        with suppress(Conflict), raises_conflict():
            item.update([model.tags.set(total)], condition=(model.generation == item.generation) & is_unchanged)

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
            if item.tag == LONG_DESCRIPTION and item.generation == generation:
                text = item.text or ""
            elif _is_listed(item, generation):
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
            if _is_listed(item, generation):
                yield _tag_of(item)

    def _get(self, item: TagItem) -> TagItem | None:
        """Return the stored item with the key of `item`. One consistent GetItem."""
        try:
            return self._tags.get(item.repository, item.tag, consistent_read=True)
        except self._tags.DoesNotExist:
            return None

    def _create_tombstone(self, repository: RepositoryName, generation: str, name: str, time: int) -> TagItem:
        expires = time // _NANOSECONDS + TOMBSTONE_SECONDS
        return self._tags(str(repository), name, generation=generation, deleted=True, pushed=time, expires=expires)

    def _write(self, item: TagItem, stored: TagItem | None) -> None:
        """Replace an item without an effect on the count."""
        with raises_conflict():
            item.save(condition=self._is_unchanged(stored))

    def _write_and_count(
        self,
        repository: Repository,
        item: TagItem,
        stored: TagItem | None,
        change: int,
        last_pushed: datetime | None = None,
    ) -> None:
        model = self._tables.repositories
        actions: list[Action] = [model.tags.add(change)]
        if last_pushed is not None:
            actions.append(model.last_pushed.set(last_pushed))
        with self._tables.transaction() as transaction:
            transaction.save(item, self._is_unchanged(stored))
            transaction.update(_key(model, repository), actions, self._is_current(repository, last_pushed))

    def _is_current(self, repository: Repository, last_pushed: datetime | None) -> Condition:
        """Return the condition that the repository has this generation, and no push after `last_pushed`."""
        model = self._tables.repositories
        condition: Condition = model.generation == repository.generation
        if last_pushed is not None:
            condition &= model.last_pushed.does_not_exist() | (model.last_pushed < last_pushed)
        return condition

    def _is_unchanged(self, stored: TagItem | None) -> Condition:
        model = self._tags
        condition: Condition = model.tag.does_not_exist()
        if stored is not None:
            condition = (model.generation == stored.generation) & (model.pushed == stored.pushed)
            condition &= model.deleted.exists() if stored.deleted else model.deleted.does_not_exist()
            if stored.digest is not None:
                condition &= model.digest == stored.digest
        return condition


def _is_newer(item: TagItem, stored: TagItem | None) -> bool:
    """Return whether an item replaces the stored one. At the same time, a deletion wins, then the larger digest.

    An item of another generation counts as older, except a deletion that arrived before its repository.
    """
    if stored is None:
        return True
    if item.generation != NO_GENERATION and stored.generation not in (item.generation, NO_GENERATION):
        return True
    if stored.pushed != item.pushed:
        return bool(stored.pushed < item.pushed)
    if stored.deleted:
        return False
    return bool(item.deleted) or (stored.digest or "") < (item.digest or "")


def _is_listed(item: TagItem | None, generation: str) -> bool:
    return item is not None and item.generation == generation and not item.deleted


def _key(model: type[RepositoryItem], repository: Repository) -> RepositoryItem:
    return model(repository.name.namespace, repository.name.name)


def _tag_of(item: TagItem) -> Tag:
    return Tag(
        name=item.tag,
        digest=item.digest or "",
        media_type=item.media_type or "",
        size=None if item.size is None else int(item.size),
        pushed=int(item.pushed),
    )
