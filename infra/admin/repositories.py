"""`waybill repositories`: manages repositories."""

from typing import Any

import click

from chalicelib.domain.identifiers import LIBRARY, RepositoryName, check_namespace
from chalicelib.domain.models import Repository
from infra.admin import search_terms
from infra.admin.audit_log import record
from infra.admin.command import OPERATOR, Group, confirm, index_options, yes_option
from infra.admin.output import progress, write_fields, write_result, write_rows
from infra.admin.scans import list_namespace, scan_repositories
from infra.admin.target import Target
from infra.admin.transfer import Transfer

_COLUMNS = ("repository", "visibility", "created", "description")


@click.group(cls=Group)
def repositories() -> None:
    """Manage repositories. A name without a namespace is a repository in 'library'."""


@repositories.command("list")
@click.argument("namespace", required=False)
@index_options
def list_command(namespace: str | None, index: Target, as_json: bool) -> None:
    """List the repositories in NAMESPACE, or all repositories."""
    matches = scan_repositories(index) if namespace is None else list_namespace(index, check_namespace(namespace))
    rows = [_row(repository) for repository in sorted(matches, key=lambda repository: repository.name)]
    write_rows(rows, _COLUMNS, as_json=as_json)


@repositories.command()
@click.argument("repository")
@index_options
def show(repository: str, index: Target, as_json: bool) -> None:
    """Show a repository, its collaborators and the number of its images."""
    name, services = RepositoryName.parse(repository), index.services
    existing = services.repositories.show(OPERATOR, name).repository
    roles = {} if name.namespace == LIBRARY else services.collaborators.list(OPERATOR, name)
    fields = {
        **_row(existing),
        "images": len(services.lists.read(OPERATOR, name)),
        "collaborators": [f"{username} ({role.word})" for username, role in sorted(roles.items())],
    }
    write_fields(fields, as_json=as_json)


@repositories.command()
@click.argument("repository")
@yes_option
@index_options
def delete(repository: str, index: Target, yes: bool, as_json: bool) -> None:
    """Delete a repository and all its data in the index. Layers remain in the registries."""
    name, services = RepositoryName.parse(repository), index.services
    services.repositories.show(OPERATOR, name)
    confirm(f"Delete {name} on {index.name}?", yes)
    services.repositories.delete(OPERATOR, name, confirmed=True)
    record(index, "repository.deleted", str(name))
    write_result({"repository": str(name)}, f"{name} is deleted", as_json=as_json)


@repositories.command()
@click.argument("repository")
@click.argument("new_name")
@yes_option
@index_options
def transfer(repository: str, new_name: str, index: Target, yes: bool, as_json: bool) -> None:
    """Move a repository to another namespace or name.

    The image list, description, visibility and shares are moved. Tokens for the old name become invalid, and the old
    owner loses access. The old repository is deleted after the new one is complete, so that you can repeat an
    interrupted command. Layers remain in the registries under the old name.
    """
    task = Transfer(index, RepositoryName.parse(repository), RepositoryName.parse(new_name))
    images, is_resumed = task.check()
    note = f" An interrupted transfer has created {task.target} already." if is_resumed else ""
    confirm(f"Move {task.source} with {images} images to {task.target} on {index.name}?{note}", yes)
    task.run()
    record(index, "repository.transferred", str(task.source), new_name=str(task.target))
    result = {"repository": str(task.source), "new_name": str(task.target)}
    write_result(result, f"{task.source} is now {task.target}", as_json=as_json)


@repositories.command()
@index_options
def reindex(index: Target, as_json: bool) -> None:
    """Write missing search terms of all repositories, and delete terms that belong to no repository."""
    errors = search_terms.find_term_errors(index)
    with progress() as bar:
        for repository in bar.track(errors.incomplete, description="write"):
            search_terms.write_terms(index.stores, repository)
        for term in bar.track(errors.stale, description="delete"):
            search_terms.delete_stale_term(index.stores, term)
    result = {"repositories_fixed": len(errors.incomplete), "terms_deleted": len(errors.stale)}
    sentence = f"{len(errors.incomplete)} repositories fixed, {len(errors.stale)} stale terms deleted"
    write_result(result, sentence, as_json=as_json)


def _row(repository: Repository) -> dict[str, Any]:
    return {
        "repository": str(repository.name),
        "visibility": "private" if repository.private else "public",
        "created": repository.created,
        "description": repository.description,
    }
