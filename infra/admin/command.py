"""What the operator's commands share: which index they act on, how they speak, and errors in one sentence."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib.domain.errors import DomainError
from chalicelib.domain.roles import Principal
from infra.admin import target
from infra.admin.export_format import ExportError
from infra.admin.table_copy import CopyError
from infra.admin.target import Target

OPERATOR = Principal(admin=True)  # who may read and write the tables is held back by nothing in the domain
F = TypeVar("F", bound=Callable[..., Any])


class Command(click.Command):
    """A command whose failures that can be foreseen are one sentence and status 1, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs it."""
        with in_one_sentence():
            return super().invoke(ctx)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def acts_on_an_index(function: F) -> F:
    """Adds the options that say which index is meant; the function gets it as `index`, a Target."""

    def choose(ctx: click.Context, _: click.Parameter, url: str | None) -> Target | None:
        if ctx.resilient_parsing:
            return None
        stage, region = ctx.params.pop("stage"), ctx.params.pop("region")
        if url and (stage or region):
            raise click.UsageError("--local says which index is meant; leave --stage and --region away")
        with in_one_sentence():
            return target.local(url) if url else target.deployed(stage, region)

    options = (
        click.option(
            "--stage",
            metavar="NAME",
            help="Which index on AWS: prod, dev, …  [default: what STACK says, else dev]",
            is_eager=True,
        ),
        click.option(
            "--region",
            metavar="NAME",
            help="Where in AWS.  [default: what AWS_REGION or the profile says]",
            is_eager=True,
        ),
        click.option(
            "--local",
            "index",
            metavar="URL",
            callback=choose,
            help="Act on a running local server instead, as its administrator, with the password from ADMIN_PASSWORD "
            "or from a prompt.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def as_json(function: F) -> F:
    """Adds `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Write JSON for scripts, and nothing else.")(function)


def asks(function: F) -> F:
    """Adds `--yes`, for a function that asks with `confirm`."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(function)


def confirm(question: str, yes: bool) -> None:
    """Asks on the terminal, unless `--yes` has answered."""
    if not yes:
        click.confirm(question, abort=True, err=True)


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Turns what can go wrong into an error for a person."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of our output has gone; click knows what to do
    except (DomainError, ExportError, CopyError, PynamoDBException, BotoCoreError, ClientError, OSError) as error:
        raise click.ClickException(sentence(error)) from error


def sentence(error: BaseException) -> str:
    """What went wrong, for a person: AWS's own words where it is AWS that refuses."""
    told = _told_by_aws(error)
    if isinstance(told, ClientError):
        code, message = (told.response["Error"].get(key, "") for key in ("Code", "Message"))
        if code == "ResourceNotFoundException" and "log group" in message:
            return "it is not there; is the index deployed?"
        if code == "ResourceNotFoundException":
            return "a table of this stack is not there: is it deployed, and are --stage and --region right?"
        return f"AWS refuses {told.operation_name}: {code}: {' '.join(message.split())}"
    if told is not None:
        return f"AWS cannot be reached: {' '.join(str(told).split())}"
    if isinstance(error, DomainError):
        return error.message
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())


def _told_by_aws(error: BaseException | None) -> ClientError | BotoCoreError | None:
    """What botocore raised, which the store and PynamoDB wrap."""
    while error is not None and not isinstance(error, ClientError | BotoCoreError):
        error = getattr(error, "cause", None) or error.__cause__
    return error
