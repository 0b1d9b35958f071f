"""Completion in real shells, and a real credential helper of docker. They run if they are installed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import ROOT, WAIT_SECONDS, Server

PASSWORD = "sekret123"
WAYBILL = Path(sys.executable).with_name("waybill")
# Each prints the completions of the words in WORDS, one per line, perhaps with a description after a tab.
COMPLETIONS = {
    "bash": """
        eval "$(waybill completion bash)"
        read -ra COMP_WORDS <<< "$WORDS"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _waybill_completion waybill
        printf '%s\\n' "${COMPREPLY[@]}"
    """,
    "fish": 'waybill completion fish | source; complete -C "$WORDS"',
}


def run(*command: str, text: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
    path = f"{WAYBILL.parent}:{os.environ['PATH']}"
    return subprocess.run(
        command,
        env={**os.environ, "PATH": path, **environment},
        cwd=ROOT,
        input=text,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )


@pytest.mark.parametrize("shell", COMPLETIONS)
@pytest.mark.parametrize(
    ("words", "expected"), [("waybill ser", {"serve"}), ("waybill repositories de", {"delete", "describe"})]
)
def test_shell_completes_commands(shell: str, words: str, expected: set[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    done = run(shell, "-c", COMPLETIONS[shell], WORDS=words)
    assert {line.partition("\t")[0] for line in done.stdout.splitlines()} == expected, done.stderr


@pytest.mark.skipif(
    not all(map(shutil.which, ("docker-credential-pass", "pass", "gpg"))), reason="docker-credential-pass is missing"
)
def test_login_is_stored_by_a_credential_helper(server: Server, tmp_path: Path) -> None:
    """The password is not in docker's configuration file."""
    server.register("erin", PASSWORD)
    home, docker = tmp_path / "home", tmp_path / "docker"
    home.mkdir(mode=0o700)
    docker.mkdir()
    (docker / "config.json").write_text('{"credsStore": "pass"}')
    environment = {"HOME": str(home), "DOCKER_CONFIG": str(docker), "GNUPGHOME": str(home)}
    key = ("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "erin@example.com", "default", "default", "never")
    for command in (key, ("pass", "init", "erin@example.com")):
        done = run(*command, **environment)
        assert done.returncode == 0, done.stderr
    login = ("login", server.base_url, "--username", "erin", "--password-stdin")
    done = run(str(WAYBILL), *login, text=PASSWORD, **environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(run("docker-credential-pass", "list", **environment).stdout) == {server.base_url: "erin"}
    assert "auths" not in json.loads((docker / "config.json").read_text())
    assert "erin" in run(str(WAYBILL), "whoami", **environment).stdout
    assert run(str(WAYBILL), "logout", **environment).returncode == 0
    assert json.loads(run("docker-credential-pass", "list", **environment).stdout) == {}
    assert run(str(WAYBILL), "whoami", **environment).returncode != 0
