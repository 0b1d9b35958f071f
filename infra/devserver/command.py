"""The command `waybill serve`."""

import click

from infra.devserver.local_settings import LOCAL_SETTINGS


class _ServeCommand(click.Command):
    """A command whose help text lists its environment variables."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the variables and the options."""
        with formatter.section("Environment variables"):
            formatter.write_dl(
                [
                    (name, f"{meaning}  [{allowed}; default: {default}]".replace("`", ""))
                    for name, default, allowed, meaning in LOCAL_SETTINGS
                ]
            )
        super().format_options(ctx, formatter)


@click.command(cls=_ServeCommand)
def serve() -> None:
    """Run an index on this machine. No AWS account is needed.

    Environment variables configure it, for example: PORT=9000 DATA=index.jsonl waybill serve. The settings of an index
    on AWS are possible too, such as REGISTRATION=closed. `waybill deploy --help` explains them.
    """
    from infra.devserver.serve import main  # imports moto, which takes a second that the help text does not need

    main()
