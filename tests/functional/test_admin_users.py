"""`waybill users`: the commands, and their effects on requests."""

import json
from collections.abc import Callable

import botocore.session
import pytest

from chalicelib.audit_log import log_group
from tests.admin_commands import run
from tests.conftest import create_index
from tests.index import PASSWORD, Index, basic


@pytest.fixture(scope="module")
def shared_index(module_aws: None) -> Index:
    """An index with the account alice, for cases that change nothing."""
    index = create_index()
    index.create_account("alice")
    return index


def login_status(index: Index, username: str, password: str = PASSWORD) -> int:
    return index.request("GET", "/v1/users/", basic(username, password)).status


def test_account_is_created_with_generated_password(index: Index) -> None:
    created = run(index, "users", "create", "alice", "--email", "Alice@Example.com", "--json")
    assert created.status == 0
    assert login_status(index, "alice", created.json["password"]) == 200
    shown = run(index, "users", "show", "alice", "--json").json
    assert shown["emails"] == ["alice@example.com"]
    assert (shown["state"], shown["admin"], shown["unconfirmed"]) == ("active", False, [])


def test_password_from_standard_input_is_not_printed(index: Index) -> None:
    arguments = ("users", "create", "alice", "--email", "a@example.com", "--password-stdin")
    created = run(index, *arguments, stdin="a secret of mine\n")
    assert created.status == 0
    assert "secret" not in created.stdout + created.stderr
    assert login_status(index, "alice", "a secret of mine") == 200


@pytest.mark.parametrize("settings", [{"registration": "closed"}, {"account_activation": "admin"}])
def test_operator_creates_accounts_independently_of_registration(
    make_index: Callable[..., Index], settings: dict[str, str]
) -> None:
    index = make_index(**settings)
    password = run(index, "users", "create", "alice", "--email", "a@example.com", "--json").json["password"]
    assert login_status(index, "alice", password) == 200


@pytest.mark.parametrize(
    ("arguments", "keyword"),
    [
        (("create", "alice", "--email", "other@example.com"), "exists"),
        (("create", "bobby", "--email", "alice@example.com"), "exists"),
        (("create", "library", "--email", "l@example.com"), "exists"),
        (("create", "Bobby", "--email", "bobby@example.com"), "username"),
        (("create", "bobby", "--email", "nowhere"), "email"),
        (("show", "nobody"), "no account"),
        (("show", "No Such Name"), "no account"),
        (("activate", "nobody"), "no account"),
        (("deactivate", "nobody"), "no account"),
        (("promote", "nobody"), "no account"),
        (("demote", "nobody"), "no account"),
        (("reset-password", "nobody", "--yes"), "no account"),
        (("delete", "nobody", "--yes"), "no account"),
    ],
)
def test_invalid_command_gives_readable_error(shared_index: Index, arguments: tuple[str, ...], keyword: str) -> None:
    result = run(shared_index, "users", *arguments)
    assert result.is_readable_error
    assert keyword in result.stderr


def test_deactivated_account_is_rejected_until_it_is_activated(index: Index) -> None:
    index.create_account("alice")
    assert run(index, "users", "deactivate", "alice").status == 0
    assert login_status(index, "alice") == 403
    assert run(index, "users", "show", "alice", "--json").json["state"] == "inactive"
    assert run(index, "users", "activate", "alice").status == 0
    assert login_status(index, "alice") == 200


def test_promoted_account_can_push_to_library_until_it_is_demoted(index: Index) -> None:
    alice = index.create_account("alice")

    def push_status() -> int:
        return index.request("PUT", "/v1/repositories/base/", alice, json=[]).status

    assert push_status() == 403
    assert run(index, "users", "promote", "alice").status == 0
    assert push_status() == 200
    assert run(index, "users", "demote", "alice").status == 0
    assert push_status() == 403


def test_reset_password_replaces_old_password(index: Index) -> None:
    index.create_account("alice")
    result = run(index, "users", "reset-password", "alice", "--yes", "--json")
    assert login_status(index, "alice") == 401
    assert login_status(index, "alice", result.json["password"]) == 200


