"""`waybill robots`: manages credentials for machines."""

import re
from datetime import datetime

import click
from msgspec import Struct
from msgspec.structs import asdict

from infra.admin.command import Group
from infra.admin.output import write_json, write_result, write_rows
from infra.client.index_client import IndexClient
from infra.client.options import account_options
from infra.exit_codes import UnreachableError
from infra.terminal_text import sanitize

_TOKEN = re.compile(r"wbr_[a-z0-9-]+_[0-9a-f]{64}", re.ASCII)
_UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86400}


class Robot(Struct, frozen=True):
    """A robot. `repositories` is None if it can use all repositories of its account."""

    name: str
    access: str
    repositories: list[str] | None
    created: datetime
    expires: datetime | None
    last_used: datetime | None


class NewRobot(Robot, frozen=True):
    """A new robot. `repr` omits its token."""

    token: str

    def __repr__(self) -> str:
        return f"NewRobot({self.name!r})"


_organization_option = click.option(
    "--organization", metavar="NAME", help="Manage the robots of this organisation.  [default: those of your account]"
)


def _parse_lifetime(_: click.Context, __: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,8})([mhd])", text)
    if match is None:
        raise click.BadParameter("it must be a number with m, h or d, such as 30m, 12h or 90d")
    return int(match[1]) * _UNIT_SECONDS[match[2]]


@click.group(cls=Group)
def robots() -> None:
    """Manage the robots of your account or organisation. A robot is a credential for a machine."""


@robots.command("list")
@_organization_option
@account_options
def list_command(organization: str | None, index: IndexClient, as_json: bool) -> None:
    """List robots, with their last use."""
    robots = index.get(list[Robot], *_path(index, organization))
    rows = [asdict(robot) for robot in robots]
    if not as_json:
        rows = [{**row, "repositories": row["repositories"] or "all"} for row in rows]
    write_rows(rows, Robot.__struct_fields__, noun="robots", as_json=as_json)


@robots.command()
@click.argument("name")
@click.option(
    "--access", type=click.Choice(["read", "write"]), default="read", show_default=True, help="What the robot may do."
)
@click.option(
    "--repository",
    "names",
    metavar="NAME",
    multiple=True,
    help="Limit the robot to this repository. You can repeat the option.  [default: all repositories]",
)
@click.option(
    "--expires-in",
    "lifetime",
    metavar="TIME",
    callback=_parse_lifetime,
    help="The validity: a number with m, h or d, such as 90d.  [default: until you revoke it]",
)
@_organization_option
@account_options
def create(
    name: str,
    access: str,
    names: tuple[str, ...],
    lifetime: int | None,
    organization: str | None,
    index: IndexClient,
    as_json: bool,
) -> None:
    """Create a robot and print its token. The token is shown only once.

    Standard output contains only the token, so that a script can store it.
    """
    path, owner = _path(index, organization, name), organization or index.username
    repositories = [str(index.parse_repository(each, owner)) for each in names] or None
    body = {"access": access, "repositories": repositories, "expires_in": lifetime}
    robot, headers = index.create(NewRobot, *path, body=body)
    registry = sanitize(headers.get("X-Waybill-Registry", index.url.host))
    if not _TOKEN.fullmatch(robot.token):  # a terminal could interpret other characters
        raise UnreachableError(f"{index.name} returned a token that is not one of Waybill")
    try:
        if as_json:
            write_json(asdict(robot))
            return
        click.echo(robot.token)
    except OSError:  # nobody can read the token
        index.delete(*path)
        raise
    click.echo(
        f"The robot {name} is created. Store its token now, because it is shown only once. Log in with it:\n"
        f"docker login --username {owner} --password-stdin {registry}",
        err=True,
    )


@robots.command()
@click.argument("name")
@_organization_option
@account_options
def revoke(name: str, organization: str | None, index: IndexClient, as_json: bool) -> None:
    """Revoke a robot. Its next request is rejected."""
    index.delete(*_path(index, organization, name))
    write_result({"name": name}, f"The robot {name} is revoked.", as_json=as_json)


def _path(index: IndexClient, organization: str | None, *robot: str) -> tuple[str, ...]:
    owner = ("users", index.username) if organization is None else ("organizations", organization)
    return ("v1", *owner, "robots", *robot)
