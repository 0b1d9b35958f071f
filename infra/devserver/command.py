"""The command `waybill serve`."""

import click


@click.command()
def serve() -> None:
    """Run an index on this machine. No AWS account is needed.

    Environment variables configure it; docs/reference/configuration.md lists them.
    """
    from infra.devserver.serve import main  # imports moto, which takes a second that the help text does not need

    main()
