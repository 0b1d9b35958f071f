"""The operator's commands, run in this process against a stack on moto as against one on AWS."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any
from unittest.mock import patch

from click.testing import CliRunner

from infra.admin import target
from infra.cli import cli
from tests.index import Index


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


_client = cache(target._client)


def run(index: Index, *arguments: str, given: str | bytes | None = None) -> Ran:
    """Runs `python -m infra` with `given` on its standard input."""
    environment = {"STACK": index.settings.stack, "AWS_REGION": index.settings.region, "BCRYPT_COST": "4"}
    with (  # making them anew takes longer than a command
        patch.object(target, "_clients", return_value=index.aws),
        patch.object(target, "_client", _client),
    ):
        result = CliRunner().invoke(cli, arguments, input=given, env=environment)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)
