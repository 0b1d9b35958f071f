"""`waybill search` and `waybill tags`."""

from typing import Any

import click

from chalicelib.domain.identifiers import LIBRARY
from infra.admin.command import Command
from infra.admin.output import write_rows
from infra.client.index_client import IndexClient
from infra.client.options import account_options

_PAGE_SIZE = 100


@click.command(cls=Command)
@click.argument("query")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Show at most so many results.")
@account_options
def search(query: str, limit: int, index: IndexClient, as_json: bool) -> None:
    """Search the repositories that you can read. QUERY is the beginning of words; '*' finds everything."""
    rows: list[dict[str, Any]] = []
    number, last = 1, 1
    while number <= last and len(rows) < limit:
        page = index.get("v1", "search", q=query, n=_PAGE_SIZE, page=number)
        rows += [_row(result) for result in page["results"]]
        number, last = number + 1, page["num_pages"]
    write_rows(rows[:limit], ("repository", "official", "description"), as_json=as_json)


@click.command(cls=Command)
@click.argument("repository")
@click.option("--newest", is_flag=True, help="Sort by time, the newest first.  [default: by name]")
@account_options
def tags(repository: str, newest: bool, index: IndexClient, as_json: bool) -> None:
    """List the tags of a repository. A name without a namespace is a repository of your own."""
    name = index.parse_repository(repository)
    order = "time" if newest else "name"
    path = ("v1", "namespaces", name.namespace, "repositories", name.name, "tags")
    rows = list(index.pages(*path, order=order))
    write_rows(rows, ("tag", "size", "pushed", "digest", "media_type"), as_json=as_json)


def _row(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result with its full name. The API omits the namespace of official repositories."""
    name: str = result["name"]
    return {
        "repository": name if "/" in name else f"{LIBRARY}/{name}",
        "official": result["is_official"],
        "description": result["description"],
    }
