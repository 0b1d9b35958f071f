"""`waybill serve`: the local server."""

import logging
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from chalice.local import LocalChalice
from msgspec.structs import replace
from waitress.server import create_server

from chalicelib.aws import create_clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.domain.errors import DomainError
from chalicelib.domain.identifiers import check_password
from chalicelib.request_log import RequestLog
from chalicelib.settings import Settings
from chalicelib.settings_table import SettingsError
from infra import command_name
from infra.devserver.administrator import ADMIN, AdministratorError, ensure_administrator
from infra.devserver.aws_configuration import REGION
from infra.devserver.aws_endpoint import AwsEndpoint
from infra.devserver.channel import use_channel
from infra.devserver.console_mailer import ConsoleMailer
from infra.devserver.data_file import DataFile, DataFileError, lock_data_file, save_periodically
from infra.devserver.gateway import Gateway
from infra.devserver.local_audit_log import LocalAuditLog
from infra.devserver.local_registry import (
    LocalRegistry,
    RegistryStartError,
    add_registry_settings,
    describe_registries,
    run_registry,
    token_key_path,
)
from infra.devserver.moto_aws import create_stack, local_aws
from infra.devserver.moto_speed import fast_dynamodb
from infra.devserver.network import Network, NetworkError, listen, read_network
from infra.devserver.output import print_line, replace_unknown_characters
from infra.devserver.request_filter import RequestFilter
from infra.devserver.signals import stop_on_signals
from infra.devserver.token_key import TokenKeyError, load_token_key
from infra.setting_names import check_setting_names

_EMAIL = {"EMAIL_SENDER": "waybill@localhost.localdomain"}  # emails are printed, so any sender works
_MAX_BODY_BYTES = 10_485_760  # API Gateway's limit; the limit of the app is lower, and its error is JSON


class ServeError(Exception):
    """The server cannot start. The message is one sentence for a person."""


def serve(environment: Mapping[str, str]) -> None:
    """Serve until Ctrl-C, SIGTERM or SIGHUP. Raises ServeError."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns about each request that waits for a thread
    try:
        network = read_network(environment)
        with stop_on_signals(), listen(network) as listener, local_aws(), fast_dynamodb():
            saved = _run(environment, network, listener)
    except (DataFileError, AdministratorError, NetworkError, TokenKeyError, RegistryStartError) as error:
        raise ServeError(str(error)) from error
    print_line(f"\nWaybill has stopped.{saved}")


def _run(environment: Mapping[str, str], network: Network, listener: socket.socket) -> str:
    """Serve until a signal. Return a sentence about the data file, or an empty text."""
    base_url = network.base_url(listener)
    environment = add_registry_settings(environment)
    settings, password = _read_settings({**_EMAIL, "BASE_URL": base_url, **environment})
    clients = create_clients(settings.region)
    create_stack(clients, settings.stack)
    key_file = token_key_path(environment)
    token_key = load_token_key(key_file) if settings.registries else None
    services = Services(settings, clients, ConsoleMailer(), token_key)
    with ExitStack() as resources:
        data_file, storage = None, "All data is in memory and is lost when the server stops. Ctrl-C stops it."
        if path := environment.get("DATA"):
            data_file = resources.enter_context(lock_data_file(Path(path), clients, settings))
            storage = _load(data_file)
        administrator = ensure_administrator(services, settings, password)
        server = _create_server(services, settings, network, listener)
        registry = None
        if environment.get("REGISTRY"):
            certificate = services.bearer_tokens.get_certificate()
            registry = resources.enter_context(run_registry(environment, settings, certificate))
        notes = [registry.note if registry else "", storage]
        if registry is None or registry.address is None:
            notes.append(describe_registries(settings, key_file))
        _greet(base_url, administrator, "\n".join(filter(None, notes)), network.warning, registry)
        if data_file:
            resources.enter_context(save_periodically(data_file))
        server.run()  # returns after a signal
        server.close()
    return f" All data is saved in {data_file.path}." if data_file else ""


def _read_settings(environment: Mapping[str, str]) -> tuple[Settings, str | None]:
    """Return the settings, and the password of the administrator if one is set."""
    try:
        check_setting_names(environment)
        settings = replace(Settings.from_environment(environment), region=REGION)
        password = environment.get("ADMIN_PASSWORD")
        return settings, check_password(password) if password else None
    except SettingsError as error:
        raise ServeError(str(error)) from error
    except DomainError as error:
        raise ServeError(f"ADMIN_PASSWORD is not allowed: {error.message}") from error


def _load(data_file: DataFile) -> str:
    """Load the file, and return a sentence about it for people."""
    count = data_file.load()
    content = "a new file" if count is None else f"{count} items loaded"
    return (
        f"The data is in {data_file.path} ({content}). Changes are saved every minute and when the server stops. "
        "Ctrl-C stops it."
    )


def _create_server(services: Services, settings: Settings, network: Network, listener: socket.socket) -> Any:
    request_log = RequestLog(LocalAuditLog(settings.stack, settings.region).write, settings.stack)
    app = create_chalice_app(services.routes, request_log, app_class=LocalChalice)
    gateway = Gateway(app, services.render_unrouted)
    application = AwsEndpoint(gateway, services.login, settings)
    server = create_server(
        RequestFilter(application, settings.base_url, network.allowed_hosts, network.trusted_proxies),
        sockets=[listener],
        threads=32,
        connection_limit=1000,
        max_request_body_size=_MAX_BODY_BYTES,
        ident=None,
        clear_untrusted_proxy_headers=False,  # RequestFilter reads and removes X-Forwarded-For
    )
    use_channel(server)
    return server


def _greet(base_url: str, administrator: str, notes: str, warning: str, registry: LocalRegistry | None) -> None:
    push = f"with docker     docker login {base_url.removeprefix('http://')}    (docker 0.6 to 17.03)"
    if registry and registry.address:
        push = f"push            docker login {registry.address} && docker push {registry.address}/alice/web"
    form = '{"username":"alice","password":"a secret","email":"alice@example.com"}'
    print_line(
        f"""
Waybill listens on {base_url}

  administrator   {administrator}
  web site        {base_url}
  register        curl -d '{form}' {base_url}/v1/users/
  log in          curl -u {ADMIN} {base_url}/v1/users/
  {push}
  manage          {command_name()} users list --local {base_url}

{warning}{notes}
"""
    )


def main() -> None:
    """Run the server. If it cannot start, exit with one sentence that says why."""
    replace_unknown_characters()
    try:
        serve(os.environ)
    except ServeError as error:
        sys.exit(f"waybill: {error}")
