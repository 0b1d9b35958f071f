"""`waybill export` and `waybill import`."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.admin import table_copy
from infra.admin.export_format import Item
from infra.devserver.moto_aws import read_items
from tests import large
from tests.admin_commands import run
from tests.conftest import create_index
from tests.index import Index, basic

ALICE = basic("alice")
IMAGES = ["aaa", "b" * 64]

CREATED = {"S": "2026-11-24T06:00:00.000000+0000"}
GEN = {"generation": {"S": "0123456789abcdef"}}
ONE = {"administrators": {"N": "1"}, "members": {"N": "1"}}


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def source(module_aws: None) -> Index:
    """An index with items in most tables. Tests do not change it."""
    index = create_index()
    index.create_account("alice", admin=True)
    index.create_account("bobby")
    index.push("alice/web", ALICE, *IMAGES)
    index.push("alice/old", ALICE, "aaa")
    index.request("DELETE", "/v1/repositories/alice/old", ALICE)
    return index


@pytest.fixture(scope="module")
def exported(source: Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of `source`."""
    file = tmp_path_factory.mktemp("export") / "index.jsonl"
    assert run(source, "export", str(file)).status == 0
    return file


@pytest.fixture(scope="module")
def empty_index(module_aws: None) -> Index:
    """An index without items, for imports that fail."""
    return create_index()


@pytest.fixture
def destination(module_aws: None) -> Index:
    """An index without items."""
    return create_index()


