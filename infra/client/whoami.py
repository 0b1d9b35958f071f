"""`waybill whoami`: shows the current login."""

import click

from infra.admin.command import Command
from infra.admin.output import write_result
from infra.client.index_client import IndexClient
from infra.client.options import account_options


@click.command(cls=Command)
@account_options
def whoami(index: IndexClient, as_json: bool) -> None:
    """Show your account and your index.

    The index checks the credentials. The exit code is 3 if you are not logged in, or if they were revoked.
    """
    username = index.username
    index.check()
    write_result({"username": username, "url": str(index.url)}, f"{username} on {index.url}", as_json=as_json)
