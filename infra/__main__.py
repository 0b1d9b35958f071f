"""`python -m infra`: the operator's commands."""

import click

from infra.deploy.commands import COMMANDS
from infra.operate.audit import audit
from infra.operate.doctor import doctor
from infra.operate.files import export_command, import_command
from infra.operate.repositories import repositories
from infra.operate.users import users
from infra.package import ARCHITECTURES, CannotPackage
from infra.package import package as make_package


@click.group()
def cli() -> None:
    """Run and look after a Waybill index."""


@cli.command()
def serve() -> None:
    """Run the whole index on this machine, with no account. Settings come from the environment: see README.md."""
    from infra.local.serve import main  # moto takes a second that the other commands need not spend

    main()


@cli.command()
@click.option("--architecture", type=click.Choice(ARCHITECTURES), default="arm64", show_default=True)
def package(architecture: str) -> None:
    """Make the Lambda's zip and both templates under build/package; needs no account."""
    try:
        made = make_package(architecture=architecture)
    except CannotPackage as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{made.zip}  {made.size} bytes  sha256 {made.sha256}")


@cli.command()
def cost() -> None:
    """Count what each operation uses, and what that costs, as docs/cost.md has it; needs no account."""
    from infra.cost.report import report  # moto, as for serve

    for line in report():
        click.echo(line)


for command in (*COMMANDS, users, repositories, doctor, audit, export_command, import_command):
    cli.add_command(command)


if __name__ == "__main__":
    cli(prog_name="python -m infra")
