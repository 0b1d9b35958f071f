"""Repositories: the item that listings read, the head that lists are read by, and the segments under it."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from itertools import groupby

from chalicelib.bootstrap import Stores
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository, RepositoryState
from chalicelib.storage.image_lists import HEAD, segment_prefix, state_of
from chalicelib.storage.segment_codec import pack, unpack_into
from chalicelib.storage.tables import ImagesItem, TermItem
from chalicelib.storage.transactions import Conflict
from infra.admin import scans, search_terms
from infra.admin.checks.finding import Finding
from infra.admin.target import Target


def check_repositories(index: Target) -> Iterator[Finding]:
    """That item and head tell the same of each repository, and that its list can be read."""
    stores = index.stores
    known = {repository.name: repository for repository in scans.repositories(index)}
    lists = stores.tables.images.scan(consistent_read=True)
    for key, items in groupby(lists, key=lambda item: item.repository):
        namespace, slash, name = key.partition("/")
        if slash:  # else a spent token
            repository = RepositoryName(namespace, name)
            yield from _check_list(stores, repository, known.pop(repository, None), list(items))
    for repository, item in known.items():
        yield from _check_list(stores, repository, item, [])


def check_terms(index: Target) -> Iterator[Finding]:
    """That every repository is found by its words, and nothing else is."""
    stores, wrong = index.stores, search_terms.wrong(index)
    for repository in wrong.missing:
        yield Finding(
            str(repository.name),
            "a search does not find it by all of its words",
            "write its terms anew",
            partial(search_terms.complete, stores, repository),
        )
    orphans: dict[str, list[TermItem]] = defaultdict(list)
    for term in wrong.stray:
        orphans[str(search_terms.repository_of(term) or term.entry)].append(term)
    for about, found in orphans.items():
        yield Finding(
            about,
            f"{len(found)} search terms that are not its own lead to it",
            "remove them",
            partial(_remove_terms, stores, found),
        )


def _check_list(
    stores: Stores, name: RepositoryName, item: Repository | None, found: list[ImagesItem]
) -> Iterator[Finding]:
    about = str(name)
    head = next((state_of(entry) for entry in found if entry.segment == HEAD), None)
    if head is None and item is not None:
        yield Finding(
            about, "it has no head, so that nobody can read it", "make one", partial(_restore_head, stores, item)
        )
    elif head is not None and head.deleted and item is not None:
        yield Finding(about, "it was deleted and is still listed", "list it no more", partial(_unlist, stores, item))
    elif head is not None and not head.deleted and item is None:
        yield Finding(about, "it is in no list of repositories", "list it", partial(_list, stores, name, head))
    elif head is not None and item is not None:
        if head.private != item.private:
            yield Finding(
                about, "it is private and public at once", "make it private", partial(_align, stores, item, head)
            )
        elif head.generation != item.generation:
            yield Finding(
                about, "it is listed as an earlier one of its name", "list it anew", partial(_align, stores, item, head)
            )
    generation = head.generation if head is not None else item.generation if item is not None else ""
    yield from _check_segments(stores, name, generation, [entry for entry in found if entry.segment != HEAD])


def _check_segments(
    stores: Stores, name: RepositoryName, generation: str, segments: list[ImagesItem]
) -> Iterator[Finding]:
    ours = segment_prefix(generation)
    orphans = [entry for entry in segments if not entry.segment.startswith(ours) and entry.expires is None]
    if orphans:
        yield Finding(
            str(name),
            f"{len(orphans)} segments of its earlier lives lie about",
            "sweep them away",
            partial(_sweep, stores, name),
        )
    for entry in segments:
        if entry.segment.startswith(ours) and _salvaged(entry.packed) is not None:
            yield Finding(
                str(name),
                f"the segment {entry.segment} of its list is corrupt, so that nobody can read it",
                "keep of it what can be read; the next push brings the rest back",
                partial(_salvage, stores, entry),
            )


def _restore_head(stores: Stores, item: Repository) -> None:
    """Makes the head that the item tells of."""
    images = stores.tables.images
    with suppress(Conflict), stores.tables.transaction() as write:
        write.save(
            images(str(item.name), HEAD, generation=item.generation, private=item.private, shared=True, deleted=False),
            condition=images.segment.does_not_exist(),
        )


def _unlist(stores: Stores, item: Repository) -> None:
    images, repositories, name = stores.tables.images, stores.tables.repositories, item.name
    with suppress(Conflict), stores.tables.transaction() as write:
        write.check(images, str(name), HEAD, condition=images.deleted == True)  # noqa: E712
        write.delete(repositories(name.namespace, name.name), condition=repositories.generation == item.generation)


def _list(stores: Stores, name: RepositoryName, head: RepositoryState) -> None:
    repositories = stores.tables.repositories
    item = repositories(
        name.namespace, name.name, generation=head.generation, private=head.private, created=datetime.now(UTC)
    )
    with suppress(Conflict), stores.tables.transaction() as write:
        write.check(
            stores.tables.images,
            str(name),
            HEAD,
            condition=stores.images.is_generation(head.generation, deleted=False),
        )
        write.save(item, condition=repositories.name.does_not_exist())


def _align(stores: Stores, item: Repository, head: RepositoryState) -> None:
    """The head's generation and the stricter visibility, in both places."""
    images, repositories, name = stores.tables.images, stores.tables.repositories, item.name
    private = item.private or head.private
    with suppress(Conflict), stores.tables.transaction() as write:
        write.update(
            repositories(name.namespace, name.name),
            [repositories.generation.set(head.generation), repositories.private.set(private)],
            condition=(repositories.generation == item.generation) & (repositories.private == item.private),
        )
        write.update(
            images(str(name), HEAD),
            [images.private.set(private)],
            condition=stores.images.is_generation(head.generation, deleted=False),
        )


def _remove_terms(stores: Stores, found: list[TermItem]) -> None:
    for term in found:
        search_terms.remove(stores, term)


def _sweep(stores: Stores, name: RepositoryName) -> None:
    stores.images.delete_segments(name, stores.images.read(name).orphans)


def _salvage(stores: Stores, entry: ImagesItem) -> None:
    """Puts what can be read in the segment's place, or removes it where nothing can."""
    images = stores.tables.images
    unchanged = images.packed == entry.packed
    packed = pack(_salvaged(entry.packed) or {})
    with suppress(Conflict), stores.tables.transaction() as write:
        if packed:
            write.save(images(entry.repository, entry.segment, packed=packed[0]), condition=unchanged)
        else:
            write.delete(images(entry.repository, entry.segment), condition=unchanged)


def _salvaged(packed: bytes) -> dict[str, str] | None:
    """What can be read of a corrupt segment; None for one that is not."""
    images: dict[str, str] = {}
    try:
        unpack_into(images, packed or b"")
    except ValueError:  # CorruptSegmentError, or text that is none
        return images
    return None
