"""Measures the calls of registries in an index with many tags: `python -m bench.registry_growth`.

An index on moto gets 200 and 20,000 repositories of 50 tags. Then notifications, the catalogue and lists of tags are
measured: their calls to AWS, and their read and write units. It needs 10 GB of memory, so `make bench` omits it.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from bench.aws_cost.meter import measure_usage
from bench.processes import run_in_process
from bench.results import save
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.models import Repository
from chalicelib.settings import Settings
from chalicelib.storage.image_lists import HEAD
from chalicelib.storage.search_terms import SearchTermStore
from infra.admin.export_format import Item
from infra.devserver.moto_aws import load_items, local_aws
from infra.devserver.moto_speed import fast_dynamodb
from tests.index import Index, Response, basic
from tests.registries import SECRET, bearer, create_registry_index

SIZES, TAGS = (200, 20_000), 50
_GENERATION, _CREATED = "0" * 16, datetime(2026, 1, 1, tzinfo=UTC)
_NAMESPACE = "alice"
_NUMBERS = count(1)


def main() -> None:
    """Measure, print and save."""
    results = {str(size): run_in_process(measure, size) for size in SIZES}
    print(f"{'repositories':32}" + "".join(f"{size:>30,}" for size in SIZES))
    for name in results[str(SIZES[0])]:
        rows = (results[str(size)][name] for size in SIZES)
        cells = (f"{len(row['calls'])} calls {row['reads']:g} r {row['writes']:g} w" for row in rows)
        print(f"{name:32}" + "".join(f"{cell:>30}" for cell in cells))
    save("registry_growth", results)


def measure(size: int) -> dict[str, Any]:
    """Measure each request in an index with `size` repositories."""
    with local_aws(), fast_dynamodb():
        index = create_registry_index(lambda **settings: Index(Settings(bcrypt_cost=4, **settings)))
        index.create_account(_NAMESPACE)
        index.create_account("bobby")
        load_items(index.settings, _items(index, size))
        middle = f"{_NAMESPACE}/r{size // 2:05}"
        owner, stranger = bearer(index, basic(_NAMESPACE)), bearer(index, basic("bobby"))
        path = f"/v1/namespaces/{middle.replace('/', '/repositories/')}"
        return {
            "notification, known tag": _measure(index, lambda: _notify(index, "push", middle, "t07")),
            "notification, new tag": _measure(index, lambda: _notify(index, "push", middle, "new")),
            "notification, deletion": _measure(
                index,
                lambda: _notify(index, "delete", middle, "t08"),
                prepare=lambda: _notify(index, "push", middle, "t08"),
            ),
            "catalogue, 100 names, owner": _measure(
                index, lambda: index.request("GET", f"/v2/_catalog?n=100&last={middle}", owner)
            ),
            "catalogue, 100 names, stranger": _measure(
                index, lambda: index.request("GET", f"/v2/_catalog?n=100&last={middle}", stranger)
            ),
            "tags, owner": _measure(index, lambda: index.request("GET", f"{path}/tags", basic(_NAMESPACE))),
            "tags, anonymous": _measure(index, lambda: index.request("GET", f"{path}/tags")),
        }


def _measure(
    index: Index, send: Callable[[], Response], prepare: Callable[[], object] = lambda: None
) -> dict[str, Any]:
    """Measure the second of two equal requests, whose login is cached. `prepare` runs before it."""
    send()
    prepare()
    index.calls.clear()
    with measure_usage(index.aws) as usage:
        response = send()
    assert response.status < 300, response
    return {"calls": list(index.calls), "reads": usage.reads, "writes": usage.writes}


def _notify(index: Index, action: str, repository: str, tag: str) -> Response:
    """Report a push or a deletion, later than the one before. The tag `new` has another name each time."""
    number = next(_NUMBERS)
    name = f"new{number}" if tag == "new" else tag
    target = {"repository": repository, "tag": name, "digest": "sha256:" + "a" * 64, "mediaType": "x", "size": 7}
    timestamp = (_CREATED + timedelta(seconds=number)).isoformat()
    event = {"id": str(number), "timestamp": timestamp, "action": action, "target": target}
    return index.request("POST", "/registries/events", f"Bearer {SECRET}", json={"events": [event]})


def _items(index: Index, size: int) -> Iterator[Item]:
    tables, terms = index.tables, SearchTermStore(index.tables)
    for number in range(size):
        name = RepositoryName(_NAMESPACE, f"r{number:05}")
        repository = Repository(
            name=name, generation=_GENERATION, description="", private=False, created=_CREATED, tags=TAGS
        )
        item = tables.repositories(
            name.namespace, name.name, generation=_GENERATION, private=False, created=_CREATED, tags=TAGS
        )
        yield "repositories", item.serialize()
        yield "images", tables.images(str(name), HEAD, generation=_GENERATION).serialize()
        for term in terms.items(repository):
            yield "terms", term.serialize()
        for tag in range(TAGS):
            digest = f"sha256:{number:032}{tag:032}"
            stored = tables.tags(
                str(name), f"t{tag:02}", generation=_GENERATION, digest=digest, media_type="x", size=500, pushed=tag
            )
            yield "tags", stored.serialize()


if __name__ == "__main__":
    main()
