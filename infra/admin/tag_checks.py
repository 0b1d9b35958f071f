"""The check of `waybill doctor` for the number of tags of each repository."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.storage.tags import LONG_DESCRIPTION
from infra.admin.finding import Finding
from infra.admin.target import Target

_ATTRIBUTES = ["repository", "tag", "generation", "deleted"]


def check_tags(index: Target) -> Iterator[Finding]:
    """Check that each repository counts its tags. A repository from before the count has no number."""
    tables, listed = index.stores.tables, Counter[tuple[str, str]]()
    for item in tables.tags.scan(consistent_read=True, attributes_to_get=_ATTRIBUTES):
        if item.tag != LONG_DESCRIPTION and not item.deleted:
            listed[item.repository, item.generation] += 1
    for repository in tables.repositories.scan(consistent_read=True):
        name, counted = RepositoryName(repository.namespace, repository.name), int(repository.tags or 0)
        total = listed[str(name), repository.generation]
        if counted != total:
            fix = partial(index.stores.tags.recount, name)
            problem = f"it counts {counted} tags, but has {total}"
            yield Finding("tag-count-wrong", f"repository {name}", problem, "count the tags again", fix)
