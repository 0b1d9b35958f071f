"""Faults in each call to AWS during `waybill import`.

The operator gets a readable error. The previous data is kept, and only items from the file are added. A repetition of
the command completes the import.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from chalicelib.audit_log import log_group
from infra.admin import table_copy
from infra.devserver.moto_aws import read_items
from tests.admin_commands import CommandResult, run
from tests.faults import Fault, Killed, faults_of, intercept_calls
from tests.functional.test_fault_matrix import ExampleIndex
from tests.index import Index
from tests.snapshot import Snapshot

pytestmark = [pytest.mark.exhaustive, pytest.mark.soak]


def run_import(
    index: Index, options: list[str], at: int = -1, fault: Fault | None = None
) -> tuple[CommandResult | None, list[str]]:
    """Run the command, and let call number `at` fail. Return its result, or None if it was killed, and its calls."""
    calls: list[str] = []

    def handle(operation: str, call: Callable[[], Any]) -> Any:
        calls.append(operation)
        return call() if fault is None or len(calls) - 1 != at else fault.inject(operation, call)

    with intercept_calls(index.aws, handle):
        try:
            return run(index, "import", *options), calls
        except Killed:
            return None, calls


def items_of(index: Index) -> set[str]:
    def encode(value: Any) -> str:
        return value.hex() if isinstance(value, bytes) else str(sorted(value))

    return {json.dumps(item, sort_keys=True, default=encode) for item in read_items(index.aws, index.settings)}


@pytest.mark.parametrize("merges", [False, True], ids=["empty index", "index with other data"])
def test_import_with_a_fault_in_each_call_keeps_data_and_can_be_repeated(
    make_index: Callable[..., Index], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merges: bool
) -> None:
    monkeypatch.setattr(table_copy, "_BATCH_ITEMS", 9)
    source, index, file = ExampleIndex(make_index()).index, make_index(), str(tmp_path / "index.jsonl")
    assert run(source, "export", file).status == 0
    logs = botocore.session.get_session().create_client("logs", region_name=index.settings.region)
    logs.create_log_group(logGroupName=log_group(index.settings.stack))
    if merges:
        index.push("carol/web", index.create_account("carol"), "c")
        index.reset_counters()  # the file has a counter with the same key, and an import replaces it
    options = [file, "--yes", *(["--merge"] if merges else [])]
    snapshot, before = Snapshot(index), items_of(index)
    result, calls = run_import(index, options)
    assert result is not None
    assert result.status == 0, result.stderr
    after = items_of(index)
    assert before < after == before | items_of(source)
    outcomes = Counter[str]()
    for at, operation in enumerate(calls):
        for fault in faults_of(operation):
            place = f"call {at} ({operation}) {fault.name}"
            snapshot.restore()
            result, _ = run_import(index, options, at, fault)
            assert result is None or result.is_readable_error, f"{place}: {result}"
            current = items_of(index)
            assert before <= current <= after, place
            outcomes["nothing" if current == before else "all" if current == after else "some"] += 1
            result, _ = run_import(index, options)
            assert result is not None
            assert result.status == 0, f"{place}: the repetition failed: {result.stderr}"
            assert items_of(index) == after, f"{place}: the repetition is incomplete"
    print(f"import {merges=}: {len(calls)} calls, {outcomes.total()} faults, items written: {dict(outcomes)}")
    assert outcomes["some"] > 8
    assert outcomes.total() >= 8 * len(calls)
