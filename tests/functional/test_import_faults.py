"""An import, with every one of its calls to AWS failing in every way.

The operator gets one sentence; what was there before is there still, and beside it nothing but what the file holds; and
the command, run again, brings about what it was run for.
"""

import copy
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from moto.dynamodb.models import dynamodb_backends

from infra.admin import table_copy, target
from infra.admin.audit_log import log_group
from infra.devserver import moto_aws as aws
from tests.admin_commands import Ran, run
from tests.faults import Fault, Killed, faults_of, intercepted
from tests.functional.test_fault_matrix import ACCOUNT, Rig
from tests.index import Index

pytestmark = pytest.mark.exhaustive


def _import(index: Index, options: list[str], at: int = -1, fault: Fault | None = None) -> tuple[Ran | None, list[str]]:
    """The command, and the calls that it made, of which number `at` fails; None where the process was killed."""
    calls: list[str] = []

    def around(operation: str, call: Callable[[], Any]) -> Any:
        calls.append(operation)
        return call() if fault is None or len(calls) - 1 != at else fault.strike(operation, call)

    with intercepted(index.aws, around):
        try:
            return run(index, "import", *options), calls
        except Killed:
            return None, calls


def _items(index: Index) -> set[str]:
    found = aws.items(index.settings.stack, index.settings.region)
    return {json.dumps(item, sort_keys=True, default=sorted) for item in found}


@pytest.mark.soak
@pytest.mark.parametrize("merges", [False, True], ids=["into an empty stack", "into one that holds something"])
def test_each_call_of_an_import_failing_in_each_way(
    make_index: Callable[..., Index], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, merges: bool
) -> None:
    monkeypatch.setattr(table_copy, "_BATCH_ITEMS", 9)
    source, index, file = Rig(make_index()).index, make_index(), str(tmp_path / "stack.jsonl")
    assert run(source, "export", file).status == 0
    target.deployed(None, index.settings.region).logs.create_log_group(logGroupName=log_group(index.settings.stack))
    if merges:
        index.push("carol/web", index.account("carol"), "c")
    options = [file, "--merge", "--yes"] if merges else [file]
    backend = dynamodb_backends[ACCOUNT][index.settings.region]
    begin, before = copy.deepcopy(backend.tables), _items(index)
    ran, calls = _import(index, options)
    assert ran is not None
    assert ran.status == 0, ran.err
    after = _items(index)
    assert before < after == before | _items(source)
    halves = Counter[str]()
    for at, called in enumerate(calls):
        for fault in faults_of(called):
            where = f"call {at} ({called}) {fault.name}"
            backend.tables = copy.deepcopy(begin)
            ran, _ = _import(index, options, at, fault)
            if ran is not None:
                assert (ran.status, ran.out) == (1, ""), f"{where}: {ran}"
                assert ran.err.startswith("Error: "), f"{where}: {ran.err}"
                assert len(ran.err.splitlines()) == 1, f"{where}: {ran.err}"
            seen = _items(index)
            assert before <= seen <= after, where
            halves["nothing" if seen == before else "all" if seen == after else "some"] += 1
            ran, _ = _import(index, options)
            assert ran is not None
            assert ran.status == 0, f"{where}: the repetition: {ran.err}"
            assert _items(index) == after, f"{where}: not so when run again"
    print(
        f"import {merges=}: {len(calls)} calls, {halves.total()} faults; written until the repetition: {dict(halves)}"
    )
    assert halves["some"] > 8, "it was broken off in its midst"
    assert halves.total() >= 8 * len(calls)
