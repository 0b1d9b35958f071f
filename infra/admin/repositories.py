"""`repositories`: what there is, and what becomes of it."""

from typing import Any

import click

from chalicelib.domain.identifiers import LIBRARY, RepositoryName, check_namespace
from chalicelib.domain.models import Repository
from infra.admin import scans, search_terms
from infra.admin.audit_log import record
from infra.admin.command import OPERATOR, Group, acts_on_an_index, as_json, asks, confirm
from infra.admin.output import progress, write_facts, write_result, write_rows
from infra.admin.target import Target
from infra.admin.transfer import Transfer

_COLUMNS = ("repository", "visibility", "created", "description")


@click.group(cls=Group)
def repositories() -> None:
    """Look after repositories. A name without a namespace is the library's."""


@repositories.command("list")
@click.argument("namespace", required=False)
@acts_on_an_index
@as_json
def list_command(namespace: str | None, index: Target, as_json: bool) -> None:
    """List every repository, or those in NAMESPACE."""
    found = scans.repositories(index) if namespace is None else scans.in_namespace(index, check_namespace(namespace))
    rows = [_row(repository) for repository in sorted(found, key=lambda repository: repository.name)]
    write_rows(rows, _COLUMNS, as_json=as_json)


@repositories.command()
@click.argument("repository")
@acts_on_an_index
@as_json
def show(repository: str, index: Target, as_json: bool) -> None:
    """Show a repository, who shares in it, and how many images its list has."""
    name = RepositoryName.parse(repository)
    services = index.services
    known = services.repositories.show(OPERATOR, name).repository
    shared = {} if name.namespace == LIBRARY else services.collaborators.list(OPERATOR, name)
    facts = {
        **_row(known),
        "images": len(services.lists.read(OPERATOR, name)),
        "collaborators": [f"{username} ({role.word})" for username, role in sorted(shared.items())],
    }
    write_facts(facts, as_json=as_json)


@repositories.command()
@click.argument("repository")
@acts_on_an_index
@asks
@as_json
def delete(repository: str, index: Target, yes: bool, as_json: bool) -> None:
    """Delete a repository: its list, description, shares and terms. Layers in registries stay."""
    name, services = RepositoryName.parse(repository), index.services
    services.repositories.show(OPERATOR, name)
    confirm(f"Delete {name} on {index.name}?", yes)
    services.repositories.delete(OPERATOR, name, confirmed=True)
    record(index, "repository.deleted", str(name))
    write_result({"repository": str(name)}, f"{name} is deleted", as_json=as_json)


@repositories.command()
@click.argument("repository")
@click.argument("new_name")
@acts_on_an_index
@asks
@as_json
def transfer(repository: str, new_name: str, index: Target, yes: bool, as_json: bool) -> None:
    """Move a repository to another namespace, or give it another name.

    Its list, description, visibility and shares move with it; tokens that are out for the old name end. The old owner
    is left with nothing. The new repository is whole before the old one goes, so what is interrupted can be run again.
    Layers in registries stay where they are, under the old name.
    """
    moving = Transfer(index, RepositoryName.parse(repository), RepositoryName.parse(new_name))
    found = moving.check()
    begun = f" {moving.target} is there already, as an interrupted transfer leaves it." if found.begun else ""
    confirm(f"Move {moving.source} with {found.images} images to {moving.target} on {index.name}?{begun}", yes)
    moving.run()
    record(index, "repository.moved", str(moving.source), to=str(moving.target))
    result = {"from": str(moving.source), "to": str(moving.target)}
    write_result(result, f"{moving.source} is {moving.target} now", as_json=as_json)


@repositories.command()
@acts_on_an_index
@as_json
def reindex(index: Target, as_json: bool) -> None:
    """Rebuild the search terms of every repository, and remove those that belong to none."""
    with progress() as bar:
        wrong = search_terms.wrong(index)
        for mend in bar.track(wrong.mends(index), len(wrong.missing) + len(wrong.stray)):
            mend()
    result = {"repositories_mended": len(wrong.missing), "stray_terms_removed": len(wrong.stray)}
    sentence = f"{len(wrong.missing)} repositories lacked terms, {len(wrong.stray)} terms were astray: mended"
    write_result(result, sentence, as_json=as_json)


def _row(repository: Repository) -> dict[str, Any]:
    return {
        "repository": str(repository.name),
        "visibility": "private" if repository.private else "public",
        "created": repository.created,
        "description": repository.description,
    }
