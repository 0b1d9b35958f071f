"""`python -m infra`: the operator's commands."""

import click

from infra.local.serve import main as serve_main


@click.group()
def cli() -> None:
    """Run and look after a Waybill index."""


@cli.command()
def serve() -> None:
    """Run the whole index on this machine, with no account. Settings come from the environment: see README.md."""
    serve_main()


if __name__ == "__main__":
    cli(prog_name="python -m infra")
