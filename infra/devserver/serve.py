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

from chalice.local import LocalChalice
from waitress.channel import HTTPChannel
from waitress.server import create_server

from chalicelib.aws import Clients, create_clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.domain.errors import DomainError
from chalicelib.domain.identifiers import check_password
from chalicelib.request_log import RequestLog
from chalicelib.settings import Settings, SettingsError
from infra.devserver.administrator import ADMIN, AdministratorError, provide_administrator
from infra.devserver.aws_endpoint import AwsEndpoint
from infra.devserver.console_mailer import ConsoleMailer
from infra.devserver.data_file import DataFile, DataFileError, lock_data_file, saving
from infra.devserver.gateway import Gateway
from infra.devserver.local_audit_log import LocalAuditLog
from infra.devserver.moto_aws import create_stack, local_aws

HOST = "127.0.0.1"
_MAIL = {"EMAIL_SENDER": "waybill@localhost.localdomain"}  # letters are printed, whoever they say they are from
_TLS_HANDSHAKE = b"\x16\x03"
_MAX_BODY_BYTES = 10_485_760  # API Gateway's limit; the app's own is lower and says so in JSON


class RejectTlsChannel(HTTPChannel):  # type: ignore[misc]
    """Hangs up on TLS. Docker and podman try https first, and waitress would wait for a line's end that never comes:
    ten seconds, until the client gives up and comes again without.
    """

    def received(self, data: bytes) -> bool:
        """What waitress calls with each piece of input."""
        if self.request is None and data.startswith(_TLS_HANDSHAKE):
            self.handle_close()
            return False
        return bool(super().received(data))


class ServeError(Exception):
    """The server cannot start. The message is one sentence for a person."""


def serve(environment: Mapping[str, str]) -> None:
    """Runs until Ctrl-C or SIGTERM. Raises ServeError."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a queue under load is no news
    port = environment.get("PORT") or "8000"
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ServeError(f"PORT is a number below 65536, not {port!r}")
    listener = _listener(int(port))
    address = f"http://{HOST}:{listener.getsockname()[1]}"
    try:
        settings = Settings.from_environment({**_MAIL, "BASE_URL": address, **environment})
        password = check_password(environment["ADMIN_PASSWORD"]) if environment.get("ADMIN_PASSWORD") else None
    except SettingsError as error:
        raise ServeError(str(error)) from error
    except DomainError as error:
        raise ServeError(f"ADMIN_PASSWORD cannot be used: {error.message}") from error
    data = environment.get("DATA")
    with local_aws(), ExitStack() as until_the_end:
        aws = create_clients(settings.region)
        create_stack(aws, settings.stack)
        try:
            memory, remembers = None, "Everything is in memory and gone when this stops: Ctrl-C."
            if data:
                memory = until_the_end.enter_context(lock_data_file(Path(data), settings.stack, settings.region))
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
        except (DataFileError, AdministratorError) as error:
            raise ServeError(str(error)) from error
    print("\nWaybill has stopped.", flush=True)


def _server(aws: Clients, settings: Settings, listener: socket.socket) -> Any:
    mailer = ConsoleMailer()
    journal = RequestLog(LocalAuditLog(settings.stack, settings.region).write, settings.stack)
    services = Services(settings, aws, mailer)
    gateway = Gateway(create_chalice_app(services.routes, journal, app_class=LocalChalice))
    server = create_server(
        AwsEndpoint(gateway, services.login, settings),
        sockets=[listener],
        threads=32,
        connection_limit=1000,
        max_request_body_size=_MAX_BODY_BYTES,
        ident=None,
    )
    server.channel_class = RejectTlsChannel
    return server


def _remembered(memory: DataFile) -> str:
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
        raise ServeError(f"cannot listen on {HOST}:{port}: {error.strerror}; PORT=… chooses another") from error
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
    except ServeError as error:
        sys.exit(f"waybill: {error}")
