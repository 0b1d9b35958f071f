"""Every `console` example in README.md and docs/guide prints what the page shows.

The examples of one page run in order, against a local server of their own. Its registry is called `registry.local`.
Examples that need a registry program are in blocks without a language; test_registries.py runs the same commands.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import ADMIN_PASSWORD, ROOT, Server, run_server

EXAMPLE_URL = "http://127.0.0.1:8000"
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md")))
    if "```console\n" in page.read_text()
]
WAYBILL = f'waybill() {{ {sys.executable} -m infra "$@"; }}; '  # pages show the installed command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_examples_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    examples = find_examples(page.read_text())
    assert examples
    with run_server(tmp_path, REGISTRIES="registry.local") as server:
        for command, expected in examples:
            assert run_example(command, server, tmp_path) == expected.replace(EXAMPLE_URL, server.base_url), command


def test_readme_shows_the_start_of_the_local_server(tmp_path: Path) -> None:
    match = re.search(r"^```text\n\$ make serve\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    assert match is not None
    with run_server(tmp_path) as server:
        printed = server.log.read_text().replace(server.base_url, EXAMPLE_URL)
        printed = printed.replace(server.base_url.removeprefix("http://"), EXAMPLE_URL.removeprefix("http://"))
    shown = [line for line in match[1].splitlines() if line.strip() and "password" not in line.partition("curl")[0]]
    assert shown
    for line in shown:
        assert line in printed.splitlines()


def find_examples(page: str) -> list[tuple[str, str]]:
    """Return the commands of a page, each with its output."""
    blocks = re.findall(r"^```console\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    parts = [part for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, output.rstrip("\n")) for command, _, output in (part.partition("\n") for part in parts)]


def run_example(command: str, server: Server, home: Path) -> str:
    """Run a command against the server, and return its output. `home` keeps the credentials of `waybill login`."""
    folders = {"HOME": str(home), "DOCKER_CONFIG": str(home), "XDG_CONFIG_HOME": str(home)}
    run = subprocess.run(
        ["bash", "-c", WAYBILL + command.replace(EXAMPLE_URL, server.base_url)],
        cwd=ROOT,
        env={**os.environ, **folders, "ADMIN_PASSWORD": ADMIN_PASSWORD},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return run.stdout.rstrip("\n")
