"""What an operator types."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from infra.deploy.deploy import Operations
from infra.deploy.logs import Logs
from infra.deploy.options import chosen, parameter_options, parameters
from infra.deploy.package import PackageError, package
from infra.deploy.stage import DeployError, Stage, in_one_sentence, open_stage
from infra.deploy.terminal import Terminal


def stage_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--stage and --region."""
    named = click.option("--stage", "name", default="dev", show_default=True, help="Which index: prod, dev, …")
    placed = click.option("--region", help="Where in AWS.  [default: what AWS_REGION or the profile says]")
    return named(placed(command))


yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")


@click.command()
@stage_options
@yes_option
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@parameter_options
def deploy(name: str, region: str | None, yes: bool, dry_run: bool, **given: Any) -> None:
    """Bring an index to AWS, or what stands there up to date.

    Options below --dry-run stay as they are from one deployment to the next until they are given again.
    """
    with _operations(name, region) as (stage, operations, terminal):
        with tempfile.TemporaryDirectory() as out:
            stack = operations.deploy(
                lambda architecture: package(Path(out) / "package", architecture),
                chosen(given),
                _confirmation(yes),
                dry_run=dry_run,
            )
        if stack is None:
            return
        operations.check(stack)
        terminal.say(f"\nThe index is at {stack.outputs['Address']}")
        for step in _next_steps(stage, stack.parameters, stack.outputs):
            terminal.say(f"- {step}")


@click.command()
@stage_options
def status(name: str, region: str | None) -> None:
    """Show what stands: its address, release and settings."""
    with _operations(name, region) as (stage, operations, terminal):
        service, data = operations.find()
        if service is None and data is None:
            raise DeployError(f"there is no {stage.stack} in {stage.region}")
        for stack in (data, service):
            if stack is not None:
                facts = [("status", stack.status), ("changed", f"{stack.changed:%Y-%m-%d %H:%M:%S %Z}")]
                terminal.facts(stack.name, [*facts, *stack.outputs.items()])
        if service is not None:
            terminal.facts("settings", [(k, v) for k, v in service.parameters.items() if k in parameters()])


@click.command()
@stage_options
@click.option("--follow", is_flag=True, help="Go on until interrupted.")
@click.option("--minutes", type=click.IntRange(1), default=10, show_default=True, help="How far back to begin.")
@click.option("--access", is_flag=True, help="API Gateway's line for each request, instead of the function's log.")
def logs(name: str, region: str | None, follow: bool, minutes: int, access: bool) -> None:
    """Print the function's log."""
    with _operations(name, region) as (stage, _, _terminal):
        for line in Logs(stage).read(minutes=minutes, follow=follow, access=access):
            click.echo(line)


@click.command()
@stage_options
@yes_option
def rollback(name: str, region: str | None, yes: bool) -> None:
    """Bring back the release that ran before. Settings and data stay."""
    with _operations(name, region) as (_, operations, terminal):
        stack = operations.rollback(_confirmation(yes))
        if stack is not None:
            operations.check(stack)
            terminal.say(f"release {stack.parameters['Release']} runs again")


@click.command()
@stage_options
@yes_option
@click.option("--delete-data", is_flag=True, help="Delete tables and signing key too. Asks for the stage's name.")
def destroy(name: str, region: str | None, yes: bool, delete_data: bool) -> None:
    """Take an index away. Its tables and signing key stay, and the next deployment takes them back."""
    with _operations(name, region) as (stage, operations, _):
        if delete_data:
            typed = click.prompt(f"This deletes every account and repository of {name}. Type the stage's name")
            if typed != name:
                raise DeployError(f"{typed!r} is not {name!r}: nothing was deleted")
        elif not _confirmation(yes)(f"Take {stage.stack} in {stage.region} away? Its data stays."):
            return
        operations.destroy(delete_data=delete_data)


COMMANDS: list[click.Command] = [deploy, status, logs, rollback, destroy]


@contextmanager
def _operations(name: str, region: str | None) -> Iterator[tuple[Stage, Operations, Terminal]]:
    """A stage, with every failure as one sentence."""
    terminal = Terminal()
    try:
        with in_one_sentence():
            stage = open_stage(name, region)
            yield stage, Operations(stage, terminal), terminal
    except (DeployError, PackageError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("\ninterrupted. What CloudFormation has begun goes on; the same command again sees it to its end.")
        sys.exit(130)


def _confirmation(yes: bool) -> Callable[[str], bool]:
    return lambda question: yes or click.confirm(question)


def _next_steps(stage: Stage, settings: dict[str, str], outputs: dict[str, str]) -> Iterator[str]:
    host = outputs["Address"].removeprefix("https://")
    if settings["DomainName"]:
        yield f"point {settings['DomainName']} to {outputs['FrontDoorName']}, as a CNAME or an alias record"
    if settings["RegistryEndpoints"] == "localhost:5000":
        yield "say where layers are kept: deploy again with --registry-endpoints registry.example.com"
    if not settings["AlarmEmail"]:
        yield "hear of trouble: deploy again with --alarm-email you@example.com"
    yield f"make your administrator: python -m infra users create NAME --email ADDRESS --admin --stage {stage.name}"
    yield f"log in: docker login https://{host}"
    yield f"see what stands: make status STAGE={stage.name} REGION={stage.region}; docs/guide/operations.md has the rest"
