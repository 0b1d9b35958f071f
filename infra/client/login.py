"""`waybill login` and `waybill logout`, and the index that the other commands use."""

import json
from pathlib import Path

import click

from infra.admin.command import Command
from infra.client.credentials import Credentials, CredentialStore, write_private_file
from infra.client.index_client import IndexClient
from infra.client.index_url import IndexUrl
from infra.exit_codes import CommandError, LoginError
from infra.questions import ask, ask_password, read_password


@click.command(cls=Command)
@click.argument("url", required=False)
@click.option("--username", metavar="NAME", help="The account.  [default: the name in the URL, or a prompt]")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.  [default: a prompt]")
def login(url: str | None, username: str | None, password_stdin: bool) -> None:
    """Store the credentials of an account for the index at URL, such as https://index.example.com.

    Other commands then use this index and this account. Without URL, renew the current login. The password can be the
    token of a robot. Docker's credential helper stores it, or docker's configuration file if no helper is configured.
    """
    index_url = IndexUrl.parse(url) if url else _require_current_url()
    username = username or index_url.username or ask(f"Username for {index_url}", "pass --username")
    prompt = f"Password of {username}"
    password = read_password() if password_stdin else ask_password(prompt, "pass --password-stdin")
    if not password or ":" in username:
        raise CommandError("a username without ':' and a password are necessary")
    if index_url.scheme == "http" and not index_url.is_local:
        click.echo(f"Warning: {index_url} has no TLS, so the network can read the password.", err=True)
    credentials, store = Credentials(username, password), CredentialStore()
    try:
        IndexClient(index_url, credentials).check()
    except LoginError:
        raise LoginError(f"wrong username or password for {index_url}") from None
    previous = read_current_url()
    _write_current_url(index_url)
    try:
        helper = store.save(index_url, credentials)
    except CommandError:
        _write_current_url(previous)
        raise
    if helper is None:
        click.echo(
            f"Warning: {store.path} contains the password without encryption; docker's credential helpers encrypt it.",
            err=True,
        )
    click.echo(f"Logged in to {index_url} as {username}.")


@click.command(cls=Command)
@click.argument("url", required=False)
def logout(url: str | None) -> None:
    """Delete the stored credentials for the index at URL. Without URL, those of the current login."""
    current = read_current_url()
    index_url = IndexUrl.parse(url) if url else _require_current_url()
    index_url = IndexUrl(index_url.scheme, index_url.host)
    was_stored = CredentialStore().erase(index_url)
    if index_url == current:
        _write_current_url(None)
    click.echo(f"Logged out of {index_url}." if was_stored else f"There was no login to {index_url}.")


def read_current_url() -> IndexUrl | None:
    """Return the index of the current login, or None. Raises CommandError if the file is damaged."""
    path = _current_file()
    try:
        return IndexUrl.parse(json.loads(path.read_text("utf-8"))["url"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, CommandError):
        raise CommandError(f"{path} is damaged; delete it, and log in again") from None


def open_index(url: str | None) -> IndexClient:
    """Return the index at `url`, or that of the current login, with its stored credentials if there are any."""
    index_url = IndexUrl.parse(url) if url else _require_current_url()
    index_url = IndexUrl(index_url.scheme, index_url.host)
    return IndexClient(index_url, CredentialStore().get(index_url))


def _current_file() -> Path:
    return Path(click.get_app_dir("waybill")) / "login.json"


def _require_current_url() -> IndexUrl:
    url = read_current_url()
    if url is None:
        raise LoginError("you are not logged in; run: waybill login URL")
    return url


def _write_current_url(url: IndexUrl | None) -> None:
    if url is None:
        _current_file().unlink(missing_ok=True)
        return
    write_private_file(_current_file(), json.dumps({"url": str(url)}) + "\n")
