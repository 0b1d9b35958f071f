"""The commands `waybill deploy`, `status`, `logs`, `rollback`, `destroy` and `package`."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from chalicelib.settings_table import SETTINGS, SettingsError
from infra import command_name
from infra.admin.output import write_json
from infra.deploy.deploy import Operations
from infra.deploy.logs import read_log
from infra.deploy.package import ARCHITECTURES, build_package
from infra.deploy.package_model import Package, PackageError
from infra.deploy.release_file import read_release
from infra.deploy.service_template import (
    add_parameter_options,
    option_name,
    option_parameters,
    parse_options,
    setting_name,
)
from infra.deploy.stacks import Stack
from infra.deploy.stage import DeployError, Stage, explain_aws_errors, open_stage
from infra.deploy.terminal import Terminal
from infra.exit_codes import ExitCode
from infra.questions import ask, is_confirmed
from infra.region import REGION_HELP
from infra.setting_names import check_setting_names
from infra.terminal_text import sanitize


def _stage_options(command: Callable[..., Any]) -> Callable[..., Any]:
    stage = click.option("--stage", "name", default="dev", show_default=True, help="The stage, such as dev or prod.")
    region = click.option("--region", help=REGION_HELP)
    return stage(region(command))


_json_option = click.option("--json", "as_json", is_flag=True, help="Write only JSON to standard output.")
_yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")


@click.command()
@_stage_options
@_yes_option
@click.option("--dry-run", is_flag=True, help="Show the changes and stop.")
@click.option(
    "--release",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Deploy this published release, the release.zip of `waybill package`, instead of building.",
)
@add_parameter_options
def deploy(name: str, region: str | None, yes: bool, dry_run: bool, release: Path | None, **options: Any) -> None:
    """Deploy an index to AWS, or update it.

    Checks all settings, shows the changes and asks for confirmation. The settings below --release keep their current
    value unless you pass them. If the new deployment does not work, the previous release is restored with its settings.
    """
    with _open_operations(name, region) as (stage, operations, terminal):
        _print_stage(stage, terminal)
        _check_environment(os.environ)
        with tempfile.TemporaryDirectory() as folder:

            def build(architecture: str) -> Package:
                target = Path(folder) / "package"
                return read_release(release, target, architecture) if release else build_package(target, architecture)

            stack = operations.deploy(build, parse_options(options), _confirm(yes), dry_run=dry_run)
        if stack is None:
            return
        terminal.print(f"\nThe URL of the index is {stack.outputs['IndexUrl']}")
        for step in _list_next_steps(stage, stack):
            terminal.print(f"- {step}")


@click.command()
@_stage_options
@_json_option
def status(name: str, region: str | None, as_json: bool) -> None:
    """Show the stacks of an index, with URL, release and settings."""
    with _open_operations(name, region) as (stage, operations, terminal):
        service, data = operations.find()
        if service is None and data is None:
            raise DeployError(f"{stage.stack} does not exist in {stage.region}")
        sections: dict[str, dict[str, str]] = {}
        for stack in (data, service):
            if stack is not None:
                changed = f"{stack.changed:%Y-%m-%d %H:%M:%S %Z}"
                sections[stack.name] = {"status": stack.status, "changed": changed, **stack.outputs}
        if service is not None:
            options, values = option_parameters(), service.parameters
            sections["settings"] = {setting_name(name): values[name] for name in values if name in options}
        if as_json:
            write_json(sections)
            return
        for title, section in sections.items():
            terminal.print_values(title, list(section.items()))


@click.command()
@_stage_options
@click.option("--follow", is_flag=True, help="Continue with new lines until you press Ctrl-C.")
@click.option("--minutes", type=click.IntRange(1), default=10, show_default=True, help="Start this long ago.")
@click.option("--access", is_flag=True, help="Print API Gateway's access log instead of the function's log.")
@_json_option
def logs(name: str, region: str | None, follow: bool, minutes: int, access: bool, as_json: bool) -> None:
    """Print the log of the function. With --json each line is an object with `time` and `message`."""
    with _open_operations(name, region) as (stage, _, _terminal):
        for line in read_log(stage, minutes=minutes, follow=follow, access=access):
            time, _, message = line.partition(" ")
            click.echo(json.dumps({"time": time, "message": message}) if as_json else sanitize(line))


@click.command()
@_stage_options
@_yes_option
def rollback(name: str, region: str | None, yes: bool) -> None:
    """Restore the previous release. Settings and data do not change."""
    with _open_operations(name, region) as (stage, operations, terminal):
        _print_stage(stage, terminal)
        stack = operations.rollback(_confirm(yes))
        if stack is not None:
            operations.run_smoke_test(stack)
            terminal.print(f"release {stack.parameters['Release']} is active")


@click.command()
@_stage_options
@_yes_option
@click.option("--delete-data", is_flag=True, help="Delete the tables and the key too. Asks for the name of the stage.")
def destroy(name: str, region: str | None, yes: bool, delete_data: bool) -> None:
    """Delete an index. Its tables and signing key remain, and the next deployment uses them."""
    with _open_operations(name, region) as (stage, operations, terminal):
        _print_stage(stage, terminal)
        if delete_data:
            question = f"This deletes all accounts and repositories of {name}. Enter the name of the stage"
            entered = ask(question, "this needs a person")
            if entered != name:
                raise DeployError(f"{entered!r} is not {name!r}: nothing was deleted")
        elif not _confirm(yes)(f"Delete {stage.stack} in {stage.region}? Its data remains."):
            return
        operations.destroy(delete_data=delete_data)


@click.command()
@click.option(
    "--architecture",
    type=click.Choice(ARCHITECTURES),
    default="arm64",
    show_default=True,
    help="Build for this processor.",
)
def package(architecture: str) -> None:
    """Build the Lambda package, both templates and a release file in build/package. No AWS account is needed."""
    try:
        built = build_package(architecture=architecture)
    except PackageError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{built.zip}  {built.size} bytes  sha256 {built.sha256}")


@contextmanager
def _open_operations(name: str, region: str | None) -> Iterator[tuple[Stage, Operations, Terminal]]:
    """Open a stage, and print each failure as one sentence."""
    terminal = Terminal()
    try:
        with explain_aws_errors():
            stage = open_stage(name, region)
            yield stage, Operations(stage, terminal), terminal
    except (DeployError, PackageError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("\ninterrupted. CloudFormation continues a running operation. Repeat the command to complete it.")
        sys.exit(ExitCode.INTERRUPTED)


def _check_environment(environment: Mapping[str, str]) -> None:
    """Raise DeployError for a misspelt setting. Warn about settings, because a deployment reads options only."""
    try:
        check_setting_names(environment)
    except SettingsError as error:
        raise DeployError(str(error)) from error
    names = {setting_name(parameter): option_name(parameter) for parameter in option_parameters()}
    ignored = [setting.name for setting in SETTINGS if setting.name in names and environment.get(setting.name)]
    for name in ignored:
        click.echo(f"Warning: a deployment does not read {name} from the environment; pass {names[name]}.", err=True)


def _print_stage(stage: Stage, terminal: Terminal) -> None:
    emulator = f", emulator {stage.emulator}" if stage.emulator else ""
    terminal.print(f"stage {stage.name}, account {stage.account}, region {stage.region}{emulator}")


def _confirm(yes: bool) -> Callable[[str], bool]:
    return lambda question: is_confirmed(question, yes)


def _list_next_steps(stage: Stage, stack: Stack) -> Iterator[str]:
    settings, outputs = stack.parameters, stack.outputs
    waybill, options = command_name(), f"--stage {stage.name} --region {stage.region}"
    if settings["DomainName"]:
        yield f"create a CNAME or alias record from {settings['DomainName']} to {outputs['DomainTarget']}"
    if settings["RegistryEndpoints"] == "localhost:5000" and not settings["Registries"]:
        yield f"set the registry that stores the layers: {waybill} deploy {options} --registry-endpoints HOST"
    if settings["Registries"]:
        yield f"configure the registry: {waybill} registries config --help"
    if not settings["AlarmEmail"]:
        yield f"receive alarms by email: {waybill} deploy {options} --alarm-email you@example.com"
    yield f"create an administrator: {waybill} users create NAME --email ADDRESS --admin {options}"
    yield f"log in: docker login {outputs['IndexUrl']}"
    yield f"show the stacks: {waybill} status {options}; docs/guide/alarms.md explains the operation"
