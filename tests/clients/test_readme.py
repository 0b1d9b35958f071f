"""The README's examples print what it says, and its table has every setting."""

import os
import re
import subprocess
import sys
from pathlib import Path

from chalicelib.settings import Settings
from tests.clients.conftest import ADMIN_PASSWORD, ROOT, serving

README = (ROOT / "README.md").read_text()
ADDRESS = "http://127.0.0.1:8000"


def test_the_examples_print_what_stands_there(tmp_path: Path) -> None:
    blocks = re.findall(r"^```console\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    commands = [part.partition("\n") for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    assert len(commands) > 10
    with serving(tmp_path) as server:
        for command, _, expected in commands:
            done = subprocess.run(
                ["bash", "-c", command.replace(ADDRESS, server.address).replace(".venv/bin/python", sys.executable)],
                cwd=ROOT,
                env={**os.environ, "ADMIN_PASSWORD": ADMIN_PASSWORD},
                capture_output=True,
                text=True,
                timeout=60,
            )
            assert done.stdout.rstrip("\n") == expected.replace(ADDRESS, server.address).rstrip("\n"), command


def test_the_table_has_every_setting() -> None:
    read = set(re.findall(r'environment(?:, |\.get\()"([A-Z_]+)"', (ROOT / "chalicelib/settings.py").read_text()))
    read |= set(re.findall(r'environment\.get\("([A-Z_]+)"', (ROOT / "infra/devserver/serve.py").read_text()))
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| `?([^`|]*)`? \|", README, re.MULTILINE))
    assert read - {"AWS_DEFAULT_REGION"} == set(listed)
    defaults = Settings()
    assert listed["TOKEN_LIFETIME"] == str(defaults.token_lifetime)
    assert listed["BCRYPT_COST"] == str(defaults.bcrypt_cost)
    assert listed["STACK"] == defaults.stack
