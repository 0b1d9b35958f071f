"""atheris over what reads tokens and segments (tests/fuzz), for a stated number of inputs from a fixed seed."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INPUTS, INPUTS_OF_SOAK = 50_000, 300_000
MAX_SECONDS = 1800  # for the longer; the shorter takes some
pytestmark = pytest.mark.skipif(
    find_spec("atheris") is None, reason="atheris has no wheel for this Python and machine (requirements-dev.in)"
)


def fuzzed(harness: str, folder: Path, inputs: int, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"tests.fuzz.{harness}", str(inputs), *more],
        env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=MAX_SECONDS,
        check=False,
    )


def tried(done: subprocess.CompletedProcess[str]) -> int:
    found = re.search(r"^stat::number_of_executed_units: (\d+)$", done.stderr, re.MULTILINE)
    assert found is not None, done.stderr
    return int(found[1])


@pytest.mark.parametrize("harness", ["tokens", "segments"])
@pytest.mark.parametrize(
    "inputs",
    [pytest.param(INPUTS, marks=pytest.mark.exhaustive), pytest.param(INPUTS_OF_SOAK, marks=pytest.mark.soak)],
)
def test_nothing_breaks_what_is_promised(tmp_path: Path, harness: str, inputs: int) -> None:
    done = fuzzed(harness, tmp_path, inputs)
    assert done.returncode == 0, done.stdout + done.stderr
    assert tried(done) == inputs
    print(f"{harness}: {inputs} inputs")


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("harness", "said"), [("tokens", "a token says what was not granted"), ("segments", "does not come back")]
)
def test_a_fault_that_was_planted_is_found(tmp_path: Path, harness: str, said: str) -> None:
    done = fuzzed(harness, tmp_path, INPUTS, "planted")
    assert done.returncode != 0
    assert said in done.stdout + done.stderr
    print(f"{harness}: found by input {tried(done)}")
