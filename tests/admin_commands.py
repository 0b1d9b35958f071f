"""Runs administration commands in this process, on an index on moto or on a running local server."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from click.testing import CliRunner
from msgspec import Struct

from infra.admin import target
from infra.cli import cli
from infra.exit_codes import ExitCode
from tests.index import Index


class CommandResult(Struct, frozen=True):
    """The result of a command: its exit status and its output."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def is_readable_error(self) -> bool:
        """Whether the command failed with one line on standard error and wrote nothing else."""
        lines = self.stderr.splitlines()
        is_failure = self.status in (ExitCode.FAILURE, ExitCode.LOGIN, ExitCode.CONNECTION)
        return is_failure and not self.stdout and len(lines) == 1 and lines[0].startswith("Error: ")


def run(index: Index, *arguments: str, stdin: str | bytes | None = None) -> CommandResult:
    """Run `waybill` with these arguments. It uses the clients of `index`, so that a test can intercept their calls."""
    environment = {"STACK": index.settings.stack, "AWS_REGION": index.settings.region, "BCRYPT_COST": "4"}
    with patch.object(target, "create_clients", return_value=index.aws):
        return _invoke(arguments, environment, stdin)


def run_local(url: str, *arguments: str, password: str) -> CommandResult:
    """Run `waybill … --local URL` as an administrator with this password."""
    environment = {"STACK": None, "BCRYPT_COST": "4", "ADMIN_PASSWORD": password}
    return _invoke((*arguments, "--local", url), environment, None)


def run_user(home: Path, *arguments: str, stdin: str | None = None) -> CommandResult:
    """Run `waybill` as a person whose credentials are in the folder `home`."""
    folders = {"HOME": str(home), "DOCKER_CONFIG": str(home / "docker"), "XDG_CONFIG_HOME": str(home / "config")}
    return _invoke(arguments, {"STACK": None, **folders}, stdin)


def _invoke(
    arguments: tuple[str, ...], environment: Mapping[str, str | None], stdin: str | bytes | None
) -> CommandResult:
    result = CliRunner().invoke(cli, arguments, input=stdin, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return CommandResult(result.exit_code, result.stdout, result.stderr)
