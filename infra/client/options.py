"""The options that choose the index of a command for users."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from infra.admin.command import open_operator_index, operator_options
from infra.client.login import open_index

_url_option = click.option("--url", metavar="URL", help="Use this index.  [default: the index of `waybill login`]")
_json_option = click.option("--json", "as_json", is_flag=True, help="Write only JSON to standard output.")


def account_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--url` and `--json`. The function receives `index`, an IndexClient, and `as_json`."""

    @_url_option
    @_json_option
    @wraps(function)
    def command(*args: Any, url: str | None, **options: Any) -> Any:
        return function(*args, index=open_index(url), **options)

    return command


def account_or_operator_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for users and for operators. The function receives `index`, an IndexClient or a Target."""

    @_url_option
    @operator_options
    @_json_option
    @wraps(function)
    def command(
        *args: Any, url: str | None, stage: str | None, region: str | None, local_url: str | None, **options: Any
    ) -> Any:
        if url and (stage or region or local_url):
            raise click.UsageError("--url cannot be combined with --stage, --region or --local")
        is_operator = not url and (stage or region or local_url or os.environ.get("STACK"))
        index = open_operator_index(stage, region, local_url) if is_operator else open_index(url)
        return function(*args, index=index, **options)

    return command
