"""`python -m infra users`: what an operator does to accounts, and what their owners see of it."""

import json

import botocore.session
import pytest

from tests.admin_commands import run
from tests.index import PASSWORD, Index, basic

pytestmark = pytest.mark.exhaustive


def signs_in(index: Index, username: str, password: str = PASSWORD) -> int:
    return index.request("GET", "/v1/users/", basic(username, password)).status


def test_an_account_is_created_with_a_password_that_is_shown_once(index: Index) -> None:
    made = run(index, "users", "create", "alice", "--email", "Alice@Example.com", "--json")
    assert made.status == 0
    assert signs_in(index, "alice", made.json["password"]) == 200
    shown = run(index, "users", "show", "alice", "--json").json
    assert shown["emails"] == ["alice@example.com"]
    assert (shown["state"], shown["administrator"], shown["unconfirmed"]) == ("active", False, [])


def test_a_password_can_come_from_standard_input_and_is_then_not_repeated(index: Index) -> None:
    made = run(
        index, "users", "create", "alice", "--email", "a@example.com", "--password-stdin", given="a secret of mine\n"
    )
    assert made.status == 0
    assert "secret" not in made.out + made.err
    assert signs_in(index, "alice", "a secret of mine") == 200


def test_an_operator_may_create_accounts_where_registration_is_closed_or_waits(make_index: object) -> None:
    for settings in ({"registration": "closed"}, {"account_activation": "admin"}):
        index = make_index(**settings)  # type: ignore[operator]
        password = run(index, "users", "create", "alice", "--email", "a@example.com", "--json").json["password"]
        assert signs_in(index, "alice", password) == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "alice", "--email", "other@example.com"), "Username or email already exists"),
        (("create", "bobby", "--email", "alice@example.com"), "Username or email already exists"),
        (("create", "Bobby", "--email", "bobby@example.com"), "a username is 4 to 30"),
        (("create", "bobby", "--email", "nowhere"), "an email is an address"),
        (("create", "library", "--email", "l@example.com"), "Username or email already exists"),
        (("show", "nobody"), "user not found"),
        (("activate", "nobody"), "user not found"),
        (("deactivate", "nobody"), "user not found"),
        (("promote", "nobody"), "user not found"),
        (("demote", "nobody"), "user not found"),
        (("reset-password", "nobody", "--yes"), "user not found"),
        (("delete", "nobody", "--yes"), "user not found"),
        (("show", "No Such Name"), "user not found"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_status_1(index: Index, arguments: tuple[str, ...], said: str) -> None:
    index.account("alice")
    ran = run(index, "users", *arguments)
    assert ran.status == 1
    assert ran.out == ""
    assert ran.err.startswith("Error: ")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


def test_deactivated_is_out_with_the_next_request_and_activated_is_in(index: Index) -> None:
    index.account("alice")
    assert run(index, "users", "deactivate", "alice").out == "alice is shut out\n"
    assert signs_in(index, "alice") == 403
    assert run(index, "users", "show", "alice", "--json").json["state"] == "inactive"
    assert run(index, "users", "activate", "alice").status == 0
    assert signs_in(index, "alice") == 200


def test_promoted_may_write_to_the_library_and_demoted_may_not(index: Index) -> None:
    alice = index.account("alice")

    def pushes(name: str) -> int:
        return index.request("PUT", f"/v1/repositories/{name}/", alice, json=[]).status

    assert pushes("base") == 403
    assert run(index, "users", "promote", "alice").status == 0
    assert pushes("base") == 200
    assert run(index, "users", "demote", "alice").status == 0
    assert pushes("base") == 403


def test_a_reset_password_replaces_the_old_one(index: Index) -> None:
    index.account("alice")
    made = run(index, "users", "reset-password", "alice", "--yes", "--json")
    assert signs_in(index, "alice") == 401
    assert signs_in(index, "alice", made.json["password"]) == 200


def test_what_is_destructive_asks_and_no_is_no(index: Index) -> None:
    alice = index.account("alice")
    index.push("alice/web", alice)
    for arguments in (
        ("users", "delete", "alice"),
        ("users", "reset-password", "alice"),
        ("repositories", "delete", "alice/web"),
        ("repositories", "transfer", "alice/web", "alice/site"),
    ):
        for answer in ("n\n", ""):
            ran = run(index, *arguments, given=answer)
            assert ran.status == 1
            assert "[y/N]" in ran.err
            assert "Traceback" not in ran.err
    assert signs_in(index, "alice") == 200
    assert index.ids("alice/web") == []
    assert run(index, "users", "delete", "alice", given="y\n").status == 0
    assert signs_in(index, "alice") == 401


def test_a_deleted_account_takes_all_it_owns_with_it(index: Index) -> None:
    alice, bobby = index.account("alice"), index.account("bobby")
    for number in range(3):
        index.push(f"alice/web{number}", alice)
    index.push("bobby/web", bobby, "aaa")
    ran = run(index, "users", "delete", "alice", "--yes")
    assert ran.out == "alice is deleted, with 3 repositories\n"
    assert [user["username"] for user in run(index, "users", "list", "--json").json] == ["bobby"]
    assert [row["repository"] for row in run(index, "repositories", "list", "--json").json] == ["bobby/web"]
    assert not list(index.tables.emails.scan(index.tables.emails.username == "alice"))
    assert run(index, "doctor", "--json").json == [
        {
            "about": "the index",
            "problem": "nobody is its administrator",
            "remedy": "users promote makes an account one",
            "can_be_mended": False,
            "mended": False,
        }
    ]


def test_people_get_a_table_that_a_description_cannot_disturb(index: Index) -> None:
    alice = index.account("alice", admin=True)
    index.push("alice/web", alice)
    item = index.tables.repositories.get("alice", "web")
    item.description = "[red]not markup[/red] \x1b[31mnor colour"
    item.save()
    listed = run(index, "repositories", "list").out
    assert "[red]not markup[/red]  [31mnor colour" in listed
    assert "\x1b" not in listed
    users = run(index, "users", "list").out.splitlines()
    assert users[0].split() == ["username", "state", "administrator", "emails", "created"]
    assert users[1].split()[:4] == ["alice", "active", "yes", "alice@example.com"]


def test_a_stack_that_is_not_there_is_one_sentence(index: Index) -> None:
    ran = run(index, "users", "list", "--stage", "nowhere")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "Error: a table of this stack is not there: is it deployed, and are --stage and --region right?\n"


def test_local_and_a_stage_exclude_each_other(index: Index) -> None:
    ran = run(index, "users", "list", "--stage", "dev", "--local", "http://127.0.0.1:1")
    assert ran.status == 2
    assert "--local says which index is meant" in ran.err


def test_what_an_operator_changes_is_in_the_journal_with_who_did_it(index: Index) -> None:
    group = f"/aws/lambda/{index.settings.stack}"
    logs = botocore.session.get_session().create_client("logs", region_name=index.settings.region)
    logs.create_log_group(logGroupName=group)
    index.account("alice")
    index.push("alice/web", basic("alice", PASSWORD), "a")
    run(index, "users", "create", "bobby", "--email", "b@example.com", "--password-stdin", given="mark-password\n")
    for *command, event, on in (
        ("users", "deactivate", "bobby", "account.changed", "bobby"),
        ("users", "activate", "bobby", "account.changed", "bobby"),
        ("users", "promote", "bobby", "account.changed", "bobby"),
        ("users", "demote", "bobby", "account.changed", "bobby"),
        ("users", "reset-password", "bobby", "--yes", "account.changed", "bobby"),
        ("users", "delete", "bobby", "--yes", "account.deleted", "bobby"),
        ("repositories", "transfer", "alice/web", "alice/site", "--yes", "repository.moved", "alice/web"),
        ("repositories", "delete", "alice/site", "--yes", "repository.deleted", "alice/site"),
    ):
        ran = run(index, *command)
        assert (ran.status, ran.err) == (0, "")
        told = json.loads(run(index, "audit", "--json").out.splitlines()[-1])
        assert (told["event"], told["on"]) == (event, on)
        assert told["who"].startswith("arn:aws:")
    said = run(index, "audit", "--json").out
    assert '"event": "account.registered"' in said
    assert "mark-password" not in said


def test_a_change_that_the_journal_cannot_be_told_of_is_made_and_the_operator_told(index: Index) -> None:
    index.account("alice")
    ran = run(index, "users", "deactivate", "alice")
    assert ran.status == 0
    group = f"/aws/lambda/{index.settings.stack}"
    assert ran.err == f"Not noted in the journal {group}: it is not there; is the index deployed?\n"
    assert run(index, "users", "show", "alice", "--json").json["state"] == "inactive"
