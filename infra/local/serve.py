"""`make serve`: the local server."""

import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

from waitress.channel import HTTPChannel
from waitress.server import create_server

from chalicelib.aws import Clients, connect
from chalicelib.compose import compose
from chalicelib.errors import Refusal
from chalicelib.handlers import build
from chalicelib.journal import Journal
from chalicelib.names import check_password
from chalicelib.passwords import Passwords
from chalicelib.settings import Settings, SettingsError
from chalicelib.store.tables import Tables
from chalicelib.store.users import User, UserStore
from infra.local.aws import create_stack, local_aws
from infra.local.gateway import Gateway
from infra.local.mail import ConsoleMailer

HOST = "127.0.0.1"
ADMIN = "admin"
_MAIL = {"EMAIL_SENDER": "waybill@localhost.localdomain"}  # letters are printed, whoever they say they are from
_TLS_HANDSHAKE = b"\x16\x03"
_BODY_BYTES_AT_MOST = 10_485_760  # API Gateway's limit; the app's own is lower and says so in JSON


class PlainChannel(HTTPChannel):  # type: ignore[misc]
    """Hangs up on TLS. Docker and podman try https first, and waitress would wait for a line's end that never comes:
    ten seconds, until the client gives up and comes again without.
    """

    def received(self, data: bytes) -> bool:
        """What waitress calls with each piece of input."""
        if self.request is None and data.startswith(_TLS_HANDSHAKE):
            self.handle_close()
            return False
        return bool(super().received(data))


def _unwritten(line: str) -> None:
    """The local server's own lines are for people to read."""


class CannotServe(Exception):
    """The server cannot start. The message is one sentence for a person."""


def serve(environment: Mapping[str, str]) -> None:
    """Runs until Ctrl-C or SIGTERM. Raises CannotServe."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a queue under load is no news
    port = environment.get("PORT") or "8000"
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise CannotServe(f"PORT is a number below 65536, not {port!r}")
    listener = _listener(int(port))
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    try:
        settings = Settings.from_environment({**_MAIL, "INDEX_ADDRESS": address, **environment})
        password = check_password(environment.get("ADMIN_PASSWORD") or secrets.token_urlsafe(12))
    except SettingsError as error:
        raise CannotServe(str(error)) from error
    except Refusal as refusal:
        raise CannotServe(f"ADMIN_PASSWORD cannot be used: {refusal.message}") from refusal
    with local_aws():
        aws = connect(settings.region)
        create_stack(aws, settings.stack)
        create_administrator(aws, settings, password)
        server = create_server(
            Gateway(build(compose(settings, aws, ConsoleMailer()), Journal(_unwritten, settings.stack))),
            sockets=[listener],
            threads=32,
            connection_limit=1000,
            max_request_body_size=_BODY_BYTES_AT_MOST,
            ident=None,
        )
        server.channel_class = PlainChannel
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        _greet(address, "ADMIN_PASSWORD" if environment.get("ADMIN_PASSWORD") else password)
        server.run()  # returns on Ctrl-C and SIGTERM
        server.close()
    print("\nWaybill has stopped.", flush=True)


def create_administrator(aws: Clients, settings: Settings, password: str) -> None:
    """The one account that a local index begins with."""
    UserStore(Tables(aws.dynamodb, settings.region, settings.table)).create(
        User(
            username=ADMIN,
            password_hash=Passwords(settings.bcrypt_cost).hash(password),
            admin=True,
            created=datetime.now(UTC),
        )
    )


def _listener(port: int) -> socket.socket:
    """Bound before anything is composed: letters carry the address, and port 0 is any that is free."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise CannotServe(f"cannot listen on {HOST}:{port}: {error.strerror}; PORT=… chooses another") from error
    return listener


def _greet(address: str, password: str) -> None:
    shown = "the one in ADMIN_PASSWORD" if password == "ADMIN_PASSWORD" else password  # noqa: S105
    print(
        f"""
Waybill listens on {address}

  administrator   {ADMIN}, password: {shown}
  register        curl -d '{{"username":"alice","password":"a secret","email":"alice@example.com"}}' {address}/v1/users/
  log in          curl -u {ADMIN} {address}/v1/users/
  with docker     docker login {address}    (docker 0.6 to 17.03)

Everything is in memory and gone when this stops: Ctrl-C.
""",
        flush=True,
    )


def main() -> None:
    """Runs the server, or says in one sentence why not."""
    try:
        serve(os.environ)
    except CannotServe as error:
        sys.exit(f"waybill: {error}")
