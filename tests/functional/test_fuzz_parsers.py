"""Runs the fuzzers of tokens and segments (`tests/fuzz`) with a fixed number of inputs from a fixed seed."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INPUTS, SOAK_INPUTS = 50_000, 300_000
TIMEOUT_SECONDS = 1800
pytestmark = pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris has no wheel for this Python and machine (requirements-dev.in)"
)


def run_fuzzer(fuzzer: str, folder: Path, inputs: int, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"tests.fuzz.{fuzzer}", str(inputs), *options],
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )


def count_inputs(completed: subprocess.CompletedProcess[str]) -> int:
    match = re.search(r"^stat::number_of_executed_units: (\d+)$", completed.stderr, re.MULTILINE)
    assert match is not None, completed.stderr
    return int(match[1])


@pytest.mark.parametrize("fuzzer", ["fuzz_tokens", "fuzz_segments"])
@pytest.mark.parametrize(
    "inputs",
    [pytest.param(INPUTS, marks=pytest.mark.exhaustive), pytest.param(SOAK_INPUTS, marks=pytest.mark.soak)],
)
def test_no_input_violates_a_property(tmp_path: Path, fuzzer: str, inputs: int) -> None:
    completed = run_fuzzer(fuzzer, tmp_path, inputs)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert count_inputs(completed) == inputs
    print(f"{fuzzer}: {inputs} inputs")


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("fuzzer", "message"),
    [
        ("fuzz_tokens", "a token allows something that was not granted"),
        ("fuzz_segments", "packing has changed the list"),
    ],
)
def test_planted_fault_is_detected(tmp_path: Path, fuzzer: str, message: str) -> None:
    completed = run_fuzzer(fuzzer, tmp_path, INPUTS, "fault")
    assert completed.returncode != 0
    assert message in completed.stdout + completed.stderr
    print(f"{fuzzer}: detected by input {count_inputs(completed)}")
