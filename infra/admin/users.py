"""`users`: who has an account, and what becomes of it."""

import secrets
import sys
from typing import Any

import click

from chalicelib.domain.models import User
from infra.admin import scans
from infra.admin.audit_log import record
from infra.admin.command import OPERATOR, Group, acts_on_an_index, as_json, asks, confirm
from infra.admin.output import progress, write_facts, write_result, write_rows
from infra.admin.target import Target

_COLUMNS = ("username", "state", "administrator", "emails", "created")


@click.group(cls=Group)
def users() -> None:
    """Look after accounts."""


@users.command("list")
@acts_on_an_index
@as_json
def list_command(index: Target, as_json: bool) -> None:
    """List every account."""
    rows = sorted(map(_row, scans.users(index)), key=lambda row: str(row["username"]))
    write_rows(rows, _COLUMNS, as_json=as_json)


@users.command()
@click.argument("username")
@acts_on_an_index
@as_json
def show(username: str, index: Target, as_json: bool) -> None:
    """Show an account, and what is its."""
    services = index.services
    user = services.accounts.show(OPERATOR, username)
    facts = {
        **_row(user),
        "unconfirmed": user.unconfirmed,
        "repositories": [str(repository.name) for repository in scans.in_namespace(index, username)],
        "shared_with_it": [f"{name} ({role.word})" for name, role in scans.shares(index, username).items()],
        "robots": [stored.robot.name for stored in services.robots.of_account(username)],
    }
    write_facts(facts, as_json=as_json)


@users.command()
@click.argument("username")
@click.option("--email", required=True, help="Its address, taken as confirmed.")
@click.option("--admin", is_flag=True, help="Make it an administrator.")
@click.option("--password-stdin", is_flag=True, help="Read its password from standard input, instead of making one.")
@acts_on_an_index
@as_json
def create(username: str, email: str, admin: bool, password_stdin: bool, index: Target, as_json: bool) -> None:
    """Create an account that can sign in at once, whether registration is open or not."""
    password, made = _password(password_stdin)
    index.services.accounts.create({"username": username, "password": password, "email": email}, admin=admin)
    record(index, "account.registered", username, admin=admin)
    _tell_password(username, "created", password if made else None, as_json)


@users.command()
@click.argument("username")
@acts_on_an_index
@as_json
def activate(username: str, index: Target, as_json: bool) -> None:
    """Let an account in, from its next request on."""
    index.services.accounts.set_active(username, True)
    record(index, "account.changed", username, active=True)
    _tell(username, "can sign in", as_json)


@users.command()
@click.argument("username")
@acts_on_an_index
@as_json
def deactivate(username: str, index: Target, as_json: bool) -> None:
    """Shut an account out, from its next request on. Everything that is its stays."""
    index.services.accounts.set_active(username, False)
    record(index, "account.changed", username, active=False)
    _tell(username, "is shut out", as_json)


@users.command()
@click.argument("username")
@acts_on_an_index
@as_json
def promote(username: str, index: Target, as_json: bool) -> None:
    """Make an account an administrator, who may do everything everywhere."""
    index.services.accounts.set_admin(username, True)
    record(index, "account.changed", username, admin=True)
    _tell(username, "is an administrator", as_json)


@users.command()
@click.argument("username")
@acts_on_an_index
@as_json
def demote(username: str, index: Target, as_json: bool) -> None:
    """Make an administrator an account like any other."""
    index.services.accounts.set_admin(username, False)
    record(index, "account.changed", username, admin=False)
    _tell(username, "is no administrator", as_json)


@users.command("reset-password")
@click.argument("username")
@click.option("--password-stdin", is_flag=True, help="Read the new one from standard input, instead of making one.")
@acts_on_an_index
@asks
@as_json
def reset_password(username: str, password_stdin: bool, index: Target, yes: bool, as_json: bool) -> None:
    """Replace an account's password. The old one is worth nothing at once; robots keep theirs."""
    index.services.accounts.show(OPERATOR, username)
    password, made = _password(password_stdin)
    confirm(f"Replace the password of {username} on {index.name}?", yes)
    index.services.accounts.set_password(username, password)
    record(index, "account.changed", username, changed=["password"])
    _tell_password(username, "has a new password", password if made else None, as_json)


@users.command()
@click.argument("username")
@acts_on_an_index
@asks
@as_json
def delete(username: str, index: Target, yes: bool, as_json: bool) -> None:
    """Delete an account with all it owns: repositories, shares and robots.

    The account is shut first and its name goes last. What is interrupted can be run again. Layers in registries stay.
    """
    services = index.services
    services.accounts.show(OPERATOR, username)
    owned = sum(1 for _ in scans.in_namespace(index, username))
    confirm(f"Delete {username} with its {owned} repositories on {index.name}?", yes)
    with progress() as bar:
        task = bar.add_task("delete", total=None)
        while not services.deletion.delete(OPERATOR, username):
            bar.advance(task)
    record(index, "account.deleted", username)
    _tell(username, f"is deleted, with {owned} repositories", as_json, repositories=owned)


def _row(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "state": _state(user),
        "administrator": user.admin,
        "emails": user.emails,
        "created": user.created,
    }


def _state(user: User) -> str:
    if user.deletion_started:
        return "leaving"
    if user.active:
        return "active"
    return "to be confirmed" if user.awaiting_confirmation else "inactive"


def _password(from_stdin: bool) -> tuple[str, bool]:
    """A password, and whether it was made here. Never an argument: those are for everybody on the machine to see."""
    if not from_stdin:
        return secrets.token_urlsafe(12), True
    return sys.stdin.readline().rstrip("\r\n"), False


def _tell(username: str, what: str, as_json: bool, **more: Any) -> None:
    write_result({"username": username, **more}, f"{username} {what}", as_json=as_json)


def _tell_password(username: str, what: str, password: str | None, as_json: bool) -> None:
    if password is None:
        _tell(username, what, as_json)
    else:
        _tell(username, f"{what}; the password is {password}", as_json, password=password)
