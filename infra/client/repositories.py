"""`waybill repositories`: manages repositories, for users over HTTP and for operators in the tables."""

from datetime import datetime
from typing import Any

import click
from msgspec import Struct

from chalicelib.domain.identifiers import LIBRARY, RepositoryName
from infra.admin import repositories as operator
from infra.admin.command import Group, confirm, yes_option
from infra.admin.output import write_fields, write_result, write_rows
from infra.admin.target import Target
from infra.client.index_client import IndexClient
from infra.client.options import account_options, account_or_operator_options
from infra.terminal_text import sanitize


class RepositoryView(Struct, frozen=True):
    """A repository as an account sees it."""

    namespace: str
    name: str
    private: bool
    created: datetime
    last_pushed: datetime | None
    tags: int
    access: str
    description: str


class Share(Struct, frozen=True):
    """The access of a collaborator."""

    username: str
    access: str


_COLUMNS = ("repository", "visibility", "last_pushed", "tags", "description")
_access_option = click.option(
    "--access",
    type=click.Choice(["read", "write", "admin"]),
    default="read",
    show_default=True,
    help="What the account may do.",
)


@click.group(cls=Group)
def repositories() -> None:
    """Manage repositories.

    A name without a namespace is a repository of your own. For operators, who use --stage or --local, it is a
    repository in 'library'.
    """


@repositories.command("list")
@click.argument("namespace", required=False)
@account_or_operator_options
def list_command(namespace: str | None, index: IndexClient | Target, as_json: bool) -> None:
    """List the repositories in NAMESPACE. Without it, list your own, or all repositories for operators."""
    if isinstance(index, Target):
        rows = operator.list_repositories(index, namespace)
    else:
        views = index.pages(RepositoryView, "v1", "namespaces", namespace or index.username, "repositories")
        rows = [_row(view) for view in views]
    write_rows(rows, _COLUMNS, noun="repositories", as_json=as_json)


@repositories.command()
@click.argument("repository")
@account_or_operator_options
def show(repository: str, index: IndexClient | Target, as_json: bool) -> None:
    """Show a repository and its collaborators."""
    if isinstance(index, Target):
        fields = operator.describe_repository(index, RepositoryName.parse(repository))
    else:
        name = index.parse_repository(repository)
        fields = _row(index.get(RepositoryView, *_path(name)))
        if fields["access"] == "admin" and name.namespace != LIBRARY:
            shares = index.get(list[Share], *_path(name), "collaborators")
            fields["collaborators"] = [f"{share.username} ({share.access})" for share in shares]
    write_fields(fields, as_json=as_json)


@repositories.command()
@click.argument("repository")
@click.argument("text")
@account_options
def describe(repository: str, text: str, index: IndexClient, as_json: bool) -> None:
    """Set the description of a repository. TEXT '' removes it."""
    name = index.parse_repository(repository)
    index.change(*_path(name), body={"description": text})
    result = {"repository": str(name), "description": text}
    write_result(result, f"{name} has a new description.", as_json=as_json)


@repositories.command()
@click.argument("repository")
@click.argument("visibility", type=click.Choice(["public", "private"]))
@account_options
def visibility(repository: str, visibility: str, index: IndexClient, as_json: bool) -> None:
    """Make a repository public or private."""
    name = index.parse_repository(repository)
    index.change(*_path(name), body={"private": visibility == "private"})
    result = {"repository": str(name), "visibility": visibility}
    write_result(result, f"{name} is {visibility}.", as_json=as_json)


@repositories.command()
@click.argument("repository")
@click.argument("username")
@_access_option
@account_options
def share(repository: str, username: str, access: str, index: IndexClient, as_json: bool) -> None:
    """Share a repository with an account, or change its access."""
    name = index.parse_repository(repository)
    index.change(*_path(name), "collaborators", username, body={"access": access})
    result = {"repository": str(name), "username": username, "access": access}
    write_result(result, f"{username} has {access} access to {name}.", as_json=as_json)


@repositories.command()
@click.argument("repository")
@click.argument("username")
@account_options
def unshare(repository: str, username: str, index: IndexClient, as_json: bool) -> None:
    """Stop sharing a repository with an account."""
    name = index.parse_repository(repository)
    index.delete(*_path(name), "collaborators", username)
    result = {"repository": str(name), "username": username}
    write_result(result, f"{name} is no longer shared with {username}.", as_json=as_json)


@repositories.command()
@click.argument("repository")
@yes_option
@account_or_operator_options
def delete(repository: str, yes: bool, index: IndexClient | Target, as_json: bool) -> None:
    """Delete a repository and all its data in the index.

    Images in a current registry remain there. Standard error says where they are and how to remove them.
    """
    if isinstance(index, Target):
        name = RepositoryName.parse(repository)
        remaining = operator.delete_repository(index, name, yes)
    else:
        name = index.parse_repository(repository)
        index.get(RepositoryView, *_path(name))
        confirm(f"Delete {name} on {index.name}?", yes)
        answer = index.delete("v1", "repositories", name.namespace, name.name)
        remaining = answer.headers.get("X-Waybill-Remaining")
    result = {"repository": str(name), "remaining": remaining}
    write_result(result, f"{name} is deleted.", as_json=as_json)
    if remaining is not None and not as_json:
        click.echo(_describe_remaining(sanitize(remaining)), err=True)


@repositories.command()
@click.argument("repository")
@click.argument("new_name")
@yes_option
@account_or_operator_options
def transfer(repository: str, new_name: str, yes: bool, index: IndexClient | Target, as_json: bool) -> None:
    """Move a repository to another namespace or name.

    You need admin access to the repository, and must be the owner or an administrator of the new namespace. The image
    list, descriptions, visibility and shares are moved. Tokens for the old name become invalid, and the old owner loses
    access. You can repeat an interrupted command. Tags and layers remain in the registries under the old name.
    """
    if isinstance(index, Target):
        source, target = RepositoryName.parse(repository), RepositoryName.parse(new_name)
        operator.transfer_repository(index, source, target, yes)
    else:
        source, target = index.parse_repository(repository), index.parse_repository(new_name)
        index.get(RepositoryView, *_path(source))
        confirm(f"Move {source} to {target} on {index.name}?", yes)
        index.post(*_path(source), "transfer", body={"namespace": target.namespace, "name": target.name})
    result = {"repository": str(source), "new_name": str(target)}
    write_result(result, f"{source} is now {target}", as_json=as_json)


repositories.add_command(operator.reindex)


def _describe_remaining(remaining: str) -> str:
    return (
        f"If it had images in the registry, they remain as {remaining}, and the owner can pull them. To remove them:\n"
        f"1. Log in to the registry, and delete each tag: skopeo delete docker://{remaining}:TAG\n"
        "2. Ask the operator of the registry to run its garbage collection, which removes the layers."
    )


def _path(name: RepositoryName) -> tuple[str, ...]:
    return ("v1", "namespaces", name.namespace, "repositories", name.name)


def _row(view: RepositoryView) -> dict[str, Any]:
    return {
        "repository": f"{view.namespace}/{view.name}",
        "visibility": "private" if view.private else "public",
        "created": view.created,
        "last_pushed": view.last_pushed,
        "tags": view.tags,
        "access": view.access,
        "description": view.description,
    }
