"""`waybill search` and `waybill tags`."""

from datetime import datetime

import click
from msgspec import Struct
from msgspec.structs import asdict

from chalicelib.domain.identifiers import LIBRARY
from infra.admin.command import Command
from infra.admin.output import write_rows
from infra.client.index_client import IndexClient
from infra.client.options import account_options

_PAGE_SIZE = 100


class SearchResult(Struct, frozen=True):
    """A result. The API omits the namespace of official repositories."""

    name: str
    description: str
    is_official: bool


class SearchPage(Struct, frozen=True):
    """A page of results."""

    num_pages: int
    results: list[SearchResult]


class Tag(Struct, frozen=True):
    """A tag. The size is in bytes."""

    tag: str
    size: int | None
    pushed: datetime
    digest: str
    media_type: str


def _shorten_digest(digest: str) -> str:
    """Return the algorithm and the first digits."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm}:{digits[:12]}" if digits else digest


def _shorten_media_type(media_type: str) -> str:
    """Return `oci.image.index.v1` for `application/vnd.oci.image.index.v1+json`."""
    return media_type.removeprefix("application/vnd.").removesuffix("+json")


SHORTENERS = {"digest": _shorten_digest, "media_type": _shorten_media_type}


@click.command(cls=Command)
@click.argument("query")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Show at most so many results.")
@account_options
def search(query: str, limit: int, index: IndexClient, as_json: bool) -> None:
    """Search the repositories that you can read. QUERY is the beginning of words; '*' finds everything."""
    results: list[SearchResult] = []
    number, last = 1, 1
    while number <= last and len(results) < limit:
        page = index.get(SearchPage, "v1", "search", q=query, n=_PAGE_SIZE, page=number)
        results += page.results
        number, last = number + 1, page.num_pages
    rows = [
        {
            "repository": result.name if "/" in result.name else f"{LIBRARY}/{result.name}",
            "official": result.is_official,
            "description": result.description,
        }
        for result in results[:limit]
    ]
    write_rows(rows, ("repository", "official", "description"), noun="repositories", as_json=as_json)


@click.command(cls=Command)
@click.argument("repository")
@click.option("--newest", is_flag=True, help="Sort by time, the newest first.  [default: by name]")
@account_options
def tags(repository: str, newest: bool, index: IndexClient, as_json: bool) -> None:
    """List the tags of a repository. A name without a namespace is a repository of your own."""
    name = index.parse_repository(repository)
    order = "time" if newest else "name"
    path = ("v1", "namespaces", name.namespace, "repositories", name.name, "tags")
    rows = [asdict(tag) for tag in index.pages(Tag, *path, order=order)]
    write_rows(rows, Tag.__struct_fields__, noun="tags", as_json=as_json, shorteners=SHORTENERS)
