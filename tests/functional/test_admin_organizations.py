"""`waybill organizations` for operators."""

from functools import partial

import pytest

from infra.exit_codes import ExitCode
from tests.admin_commands import run
from tests.index import Index, basic


@pytest.fixture
def filled(index: Index) -> Index:
    """An index with alice and bobby."""
    for name in ("alice", "bobby"):
        index.create_account(name)
    return index


def test_operator_creates_fills_and_deletes_an_organisation(filled: Index) -> None:
    organizations = partial(run, filled, "organizations")
    assert organizations("create", "ops").status == ExitCode.USAGE
    assert organizations("create", "ops", "--administrator", "alice").status == 0
    assert organizations("add", "ops", "bobby", "--access", "write").status == 0
    filled.push("ops/web", basic("bobby"), "a")
    shown = organizations("show", "ops", "--json").json
    assert (shown["members"], shown["robots"]) == (["alice (admin)", "bobby (write)"], [])
    assert [row["name"] for row in organizations("list", "--json").json] == ["ops"]
    assert organizations("remove", "ops", "bobby").status == 0
    assert organizations("remove", "ops", "alice").is_readable_error
    assert organizations("delete", "ops", stdin="n\n").status == ExitCode.FAILURE
    assert organizations("delete", "ops", "--yes").status == 0
    assert run(filled, "repositories", "list", "--json").json == []
    assert organizations("list", "--json").json == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "ops", "--administrator", "nobody"),
        ("create", "alice", "--administrator", "bobby"),
        ("create", "Ops", "--administrator", "bobby"),
        ("show", "missing"),
        ("add", "missing", "bobby"),
        ("remove", "missing", "bobby"),
        ("delete", "missing", "--yes"),
    ],
)
def test_impossible_command_gives_a_readable_error(filled: Index, arguments: tuple[str, ...]) -> None:
    assert run(filled, "organizations", *arguments).is_readable_error
    assert list(filled.tables.collaborators.scan()) == []
