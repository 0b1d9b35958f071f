"""Export, import and doctor, with a stack of 1,000 accounts and 5,000 repositories and with files that are none."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.admin import table_copy
from infra.devserver import moto_aws as aws
from tests import large
from tests.admin_commands import run
from tests.index import Index

pytestmark = pytest.mark.exhaustive


class PulledPlug(BaseException):
    """The end of a process, wherever it comes."""


@pytest.fixture
def furnished(index: Index) -> Index:
    """A small stack with something in most tables."""
    alice = index.account("alice", admin=True)
    index.account("bobby")
    index.push("alice/web", alice, "aaa", "b" * 64)
    index.push("alice/old", alice, "aaa")
    index.request("DELETE", "/v1/repositories/alice/old", alice)
    return index


def test_a_stack_of_a_thousand_accounts_is_exported_imported_examined_and_equal(
    make_index: Callable[..., Index], tmp_path: Path
) -> None:
    index, other = make_index(), make_index()
    large.fill(index.tables, index.settings)
    exported = run(index, "export", str(tmp_path / "stack.jsonl"), "--json").json
    assert (exported["users"], exported["repositories"]) == (large.ACCOUNTS, large.REPOSITORIES)
    assert run(other, "import", str(tmp_path / "stack.jsonl"), "--json").json == exported
    assert aws.items(other.settings.stack, "us-east-1") == aws.items(index.settings.stack, "us-east-1")
    assert run(other, "doctor", "--json").json == []


def test_an_export_is_for_its_owner_alone_and_leaves_nothing_beside_it(furnished: Index, tmp_path: Path) -> None:
    file = tmp_path / "stack.jsonl"
    file.write_text("what was there before")
    file.chmod(0o644)
    assert run(furnished, "export", str(file)).status == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["stack.jsonl"]
    first, *_, last = map(json.loads, file.read_text().splitlines())
    assert first["stack"] == furnished.settings.stack
    assert last["counts"]["users"] == 2


def test_an_export_that_breaks_off_leaves_the_file_as_it_was(
    furnished: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stack.jsonl"
    file.write_text("what was there before")
    items = table_copy.items

    def cut(index: Any) -> Any:
        yield next(items(index))
        raise PulledPlug

    monkeypatch.setattr(table_copy, "items", cut)
    with pytest.raises(PulledPlug):
        run(furnished, "export", str(file))
    assert file.read_text() == "what was there before"
    assert [path.name for path in tmp_path.iterdir()] == ["stack.jsonl"]


def test_export_and_import_through_pipes(furnished: Index, make_index: Callable[..., Index]) -> None:
    exported = run(furnished, "export", "-")
    other = make_index()
    ran = run(other, "import", "-", "--json", given=exported.out)
    assert ran.json["users"] == 2
    assert other.ids("alice/web") == furnished.ids("alice/web") == ["aaa", "b" * 64]
    assert sorted(run(other, "export", "-").out.splitlines()[1:]) == sorted(exported.out.splitlines()[1:])


def test_an_import_that_breaks_off_can_be_run_again(
    furnished: Index, make_index: Callable[..., Index], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = str(tmp_path / "stack.jsonl"), make_index()
    run(furnished, "export", file)
    monkeypatch.setattr(table_copy, "_BATCH_ITEMS", 3)
    write, writes = table_copy._write, 0

    def breaking(*args: Any) -> None:
        nonlocal writes
        writes += 1
        if writes == 2:
            raise PulledPlug
        write(*args)

    with monkeypatch.context() as patched:
        patched.setattr(table_copy, "_write", breaking)
        with pytest.raises(PulledPlug):
            run(other, "import", file)
    assert run(other, "import", file).status == 0
    assert run(other, "import", file).status == 0, "and again"
    assert sorted(run(other, "export", "-").out.splitlines()[1:]) == sorted(_lines(Path(file)))


def test_an_import_into_a_stack_that_holds_something_else_is_refused_unless_it_is_to_merge(
    furnished: Index, make_index: Callable[..., Index], tmp_path: Path
) -> None:
    file, other = str(tmp_path / "stack.jsonl"), make_index()
    run(furnished, "export", file)
    carol = other.account("carol")
    other.push("carol/web", carol, "ccc")
    refused = run(other, "import", file)
    assert refused.status == 1
    assert f"holds 8 items that {file} does not, the first in users: carol; --merge adds to them" in refused.err
    assert run(other, "import", file, "--merge", given="n\n").status == 1
    assert len(run(other, "users", "list", "--json").json) == 1
    assert run(other, "import", file, "--merge", "--yes").status == 0
    assert len(run(other, "users", "list", "--json").json) == 3
    assert other.ids("carol/web") == ["ccc"]
    assert other.ids("alice/web") == ["aaa", "b" * 64]


def test_what_dynamodb_puts_off_is_sent_again(
    furnished: Index, make_index: Callable[..., Index], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    exported, other = run(furnished, "export", "-").out, make_index()
    batch_write_item, calls = other.aws.dynamodb.batch_write_item, 0

    def reluctant(**sent: Any) -> Any:
        nonlocal calls
        calls += 1
        return {"UnprocessedItems": sent["RequestItems"]} if calls % 3 else batch_write_item(**sent)

    monkeypatch.setattr(other.aws.dynamodb, "batch_write_item", reluctant)
    assert run(other, "import", "-", given=exported).status == 0
    assert other.ids("alice/web") == ["aaa", "b" * 64]
    monkeypatch.setattr(
        other.aws.dynamodb, "batch_write_item", lambda **sent: {"UnprocessedItems": sent["RequestItems"]}
    )
    refused = run(other, "import", "-", given=exported)
    assert refused.status == 1
    assert "DynamoDB keeps putting off" in refused.err


def test_what_is_past_its_time_is_left_out(furnished: Index) -> None:
    furnished.tables.images("spent token abc", "spent", expires=1).save()
    furnished.tables.images("spent token def", "spent", expires=int(time.time()) + 1000).save()
    exported = run(furnished, "export", "-").out
    assert "spent token abc" not in exported
    assert "spent token def" in exported


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: lines[:-1], "ends without its last line"),
        (lambda lines: lines[:3] + lines[4:], "items of"),
        (lambda lines: lines[1:], "is no export of Waybill's"),
        (lambda lines: [], "is no export of Waybill's"),
        (lambda lines: ["{"], "is no export of Waybill's"),
        (lambda lines: [lines[0].replace('"version":1', '"version":2'), *lines[1:]], "is an export of version 2"),
        (lambda lines: [*lines, lines[1]], "more follows"),
        (lambda lines: [lines[0], lines[1][:-9], *lines[2:]], "line 2: "),
        (lambda lines: [lines[0], lines[1].replace('"table":"users"', '"table":"rockets"'), *lines[2:]], "no table 'r"),
        (lambda lines: [lines[0], lines[1].replace('{"S":"alice"}', '{"S":7}'), *lines[2:]], "line 2: Expected `str`"),
        (lambda lines: [lines[0], lines[1].replace('{"S":"alice"}', "{}"), *lines[2:]], "exactly one type"),
        (
            lambda lines: [lines[0], lines[1].replace('"username":', '"name":'), *lines[2:]],
            "needs a text in 'username'",
        ),
        (lambda lines: [lines[0], '{"table":"users"}', *lines[2:]], "line 2: Object missing required field `item`"),
        (lambda lines: [lines[0], "\x00", *lines[2:]], "line 2: "),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_nothing_is_written(
    furnished: Index, make_index: Callable[..., Index], tmp_path: Path, change: Any, said: str
) -> None:
    other, file = make_index(), tmp_path / "stack.jsonl"
    lines = sorted(run(furnished, "export", "-").out.splitlines(), key=lambda line: (not _first(line), _last(line)))
    file.write_text("\n".join(change(lines)))
    ran = run(other, "import", str(file))
    assert (ran.status, ran.out) == (1, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert run(other, "users", "list", "--json").json == []


@pytest.mark.parametrize("command", ["import", "export"])
def test_a_file_that_cannot_be_opened_is_one_sentence(index: Index, command: str) -> None:
    ran = run(index, command, "/nowhere/stack.jsonl")
    assert (ran.status, ran.out) == (1, "")
    assert "/nowhere" in ran.err
    assert len(ran.err.splitlines()) == 1


def test_a_device_is_not_replaced_by_a_file(index: Index, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ran = run(index, "export", str(pipe))
    assert (ran.status, ran.out) == (1, "")
    assert "something else than a file" in ran.err
    assert pipe.is_fifo()


def _lines(file: Path) -> list[str]:
    """An export's items and counts, in an order of their own: DynamoDB's is none."""
    return sorted(file.read_text().splitlines()[1:])


def _first(line: str) -> bool:
    return line.startswith('{"format"')


def _last(line: str) -> tuple[bool, bool]:
    return line.startswith('{"counts"'), '"alice"' not in line or '"table":"users"' not in line
