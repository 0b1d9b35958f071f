"""Checks that the unit tests detect changed code: `make mutation`.

mutmut makes one change at a time in the modules that pyproject.toml lists, and runs their unit tests. Each mutant that
survives must be explained in docs/development/mutants.md. An explanation names the function, the original line and the
changed line, so that changes in other lines do not affect it.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXPLANATIONS = ROOT / "docs" / "development" / "mutants.md"
TIMEOUT_SECONDS = 1800
_DETECTED = ("killed", "timeout")  # a timeout is an endless loop

Mutant = tuple[str, str, str]  # the function, the original line, the changed line


def main() -> None:
    """Run mutmut, and print the counts and the problems. Exit with status 1 if there are any."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    subprocess.run([sys.executable, "-m", "mutmut", "run"], cwd=ROOT, check=True, timeout=TIMEOUT_SECONDS)
    statuses = dict(re.findall(r"^ *(\S+): (.+)$", _run_mutmut("results", "--all", "true"), re.MULTILINE))
    survivors = [_show_mutant(name) for name, status in statuses.items() if status not in _DETECTED]
    problems = find_problems(survivors, parse_explanations(EXPLANATIONS.read_text()))
    print(
        f"\n{len(statuses)} mutants: {len(statuses) - len(survivors)} detected, {len(survivors)} survived",
        *problems,
        sep="\n",
    )
    if problems or not statuses:
        sys.exit(1)


def parse_explanations(page: str) -> list[Mutant]:
    """Return the mutants in the code blocks of the page."""
    return re.findall(r"^@@ (.+)\n- (.+)\n\+ (.+)$", page, re.MULTILINE)


def find_problems(survivors: list[Mutant], explained: list[Mutant]) -> list[str]:
    """Return a message for each survivor without an explanation, and for each explanation without a survivor."""
    found, expected = Counter(survivors), Counter(explained)
    return [
        f"\n{problem}:\n@@ {function}\n- {line}\n+ {changed}"
        for problem, mutants in (
            ("not detected and not explained", found - expected),
            ("explained, but detected or no longer generated", expected - found),
        )
        for function, line, changed in mutants.elements()
    ]


def _show_mutant(name: str) -> Mutant:
    lines = _run_mutmut("show", name).splitlines()
    [before] = [line[1:].strip() for line in lines if re.match(r"-[^-]", line)]
    [after] = [line[1:].strip() for line in lines if re.match(r"\+[^+]", line)]
    return re.sub(r"__mutmut_\d+$", "", name).replace(".xǁ", ".").replace(".x_", ".").replace("ǁ", "."), before, after


def _run_mutmut(*arguments: str) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
