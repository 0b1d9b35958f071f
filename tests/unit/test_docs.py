"""The documentation has no dead references."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
CODE_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
TESTED_PAGES = {ROOT / "README.md", *(ROOT / "docs" / "guide").glob("*.md")}  # see tests/clients/test_readme.py


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_to_files_and_headings(page: Path) -> None:
    for target in find_links(page.read_text()):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in find_anchors(file.read_text()), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_tests_and_files_exist(page: Path) -> None:
    text = page.read_text()
    for name in re.findall(r"`(test_\w+)`", text):
        assert name in defined_tests(), name
    for path in re.findall(r"`((?:chalicelib|infra|tests|bench|docs)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path


def test_sources_name_existing_pages() -> None:
    for folder in ("chalicelib", "infra", "tests", "bench"):
        for file in (ROOT / folder).rglob("*"):
            if file.suffix in (".py", ".yaml", ".html", ".toml"):
                for path in re.findall(r"docs/[\w/-]+\.(?:md|yaml|json)", file.read_text()):
                    assert (ROOT / path).exists(), f"{file.relative_to(ROOT)}: {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_console_examples_are_in_pages_that_are_tested(page: Path) -> None:
    assert page in TESTED_PAGES or "```console" not in page.read_text()


def test_each_page_can_be_reached_from_the_readme() -> None:
    reached, new = set[Path](), {ROOT / "README.md"}
    while new:
        reached |= new
        targets = {
            (page.parent / target.partition("#")[0]).resolve()
            for page in new
            for target in find_links(page.read_text())
            if target.partition("#")[0].endswith(".md")
        }
        new = targets - reached
    assert {page for page in PAGES if page.parent != ROOT} <= reached


def find_links(page: str) -> Iterator[str]:
    """Yield the relative links of a page."""
    for target in LINK.findall(CODE_BLOCK.sub("", page)):
        if not re.match(r"[a-z]+:", target):
            yield target


def find_anchors(page: str) -> set[str]:
    """Return the anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", CODE_BLOCK.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def defined_tests() -> set[str]:
    """Return the names of all tests and test modules."""
    files = [*(ROOT / "tests").rglob("test_*.py")]
    functions = {name for file in files for name in re.findall(r"def (test_\w+)\(", file.read_text())}
    return functions | {file.stem for file in files}
