"""`waybill users`: manages accounts."""

import secrets
from typing import Any

import click

from chalicelib.domain.models import User
from infra.admin.audit_log import record
from infra.admin.command import OPERATOR, Group, confirm, index_options, yes_option
from infra.admin.output import progress, write_fields, write_result, write_rows
from infra.admin.scans import list_namespace, list_shares, scan_users
from infra.admin.target import Target
from infra.questions import read_password

_COLUMNS = ("username", "state", "admin", "emails", "created")
_ADJECTIVES = {"active": "active", "admin": "an administrator"}
_stdin_option = click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the password from the first line of standard input.  [default: generate one and print it]",
)


@click.group(cls=Group)
def users() -> None:
    """Manage accounts."""


@users.command("list")
@index_options
def list_command(index: Target, as_json: bool) -> None:
    """List all accounts."""
    rows = sorted(map(_row, scan_users(index)), key=lambda row: str(row["username"]))
    write_rows(rows, _COLUMNS, noun="accounts", as_json=as_json)


@users.command()
@click.argument("username")
@index_options
def show(username: str, index: Target, as_json: bool) -> None:
    """Show an account with its repositories, shared repositories and robots."""
    user = index.services.accounts.show(OPERATOR, username)
    fields = {
        **_row(user),
        "unconfirmed": user.unconfirmed,
        "repositories": [str(repository.name) for repository in list_namespace(index, username)],
        "shared_repositories": [f"{name} ({role.word})" for name, role in list_shares(index, username).items()],
        "robots": [record.robot.name for record in index.services.robots.of_account(username)],
    }
    write_fields(fields, as_json=as_json)


@users.command()
@click.argument("username")
@click.option("--email", required=True, help="Set the email address. It counts as confirmed.")
@click.option("--admin", is_flag=True, help="Make the account an administrator.")
@_stdin_option
@index_options
def create(username: str, email: str, admin: bool, password_stdin: bool, index: Target, as_json: bool) -> None:
    """Create an active account, also if registration is closed."""
    password, generated = _read_password(password_stdin)
    index.services.accounts.create({"username": username, "password": password, "email": email}, admin=admin)
    record(index, "account.registered", username, admin=admin)
    _write(username, "is created", as_json, **generated)


def _add_switch(name: str, method: str, field: str, value: bool, text: str) -> None:
    """Add a command that sets one attribute of an account."""

    @users.command(name, help=text)
    @click.argument("username")
    @index_options
    def switch(username: str, index: Target, as_json: bool) -> None:
        getattr(index.services.accounts, method)(username, value)
        record(index, "account.changed", username, **{field: value})
        _write(username, f"is {'now' if value else 'no longer'} {_ADJECTIVES[field]}", as_json, **{field: value})


for _switch in (
    ("activate", "set_active", "active", True, "Activate an account. It can log in from its next request."),
    ("deactivate", "set_active", "active", False, "Deactivate an account. Its next request is rejected."),
    ("promote", "set_admin", "admin", True, "Make an account an administrator, with all rights everywhere."),
    ("demote", "set_admin", "admin", False, "Make an administrator an ordinary account."),
):
    _add_switch(*_switch)


@users.command("reset-password")
@click.argument("username")
@_stdin_option
@yes_option
@index_options
def reset_password(username: str, password_stdin: bool, index: Target, yes: bool, as_json: bool) -> None:
    """Replace the password of an account. The old password is rejected at once. Robots keep their tokens."""
    index.services.accounts.show(OPERATOR, username)
    password, generated = _read_password(password_stdin)
    confirm(f"Replace the password of {username} on {index.name}?", yes)
    index.services.accounts.set_password(username, password)
    record(index, "account.changed", username, changed=["password"])
    _write(username, "has a new password", as_json, **generated)


@users.command()
@click.argument("username")
@yes_option
@index_options
def delete(username: str, index: Target, yes: bool, as_json: bool) -> None:
    """Delete an account with its repositories, shares and robots.

    The account is blocked first and deleted last, so that you can repeat an interrupted command. Layers remain in the
    registries.
    """
    index.services.accounts.show(OPERATOR, username)
    count = sum(1 for _ in list_namespace(index, username))
    confirm(f"Delete {username} with {count} repositories on {index.name}?", yes)
    with progress() as bar:
        task = bar.add_task("delete", total=None)
        while not index.services.deletion.delete(OPERATOR, username):
            bar.advance(task)
    record(index, "account.deleted", username)
    _write(username, f"is deleted, with {count} repositories", as_json, repositories=count)


def _row(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "state": _state_of(user),
        "admin": user.admin,
        "emails": user.emails,
        "created": user.created,
    }


def _state_of(user: User) -> str:
    if user.deletion_started:
        return "deletion started"
    if user.active:
        return "active"
    return "awaiting confirmation" if user.awaiting_confirmation else "inactive"


def _read_password(from_stdin: bool) -> tuple[str, dict[str, str]]:
    """Return a password, and the field that shows it if it was generated.

    A password is never an argument, because all users of a machine can read the arguments of a process.
    """
    if from_stdin:
        return read_password(), {}
    password = secrets.token_urlsafe(12)
    return password, {"password": password}


def _write(username: str, text: str, as_json: bool, **fields: Any) -> None:
    suffix = f"; password: {fields['password']}" if "password" in fields else ""
    write_result({"username": username, **fields}, f"{username} {text}{suffix}", as_json=as_json)
