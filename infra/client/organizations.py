"""`waybill organizations`: manages organisations, for users over HTTP and for operators in the tables."""

from datetime import datetime

import click
from msgspec import Struct

from infra.admin import organizations as operator
from infra.admin.command import Group, confirm, yes_option
from infra.admin.output import write_fields, write_result, write_rows
from infra.admin.target import Target
from infra.client.index_client import IndexClient
from infra.client.options import account_or_operator_options

_PARTLY_DELETED = 202  # the client repeats the request


class OrganizationView(Struct, frozen=True):
    """An organisation as a member sees it."""

    name: str
    members: int
    created: datetime
    access: str


class Membership(Struct, frozen=True):
    """The access of an account to one of its organisations."""

    name: str
    access: str


class Member(Struct, frozen=True):
    """The access of one member."""

    username: str
    access: str


@click.group(cls=Group)
def organizations() -> None:
    """Manage organisations. An organisation is a namespace that belongs to several accounts."""


@organizations.command("list")
@account_or_operator_options
def list_command(index: IndexClient | Target, as_json: bool) -> None:
    """List your organisations, or all organisations for operators."""
    if isinstance(index, Target):
        columns = ("name", "members", "created")
        write_rows(operator.list_organizations(index), columns, noun="organisations", as_json=as_json)
        return
    memberships = index.pages(Membership, "v1", "organizations")
    rows = [{"name": each.name, "access": each.access} for each in memberships]
    write_rows(rows, ("name", "access"), noun="organisations", as_json=as_json)


@organizations.command()
@click.argument("name")
@account_or_operator_options
def show(name: str, index: IndexClient | Target, as_json: bool) -> None:
    """Show an organisation and its members."""
    if isinstance(index, Target):
        fields = operator.describe_organization(index, name)
    else:
        view = index.get(OrganizationView, *_path(name))
        members = index.pages(Member, *_path(name), "members")
        fields = {
            "name": view.name,
            "access": view.access,
            "created": view.created,
            "members": [f"{member.username} ({member.access})" for member in members],
        }
    write_fields(fields, as_json=as_json)


@organizations.command()
@click.argument("name")
@click.option("--administrator", metavar="USERNAME", help="Only for operators: the account that administers it.")
@account_or_operator_options
def create(name: str, administrator: str | None, index: IndexClient | Target, as_json: bool) -> None:
    """Create an organisation. You become its administrator."""
    if isinstance(index, Target):
        operator.create_organization(index, name, administrator)
    elif administrator is not None:
        raise click.UsageError("--administrator is only for operators; your account becomes the administrator")
    else:
        index.change(*_path(name), body=None)
    write_result({"name": name}, f"The organisation {name} is created.", as_json=as_json)


@organizations.command()
@click.argument("name")
@click.argument("username")
@click.option(
    "--access",
    type=click.Choice(["read", "write", "admin"]),
    default="read",
    show_default=True,
    help="What the member may do in all repositories of the organisation.",
)
@account_or_operator_options
def add(name: str, username: str, access: str, index: IndexClient | Target, as_json: bool) -> None:
    """Add a member to an organisation, or change its access."""
    if isinstance(index, Target):
        operator.add_member(index, name, username, access)
    else:
        index.change(*_path(name), "members", username, body={"access": access})
    result = {"name": name, "username": username, "access": access}
    write_result(result, f"{username} has {access} access to {name}.", as_json=as_json)


@organizations.command()
@click.argument("name")
@click.argument("username")
@account_or_operator_options
def remove(name: str, username: str, index: IndexClient | Target, as_json: bool) -> None:
    """Remove a member from an organisation. Members can remove themselves."""
    if isinstance(index, Target):
        operator.remove_member(index, name, username)
    else:
        index.delete(*_path(name), "members", username)
    write_result({"name": name, "username": username}, f"{username} is not a member of {name}.", as_json=as_json)


@organizations.command()
@click.argument("name")
@yes_option
@account_or_operator_options
def delete(name: str, yes: bool, index: IndexClient | Target, as_json: bool) -> None:
    """Delete an organisation with its repositories and robots. Nobody can use its name again."""
    if isinstance(index, Target):
        operator.delete_organization(index, name, yes)
    else:
        index.get(OrganizationView, *_path(name))
        confirm(f"Delete {name} with its repositories and robots on {index.name}?", yes)
        while index.delete(*_path(name)).status == _PARTLY_DELETED:
            pass
    write_result({"name": name}, f"The organisation {name} is deleted.", as_json=as_json)


def _path(name: str) -> tuple[str, ...]:
    return ("v1", "organizations", name)
