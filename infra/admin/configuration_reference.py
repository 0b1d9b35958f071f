"""Writes docs/reference/configuration.md from the table of settings and the options of `waybill deploy`.

Run `make docs`, or `python -m infra.admin.configuration_reference`. A test fails if the page is out of date.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from chalicelib.settings_table import SETTINGS, Setting
from infra.deploy.commands import deploy
from infra.deploy.service_template import SERVICE_TEMPLATE as SERVICE_TEMPLATE
from infra.deploy.service_template import option_parameters, read_service_template
from infra.devserver.local_settings import LOCAL_SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
_HEAD = """# Configuration

`make docs` generates this page from `chalicelib/settings.py` and `infra/deploy/service.yaml`.

An index reads its settings from environment variables when it starts. An invalid value stops the start with a message
that names the setting and the allowed values. An empty value means the default.

- **Local server**: set the variables in the environment, for example `REGISTRATION=closed make serve`.
- **AWS**: pass the option to `waybill deploy`, for example `waybill deploy --registration closed`. Each option keeps
  its current value until you pass it again. `waybill status` shows the current values. The command determines the
  settings without an option itself, from `--stage`, `--region` and the deployed resources.
"""
_DEPLOYMENT = """
## Options of a deployment

These options of `waybill deploy` change the AWS resources, not the settings of the index.
"""
_LOCAL = """
## Local server

Only `make serve` (or `waybill serve`) reads these variables.
"""


def render_page() -> str:
    """Return the text of the page."""
    settings = _table(
        ("setting", "default", "allowed values", "meaning", "option"), (_setting_row(setting) for setting in SETTINGS)
    )
    names = {option_of(setting) for setting in SETTINGS}
    deployment = _table(
        ("option", "default", "allowed values", "meaning"),
        (_option_row(option) for option in deploy_options() if option.opts[0] not in names),
    )
    local = _table(
        ("setting", "default", "allowed values", "meaning"), ((f"`{name}`", *rest) for name, *rest in LOCAL_SETTINGS)
    )
    return f"{_HEAD}\n## Settings of an index\n\n{settings}{_DEPLOYMENT}\n{deployment}{_LOCAL}\n{local}"


def deploy_options() -> list[click.Option]:
    """Return the options of `waybill deploy` that are parameters of the template."""
    described = option_parameters()
    return [
        parameter
        for parameter in deploy.params
        if isinstance(parameter, click.Option) and parameter_of(parameter.opts[0]) in described
    ]


def template_parameters() -> dict[str, dict[str, Any]]:
    """Return the parameters of infra/deploy/service.yaml."""
    parameters: dict[str, dict[str, Any]] = read_service_template()["Parameters"]
    return parameters


def parameter_of(option: str) -> str:
    """Return the parameter of an option: `--token-lifetime` is TokenLifetime."""
    return option.removeprefix("--").replace("-", " ").title().replace(" ", "")


def option_of(setting: Setting) -> str | None:
    """Return the option of `waybill deploy` that sets a setting, or None if there is none."""
    option = "--" + setting.name.lower().replace("_", "-")
    return option if option in {each.opts[0] for each in deploy_options()} else None


def _setting_row(setting: Setting) -> tuple[str, ...]:
    option = option_of(setting)
    default = f"`{setting.default}`" if setting.default else "none"
    return (f"`{setting.name}`", default, setting.allowed, setting.help, f"`{option}`" if option else "")


def _option_row(option: click.Option) -> tuple[str, ...]:
    default = template_parameters()[parameter_of(option.opts[0])]["Default"]
    meaning = re.sub(r"\s*\[[^\]]*\]$", "", option.help or "")
    return (f"`{option.opts[0]}`", f"`{default}`" if default != "" else "none", _allowed_values(option.type), meaning)


def _allowed_values(kind: click.ParamType[Any]) -> str:
    if isinstance(kind, click.Choice):
        *others, last = map(str, kind.choices)
        return f"{', '.join(others)} or {last}"
    if isinstance(kind, click.IntRange):
        return f"a number from {kind.min} to {kind.max}"
    return "a text"


def _table(columns: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Write the page."""
    PAGE.write_text(render_page())


if __name__ == "__main__":
    main()