def test_destructive_commands_need_confirmation(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice)
    for arguments in (
        ("users", "delete", "alice"),
        ("users", "reset-password", "alice"),
        ("repositories", "delete", "alice/web"),
        ("repositories", "transfer", "alice/web", "alice/site"),
    ):
        for answer in ("n\n", ""):
            result = run(index, *arguments, stdin=answer)
            assert result.status == 1
            assert "[y/N]" in result.stderr
            assert "Traceback" not in result.stderr
    assert login_status(index, "alice") == 200
    assert index.ids("alice/web") == []
    assert run(index, "users", "delete", "alice", stdin="y\n").status == 0
    assert login_status(index, "alice") == 401


def test_deleted_account_leaves_no_data(index: Index) -> None:
    alice, bobby = index.create_account("alice"), index.create_account("bobby", admin=True)
    for number in range(3):
        index.push(f"alice/web{number}", alice)
    index.push("bobby/web", bobby, "aaa")
    result = run(index, "users", "delete", "alice", "--yes", "--json")
    assert result.json == {"username": "alice", "repositories": 3}
    assert [user["username"] for user in run(index, "users", "list", "--json").json] == ["bobby"]
    assert [row["repository"] for row in run(index, "repositories", "list", "--json").json] == ["bobby/web"]
    assert not list(index.tables.emails.scan(index.tables.emails.username == "alice"))
    assert run(index, "doctor", "--json").json == []


def test_table_output_neutralizes_markup_and_control_characters(index: Index) -> None:
    alice = index.create_account("alice", admin=True)
    index.push("alice/web", alice)
    item = index.tables.repositories.get("alice", "web")
    item.description = "[red]not markup[/red] \x1b[31mnor colour"
    item.save()
    listed = run(index, "repositories", "list").stdout
    assert "[red]not markup[/red]  [31mnor colour" in listed
    assert "\x1b" not in listed
    users = run(index, "users", "list").stdout.splitlines()
    assert users[0].split("\t")[:4] == ["alice", "active", "yes", "alice@example.com"]


def test_missing_stack_gives_readable_error(shared_index: Index) -> None:
    result = run(shared_index, "users", "list", "--stage", "nowhere")
    assert result.is_readable_error
    assert "--stage" in result.stderr


def test_local_and_stage_exclude_each_other(shared_index: Index) -> None:
    result = run(shared_index, "users", "list", "--stage", "dev", "--local", "http://127.0.0.1:1")
    assert result.status == 2
    assert "--local" in result.stderr


def test_audit_log_contains_operators_changes_and_no_secret(index: Index) -> None:
    logs = botocore.session.get_session().create_client("logs", region_name=index.settings.region)
    logs.create_log_group(logGroupName=log_group(index.settings.stack))
    index.push("alice/web", index.create_account("alice"), "a")
    arguments = ("users", "create", "bobby", "--email", "b@example.com", "--password-stdin")
    run(index, *arguments, stdin="mark-password\n")
    changes = [
        (("users", "deactivate", "bobby"), "account.changed", "bobby"),
        (("users", "activate", "bobby"), "account.changed", "bobby"),
        (("users", "promote", "bobby"), "account.changed", "bobby"),
        (("users", "demote", "bobby"), "account.changed", "bobby"),
        (("users", "reset-password", "bobby", "--yes"), "account.changed", "bobby"),
        (("users", "delete", "bobby", "--yes"), "account.deleted", "bobby"),
        (("repositories", "transfer", "alice/web", "alice/site", "--yes"), "repository.transferred", "alice/web"),
        (("repositories", "delete", "alice/site", "--yes"), "repository.deleted", "alice/site"),
    ]
    for command, _, _ in changes:
        result = run(index, *command)
        assert (result.status, result.stderr) == (0, "")
    output = run(index, "audit", "--json").stdout
    events = [json.loads(line) for line in output.splitlines()]
    assert [(event["event"], event["target"]) for event in events] == [
        ("account.registered", "bobby"),
        *((event, target) for _, event, target in changes),
    ]
    assert all(event["actor"].startswith("arn:aws:") for event in events)
    assert "mark-password" not in output


def test_change_without_audit_log_is_made_with_warning(index: Index) -> None:
    index.create_account("alice")
    result = run(index, "users", "deactivate", "alice")
    assert result.status == 0
    assert result.stderr.startswith("Warning: ")
    assert run(index, "users", "show", "alice", "--json").json["state"] == "inactive"
