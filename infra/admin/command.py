"""The common parts of commands: options for operators, confirmation and readable errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

import click

from chalicelib.domain.errors import DomainError
from chalicelib.domain.roles import Principal
from chalicelib.settings_table import SettingsError
from infra.admin import target
from infra.questions import is_confirmed

OPERATOR = Principal(admin=True)  # AWS decides who may use the tables, so the domain does not limit the operator
Function = TypeVar("Function", bound=Callable[..., Any])


class Command(click.Command):
    """A command that reports an expected error in one line on standard error, with status 1 and without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with readable_errors():
            return super().invoke(ctx)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def operator_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose the index of an operator: `stage`, `region` and `local_url`."""
    stage = click.option(
        "--stage",
        metavar="NAME",
        help="Use the index of this stage on AWS: prod, dev, …  [default: the stack in STACK, or dev]",
    )
    region = click.option(
        "--region", metavar="NAME", help="Use this AWS region.  [default: AWS_REGION, or the AWS profile's]"
    )
    local = click.option(
        "--local",
        "local_url",
        metavar="URL",
        help="Use a running local server instead, for example http://127.0.0.1:8000. Log in as the administrator "
        "'admin', or as NAME with http://NAME@…  The password comes from ADMIN_PASSWORD or from a prompt.",
    )
    return stage(region(local(function)))


def open_operator_index(stage: str | None, region: str | None, local_url: str | None) -> target.Target:
    """Return the index that the options choose. Raises UsageError."""
    if local_url and (stage or region):
        raise click.UsageError("--local cannot be combined with --stage or --region")
    return target.open_local(local_url) if local_url else target.open_deployed(stage, region)


def index_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of an operator, and `--json`. The function receives `index`, a Target, and `as_json`."""

    @operator_options
    @click.option("--json", "as_json", is_flag=True, help="Write only JSON to standard output.")
    @wraps(function)
    def command(*args: Any, stage: str | None, region: str | None, local_url: str | None, **options: Any) -> Any:
        return function(*args, index=open_operator_index(stage, region, local_url), **options)

    return command


def yes_option(function: Function) -> Function:
    """Add `--yes`, for a function that calls `confirm`."""
    return click.option("--yes", is_flag=True, help="Do not ask for confirmation.")(function)


def confirm(question: str, yes: bool) -> None:
    """Ask on the terminal, unless `yes`. The answer no ends the command with status 1."""
    if not is_confirmed(question, yes):
        click.echo("Nothing was changed.", err=True)
        raise click.exceptions.Exit(1)


@contextmanager
def readable_errors() -> Iterator[None]:
    """Turn the expected errors into a ClickException."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of the output has ended; click handles this
    except _expected_errors() as error:
        raise click.ClickException(describe_error(error)) from error


def describe_error(error: BaseException) -> str:
    """Return one line for the operator. An error of AWS includes AWS's code and message."""
    from botocore.exceptions import ClientError

    aws_error = _find_aws_error(error)
    if isinstance(aws_error, ClientError):
        code, message = (aws_error.response["Error"].get(key, "") for key in ("Code", "Message"))
        if code == "ResourceNotFoundException":
            resource = "the log group" if "log group" in message else "a table"
            return f"{resource} of this index does not exist; check --stage and --region, or deploy the index first"
        return f"AWS rejected {aws_error.operation_name}: {code}: {' '.join(message.split())}"
    if aws_error is not None:
        return f"cannot use AWS: {' '.join(str(aws_error).split())}"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())


def _expected_errors() -> tuple[type[BaseException], ...]:
    """Return the errors that a command reports. Their libraries are imported only for a command that fails."""
    from botocore.exceptions import BotoCoreError, ClientError
    from pynamodb.exceptions import PynamoDBException

    from infra.admin.export_format import ExportError
    from infra.admin.table_copy import CopyError

    aws_errors = (PynamoDBException, BotoCoreError, ClientError)
    return (DomainError, SettingsError, ExportError, CopyError, OSError, *aws_errors)


def _find_aws_error(error: BaseException | None) -> Any:
    """Return the botocore exception that PynamoDB and the storage package have wrapped, or None."""
    from botocore.exceptions import BotoCoreError, ClientError

    while error is not None and not isinstance(error, ClientError | BotoCoreError):
        error = getattr(error, "cause", None) or error.__cause__
    return error
