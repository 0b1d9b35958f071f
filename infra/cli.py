"""`python -m infra`: the operator's commands."""

import click

from infra.admin.audit import audit
from infra.admin.doctor import doctor
from infra.admin.export import export_command, import_command
from infra.admin.repositories import repositories
from infra.admin.users import users
from infra.deploy.commands import COMMANDS
from infra.deploy.package import ARCHITECTURES, PackageError
from infra.deploy.package import package as make_package


@click.group()
def cli() -> None:
    """Run and look after a Waybill index."""


@cli.command()
def serve() -> None:
    """Run the whole index on this machine, with no account. Settings come from the environment: see README.md."""
    from infra.devserver.serve import main  # moto takes a second that the other commands need not spend

    main()


@cli.command()
@click.option("--architecture", type=click.Choice(ARCHITECTURES), default="arm64", show_default=True)
def package(architecture: str) -> None:
    """Make the Lambda's zip and both templates under build/package; needs no account."""
    try:
        made = make_package(architecture=architecture)
    except PackageError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{made.zip}  {made.size} bytes  sha256 {made.sha256}")


for command in (*COMMANDS, users, repositories, doctor, audit, export_command, import_command):
    cli.add_command(command)


def main() -> None:
    """Run the command."""
    from infra.devserver.output import replace_unknown_characters

    replace_unknown_characters()
    cli(prog_name="waybill")
