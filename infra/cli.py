"""The command `waybill`."""

import click

from infra import project_version
from infra.admin.audit import audit
from infra.admin.doctor import doctor
from infra.admin.export import export_command, import_command
from infra.admin.registries import registries
from infra.admin.repositories import repositories
from infra.admin.users import users
from infra.deploy.commands import deploy, destroy, logs, package, rollback, status


@click.group()
@click.version_option(project_version())
def cli() -> None:
    """Run, deploy and administer a Waybill index."""


@cli.command()
def serve() -> None:
    """Run an index on this machine. No AWS account is needed.

    Environment variables configure it; docs/reference/configuration.md lists them.
    """
    from infra.devserver.serve import main  # imports moto, which takes a second that the other commands do not need

    main()


for command in (
    *(deploy, status, logs, rollback, destroy, package),
    *(users, repositories, registries, doctor, audit, export_command, import_command),
):
    cli.add_command(command)


def main() -> None:
    """Run the command."""
    from infra.devserver.output import replace_unknown_characters

    replace_unknown_characters()
    cli(prog_name="waybill")
