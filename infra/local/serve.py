"""`make serve`: the local server."""

import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import create_server

from chalicelib.aws import Clients, connect
from chalicelib.compose import Parts, compose
from chalicelib.errors import Refusal
from chalicelib.handlers import build
from chalicelib.journal import Journal
from chalicelib.names import check_password
from chalicelib.settings import Settings, SettingsError
from infra.local.administrator import ADMIN, NoAdministrator, provide_administrator
from infra.local.aws import create_stack, local_aws
from infra.local.door import OperatorsDoor
from infra.local.gateway import Gateway
from infra.local.journal import LocalJournal
from infra.local.mail import ConsoleMailer
from infra.local.memory import CannotRemember, Memory, remembering, saving

HOST = "127.0.0.1"
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
        password = check_password(environment["ADMIN_PASSWORD"]) if environment.get("ADMIN_PASSWORD") else None
    except SettingsError as error:
        raise CannotServe(str(error)) from error
    except Refusal as refusal:
        raise CannotServe(f"ADMIN_PASSWORD cannot be used: {refusal.message}") from refusal
    data = environment.get("DATA")
    with local_aws(), ExitStack() as until_the_end:
        aws = connect(settings.region)
        create_stack(aws, settings.stack)
        try:
            memory, remembers = None, "Everything is in memory and gone when this stops: Ctrl-C."
            if data:
                memory = until_the_end.enter_context(remembering(Path(data), settings.stack, settings.region))
                remembers = _remembered(memory)
            administrator = provide_administrator(aws, settings, password)
            server = _server(aws, settings, listener)
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, lambda *_: sys.exit(0))
            _greet(address, administrator, remembers)
            with saving(memory) if memory else nullcontext():
                server.run()  # returns on Ctrl-C and SIGTERM
                server.close()
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)  # impatience must not cost what is to be saved
        except (CannotRemember, NoAdministrator) as error:
            raise CannotServe(str(error)) from error
    print("\nWaybill has stopped.", flush=True)


def _server(aws: Clients, settings: Settings, listener: socket.socket) -> Any:
    mailer = ConsoleMailer()
    journal = Journal(LocalJournal(settings.stack, settings.region).write, settings.stack)
    gateway = Gateway(build(compose(settings, aws, mailer), journal))
    server = create_server(
        OperatorsDoor(gateway, Parts(settings, aws, mailer).accounts, settings),
        sockets=[listener],
        threads=32,
        connection_limit=1000,
        max_request_body_size=_BODY_BYTES_AT_MOST,
        ident=None,
    )
    server.channel_class = PlainChannel
    return server


def _remembered(memory: Memory) -> str:
    loaded = memory.load()
    what = "begins anew" if loaded is None else f"holds {loaded} items"
    return (
        f"Remembers in {memory.path}, which {what}: saved every minute when something changed, and at the end: Ctrl-C."
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


def _greet(address: str, administrator: str, remembers: str) -> None:
    print(
        f"""
Waybill listens on {address}

  administrator   {administrator}
  register        curl -d '{{"username":"alice","password":"a secret","email":"alice@example.com"}}' {address}/v1/users/
  log in          curl -u {ADMIN} {address}/v1/users/
  with docker     docker login {address}    (docker 0.6 to 17.03)
  look after it   .venv/bin/python -m infra users list --local {address}

{remembers}
""",
        flush=True,
    )


def main() -> None:
    """Runs the server, or says in one sentence why not."""
    try:
        serve(os.environ)
    except CannotServe as error:
        sys.exit(f"waybill: {error}")
