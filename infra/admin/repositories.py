"""The part of `waybill repositories` for operators."""

from typing import Any

import click

from chalicelib.domain.identifiers import LIBRARY, RepositoryName, check_namespace
from chalicelib.domain.models import Repository
from infra.admin.audit_log import record
from infra.admin.command import OPERATOR, Command, confirm, index_options
from infra.admin.output import progress, write_result
from infra.admin.scans import list_namespace, scan_repositories
from infra.admin.target import Target


def list_repositories(index: Target, namespace: str | None) -> list[dict[str, Any]]:
    """Return the repositories in a namespace, or all repositories, sorted by name."""
    matches = scan_repositories(index) if namespace is None else list_namespace(index, check_namespace(namespace))
    return [_row(repository) for repository in sorted(matches, key=lambda repository: repository.name)]


def describe_repository(index: Target, name: RepositoryName) -> dict[str, Any]:
    """Return a repository with its collaborators and the number of its images. Raises NotFound."""
    services = index.services
    existing = services.repositories.show(OPERATOR, name).repository
    roles = {} if name.namespace == LIBRARY else services.collaborators.list(OPERATOR, name)
    return {
        **_row(existing),
        "images": len(services.lists.read(OPERATOR, name)),
        "collaborators": [f"{username} ({role.word})" for username, role in sorted(roles.items())],
    }


def delete_repository(index: Target, name: RepositoryName, yes: bool) -> str | None:
    """Ask, unless `yes`, and delete a repository. Return the name of its images in the registry. Raises NotFound."""
    repositories = index.services.repositories
    repositories.show(OPERATOR, name)
    confirm(f"Delete {name} on {index.name}?", yes)
    repositories.delete(OPERATOR, name, confirmed=True)
    record(index, "repository.deleted", str(name))
    address = _find_registry(index)
    return f"{address}/{name}" if address else None


def transfer_repository(index: Target, source: RepositoryName, target: RepositoryName, yes: bool) -> None:
    """Ask, unless `yes`, and move a repository. Raises the errors of `Transfers.transfer`."""
    transfers = index.services.transfers
    images, is_resumed = transfers.check(OPERATOR, source, target)
    note = f" An interrupted transfer has created {target} already." if is_resumed else ""
    confirm(f"Move {source} with {images} images to {target} on {index.name}?{note}", yes)
    transfers.transfer(OPERATOR, source, target)
    record(index, "repository.transferred", str(source), new_name=str(target))


@click.command(cls=Command)
@index_options
def reindex(index: Target, as_json: bool) -> None:
    """Write missing search terms of all repositories, and delete terms that belong to no repository."""
    from infra.admin import search_terms  # imports PynamoDB

    errors = search_terms.find_term_errors(index)
    with progress() as bar:
        for repository in bar.track(errors.incomplete, description="write"):
            search_terms.write_terms(index.stores, repository)
        for term in bar.track(errors.stale, description="delete"):
            search_terms.delete_stale_term(index.stores, term)
    result = {"repositories_fixed": len(errors.incomplete), "terms_deleted": len(errors.stale)}
    sentence = f"{len(errors.incomplete)} repositories fixed, {len(errors.stale)} stale terms deleted"
    write_result(result, sentence, as_json=as_json)


def _find_registry(index: Target) -> str:
    """Return the address of the registry, or "" if there is none or the operator cannot read the settings."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        variables = index.local_variables or index.get_function_variables() or {}
    except (BotoCoreError, ClientError):
        return ""
    return variables.get("REGISTRY_ADDRESS") or variables.get("REGISTRIES", "").partition(",")[0].strip()


def _row(repository: Repository) -> dict[str, Any]:
    return {
        "repository": str(repository.name),
        "visibility": "private" if repository.private else "public",
        "created": repository.created,
        "last_pushed": repository.last_pushed,
        "tags": repository.tags,
        "description": repository.description,
    }