@pytest.mark.parametrize(
    ("accounts", "repositories"),
    [(10, 30), pytest.param(large.ACCOUNTS, large.REPOSITORIES, marks=pytest.mark.exhaustive)],
)
def test_exported_and_imported_index_is_equal(
    make_index: Callable[..., Index], tmp_path: Path, accounts: int, repositories: int
) -> None:
    index, other, file = make_index(), make_index(), str(tmp_path / "index.jsonl")
    large.fill(index.aws, index.settings, index.tables, accounts, repositories)
    counts = run(index, "export", file, "--json").json
    assert (counts["users"], counts["repositories"]) == (accounts + accounts // 10, repositories)
    assert run(other, "import", file, "--json", "--yes").json == counts
    assert _sorted_items(other) == _sorted_items(index)
    assert run(other, "doctor", "--json").json == []


def test_export_is_readable_only_by_its_owner_and_leaves_no_other_file(source: Index, tmp_path: Path) -> None:
    file = tmp_path / "index.jsonl"
    file.write_text("previous content")
    file.chmod(0o644)
    assert run(source, "export", str(file)).status == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["index.jsonl"]
    first, *_, last = map(json.loads, file.read_text().splitlines())
    assert first["stack"] == source.settings.stack
    assert last["counts"]["users"] == 2


def test_interrupted_export_leaves_previous_file(
    source: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "index.jsonl"
    file.write_text("previous content")
    scan_items = table_copy.scan_items

    def interrupt(*args: Any) -> Any:
        yield next(scan_items(*args))
        raise Killed

    monkeypatch.setattr(table_copy, "scan_items", interrupt)
    with pytest.raises(Killed):
        run(source, "export", str(file))
    assert file.read_text() == "previous content"
    assert [path.name for path in tmp_path.iterdir()] == ["index.jsonl"]


@pytest.mark.exhaustive
def test_export_and_import_use_standard_streams(source: Index, destination: Index) -> None:
    export = run(source, "export", "-").stdout
    result = run(destination, "import", "-", "--json", "--yes", stdin=export)
    assert result.json["users"] == 2
    assert destination.ids("alice/web") == source.ids("alice/web") == IMAGES
    assert _sorted_items(destination) == _sorted_items(source)


def test_interrupted_import_can_be_repeated(
    source: Index, exported: Path, destination: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_copy, "_BATCH_ITEMS", 3)
    write_batch, writes = table_copy._write_batch, 0

    def interrupt(*args: Any) -> None:
        nonlocal writes
        writes += 1
        if writes == 2:
            raise Killed
        write_batch(*args)

    with monkeypatch.context() as patched:
        patched.setattr(table_copy, "_write_batch", interrupt)
        with pytest.raises(Killed):
            run(destination, "import", str(exported), "--yes")
    for _ in range(2):
        assert run(destination, "import", str(exported), "--yes").status == 0
    assert _sorted_items(destination) == _sorted_items(source)


def test_import_into_index_with_other_data_needs_merge(exported: Path, destination: Index) -> None:
    destination.push("carol/web", destination.create_account("carol"), "ccc")
    before = _sorted_items(destination)
    result = run(destination, "import", str(exported), "--yes")
    assert result.is_readable_error
    assert f"{len(before)} items" in result.stderr
    assert "--merge" in result.stderr
    assert run(destination, "import", str(exported), "--merge", stdin="n\n").status == 1
    assert _sorted_items(destination) == before
    assert run(destination, "import", str(exported), "--merge", "--yes").status == 0
    assert len(run(destination, "users", "list", "--json").json) == 3
    assert destination.ids("carol/web") == ["ccc"]
    assert destination.ids("alice/web") == IMAGES


def test_unprocessed_items_are_sent_again(exported: Path, destination: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    batch_write_item, calls = destination.aws.dynamodb.batch_write_item, 0

    def reject_two_of_three(**parameters: Any) -> Any:
        nonlocal calls
        calls += 1
        return {"UnprocessedItems": parameters["RequestItems"]} if calls % 3 else batch_write_item(**parameters)

    monkeypatch.setattr(destination.aws.dynamodb, "batch_write_item", reject_two_of_three)
    assert run(destination, "import", str(exported), "--yes").status == 0
    assert destination.ids("alice/web") == IMAGES
    monkeypatch.setattr(
        destination.aws.dynamodb,
        "batch_write_item",
        lambda **parameters: {"UnprocessedItems": parameters["RequestItems"]},
    )
    result = run(destination, "import", str(exported), "--yes")
    assert (result.status, result.stdout) == (1, "")


def test_expired_items_are_not_exported(destination: Index) -> None:
    destination.tables.counters("used token abc", expires=1).save()
    destination.tables.counters("used token def", expires=int(time.time()) + 1000).save()
    export = run(destination, "export", "-").stdout
    assert "used token abc" not in export
    assert "used token def" in export


@pytest.mark.parametrize(
    ("change", "keyword"),
    [
        (lambda lines: lines[:-1], "incomplete"),
        (lambda lines: lines[:3] + lines[4:], "counts"),
        (lambda lines: lines[1:], "header"),
        (lambda lines: [], "header"),
        (lambda lines: ["{"], "header"),
        (lambda lines: [lines[0].replace('"version":1', '"version":2'), *lines[1:]], "version 2"),
        (lambda lines: [*lines, lines[1]], "last line"),
        (lambda lines: [lines[0], lines[1][:-9], *lines[2:]], "line 2: "),
        (lambda lines: [lines[0], lines[1].replace('"table":"users"', '"table":"rockets"'), *lines[2:]], "'rockets'"),
        (lambda lines: [lines[0], lines[1].replace('{"S":"alice"}', '{"S":7}'), *lines[2:]], "line 2: "),
        (lambda lines: [lines[0], lines[1].replace('{"S":"alice"}', "{}"), *lines[2:]], "line 2: "),
        (lambda lines: [lines[0], lines[1].replace('"username":', '"name":'), *lines[2:]], "'username'"),
        (lambda lines: [lines[0], '{"table":"users"}', *lines[2:]], "`item`"),
        (lambda lines: [lines[0], "\x00", *lines[2:]], "line 2: "),
    ],
)
def test_invalid_file_gives_readable_error_and_nothing_is_written(
    exported: Path, empty_index: Index, tmp_path: Path, change: Callable[[list[str]], list[str]], keyword: str
) -> None:
    header, *items, counts = exported.read_text().splitlines()
    items.sort(key=lambda line: '"alice"' not in line or '"table":"users"' not in line)
    file = tmp_path / "index.jsonl"
    file.write_text("\n".join(change([header, *items, counts])))
    result = run(empty_index, "import", str(file), "--yes")
    assert result.is_readable_error
    assert keyword in result.stderr
    assert _sorted_items(empty_index) == []


@pytest.mark.parametrize("command", ["import", "export"])
def test_missing_folder_gives_readable_error(empty_index: Index, command: str) -> None:
    result = run(empty_index, command, "/nowhere/index.jsonl")
    assert result.is_readable_error
    assert "/nowhere" in result.stderr


def test_export_does_not_replace_a_pipe(empty_index: Index, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert run(empty_index, "export", str(pipe)).is_readable_error
    assert pipe.is_fifo()


def _sorted_items(index: Index) -> list[str]:
    """Return all items as text, in an order that does not depend on DynamoDB's."""

    def encode(item: Item) -> str:
        return json.dumps(item, sort_keys=True, default=lambda value: value.hex())

    return sorted(map(encode, read_items(index.aws, index.settings)))


def test_import_asks_before_it_creates_an_administrator(source: Index, exported: Path, destination: Index) -> None:
    source.create_account("chief", admin=True)
    assert run(source, "export", str(exported)).status == 0
    assert run(destination, "import", str(exported), stdin="n\n").status == 1
    assert destination.users.get("chief") is None
    assert run(destination, "import", str(exported), stdin="y\n").status == 0
    assert destination.users.get("chief") is not None


@pytest.mark.parametrize(
    ("table", "item"),
    [
        ("users", {"username": {"S": "alice"}, "password_hash": {"S": "$2b$31$" + "a" * 53}, "created": CREATED}),
        ("users", {"username": {"S": "alice"}, "created": CREATED}),
        ("users", {"username": {"S": "Alice!"}, "tombstone": {"BOOL": True}}),
        ("users", {"username": {"S": "alice"}, "tombstone": {"S": "yes"}}),
        ("users", {"username": {"S": "ops"}, "organization": {"BOOL": True}, "created": CREATED}),
        ("users", {"username": {"S": "library"}, "organization": {"BOOL": True}, "created": CREATED, **ONE}),
        ("users", {"username": {"S": "ops"}, "organization": {"BOOL": True}, **ONE}),
        (
            "users",
            {
                "username": {"S": "ops"},
                "organization": {"BOOL": True},
                "created": CREATED,
                "password_hash": {"S": "$2b$04$" + "a" * 53},
                **ONE,
            },
        ),
        ("collaborators", {"of": {"S": "organization Ops"}, "entry": {"S": "bobby"}, "role": {"S": "read"}}),
        ("collaborators", {"of": {"S": "organization ops"}, "entry": {"S": "a"}, "role": {"S": "read"}}),
        ("collaborators", {"of": {"S": "account bobby"}, "entry": {"S": "library/"}, "role": {"S": "read"}}),
        ("collaborators", {"of": {"S": "account bobby"}, "entry": {"S": "alice/web"}, "role": {"S": "read"}}),
        ("users", {"username": {"S": "alice"}, "tombstone": {"BOOL": True}, "colour": {"S": "red"}}),
        ("collaborators", {"of": {"S": "account bobby"}, "entry": {"S": "alice/web"}, "role": {"S": "owner"}, **GEN}),
        ("collaborators", {"of": {"S": "account bobby"}, "entry": {"S": "web"}, "role": {"S": "read"}, **GEN}),
        ("terms", {"bucket": {"S": "public 1 w"}, "entry": {"S": "web 1 alice/web"}}),
        ("terms", {"bucket": {"S": "public 1 w"}, "entry": {"S": "web"}, "rank": {"N": "1"}}),
        ("images", {"repository": {"S": "alice/web"}, "segment": {"S": "elsewhere"}, "packed": {"B": "AQ=="}}),
        ("images", {"repository": {"S": "alice/web"}, "segment": {"S": "head"}}),
        ("repositories", {"namespace": {"S": "alice"}, "name": {"S": "../web"}, "created": CREATED, **GEN}),
        (
            "robots",
            {
                "username": {"S": "alice"},
                "name": {"S": "ci"},
                "role": {"S": "admin"},
                "created": CREATED,
                "token_hash": {"B": "AAAA"},
            },
        ),
    ],
)
def test_import_rejects_an_item_that_the_product_cannot_use(
    empty_index: Index, tmp_path: Path, table: str, item: dict[str, Any]
) -> None:
    file = tmp_path / "export.jsonl"
    header = {"format": "waybill export", "version": 1, "stack": "any", "time": "2026-11-24T06:00:00+00:00"}
    lines = (header, {"table": table, "item": item}, {"counts": {table: 1}})
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = run(empty_index, "import", str(file), "--yes")
    assert result.is_readable_error, result
    assert "line 2" in result.stderr
