"""Whether the tests notice when a rule is changed: `make mutation`.

mutmut changes one thing at a time in the modules that pyproject.toml lists, and runs their unit tests. What survives is
explained in docs/development/mutants.md, or this fails. An explanation is for a changed line of a function: other code may move.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXPLAINED = ROOT / "docs" / "development" / "mutants.md"
MAX_SECONDS = 1800
_KILLED = ("killed", "timeout")  # an endless loop is noticed too

Mutant = tuple[str, str, str]  # the function, the line, what it was changed to


def main() -> None:
    """Runs mutmut anew, prints the counts and what is wrong. Raises SystemExit for it."""
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    subprocess.run([sys.executable, "-m", "mutmut", "run"], cwd=ROOT, check=True, timeout=MAX_SECONDS)
    statuses = dict(re.findall(r"^ *(\S+): (.+)$", _mutmut("results", "--all", "true"), re.MULTILINE))
    survivors = [_mutant(name) for name, status in statuses.items() if status not in _KILLED]
    wrong = complaints(survivors, explanations(EXPLAINED.read_text()))
    print(
        f"\n{len(statuses)} mutants: {len(statuses) - len(survivors)} noticed, {len(survivors)} survived",
        *wrong,
        sep="\n",
    )
    if wrong or not statuses:
        sys.exit(1)


def explanations(page: str) -> list[Mutant]:
    """The mutants in the page's blocks."""
    return re.findall(r"^@@ (.+)\n- (.+)\n\+ (.+)$", page, re.MULTILINE)


def complaints(survivors: list[Mutant], explained: list[Mutant]) -> list[str]:
    """What survived and is not explained, and what is explained and did not survive."""
    found, known = Counter(survivors), Counter(explained)
    return [
        f"\n{told}:\n@@ {function}\n- {line}\n+ {changed}"
        for told, mutants in (("not noticed", found - known), ("explained, and not there", known - found))
        for function, line, changed in mutants.elements()
    ]


def _mutant(name: str) -> Mutant:
    lines = _mutmut("show", name).splitlines()
    [before] = [line[1:].strip() for line in lines if re.match(r"-[^-]", line)]
    [after] = [line[1:].strip() for line in lines if re.match(r"\+[^+]", line)]
    return re.sub(r"__mutmut_\d+$", "", name).replace(".xǁ", ".").replace(".x_", ".").replace("ǁ", "."), before, after


def _mutmut(*arguments: str) -> str:
    command = [sys.executable, "-m", "mutmut", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
