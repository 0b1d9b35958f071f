"""The index that a command acts on: a stack on AWS, or what a running local server holds."""

import base64
import json
import os
from dataclasses import dataclass, field
from functools import cache, cached_property
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import botocore.session
import click
from botocore import UNSIGNED
from botocore.config import Config
from msgspec.structs import replace

from chalicelib.aws import Clients
from chalicelib.bootstrap import Services, Stores
from chalicelib.settings import Settings, SettingsError
from infra.devserver import ENDPOINT_PATH

_SECONDS = 30  # an operator waits longer than a Lambda may
_ATTEMPTS = 8


@dataclass(frozen=True)
class Target:
    """An index: its settings, clients that reach it, and what to call it in a sentence. A local one has an `endpoint`,
    and takes the `authorization` of an `administrator`.
    """

    settings: Settings
    aws: Clients
    name: str
    administrator: str | None = None
    endpoint: str | None = None
    authorization: str | None = field(default=None, repr=False)

    @property
    def local(self) -> bool:
        """Whether it is a local server's."""
        return self.administrator is not None

    @cached_property
    def operator(self) -> str:
        """Who acts on it: an account of the local server, or whom AWS takes the credentials for."""
        if self.administrator is not None:
            return self.administrator
        identity: str = _client("sts", self.settings.region, None).get_caller_identity()["Arn"]
        return identity

    @cached_property
    def services(self) -> Services:
        """Its domain objects."""
        return Services(self.settings, self.aws)

    def function_variables(self) -> dict[str, str] | None:
        """What the function's environment says; None on a local server, and where there is no function yet."""
        if self.local:
            return None
        function = _function(self.settings.region)
        try:
            configuration = function.get_function_configuration(FunctionName=self.settings.stack)
        except function.exceptions.ResourceNotFoundException:
            return None
        variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
        return variables

    @cached_property
    def logs(self) -> Any:
        """CloudWatch's logs, where the journal is."""
        client = _client("logs", self.settings.region, self.endpoint)
        if self.authorization is not None:
            _sign(client, self.authorization)
        return client

    @property
    def stores(self) -> Stores:
        """Its tables and the access to them."""
        return self.services.stores


def deployed(stage: str | None, region: str | None) -> Target:
    """A stage's stack on AWS, reached with the credentials that AWS's own tools would use.

    Raises click.ClickException.
    """
    region = region or os.environ.get("AWS_REGION") or botocore.session.get_session().get_config_variable("region")
    if not region:
        raise click.ClickException("which region? Say it with --region, or AWS_REGION, for example eu-west-1")
    settings = _settings(stage and f"waybill-{stage}", region)
    return Target(settings, _clients(settings.region), f"the stack {settings.stack} in {settings.region}")


def local(url: str) -> Target:
    """What the local server at `url` holds, for its administrator: `admin`, or who stands before an @ in the URL.

    Asks for the password at a prompt, unless it is in ADMIN_PASSWORD. Raises click.ClickException.
    """
    host, port, username = _address(url)
    password = os.environ.get("ADMIN_PASSWORD") or click.prompt(f"Password of {username}", hide_input=True, err=True)
    header = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    address = f"http://{host}:{port}"
    said = _greeting(host, port, header, address, username)
    settings = _settings(said["stack"], said["region"])
    clients = _clients(settings.region, endpoint_url=address + ENDPOINT_PATH)
    for client in clients:
        _sign(client, header)
    return Target(
        settings,
        clients,
        f"the local server at {address}",
        administrator=username,
        endpoint=address + ENDPOINT_PATH,
        authorization=header,
    )


def _sign(client: Any, header: str) -> None:
    """Every request signs in as an account of the index, instead of with AWS's signature."""

    def sign(request: Any, **_: Any) -> None:
        request.headers["Authorization"] = header

    client.meta.events.register("choose-signer.*.*", lambda **_: UNSIGNED)
    client.meta.events.register("before-send.*.*", sign)


def _settings(stack: str | None, region: str | None) -> Settings:
    try:
        settings = Settings.from_environment({**os.environ, **({"STACK": stack} if stack else {})})
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    return replace(settings, region=region or settings.region)


def _clients(region: str, endpoint_url: str | None = None) -> Clients:
    return Clients(*(_client(service, region, endpoint_url) for service in ("dynamodb", "kms")))


def _client(service: str, region: str, endpoint_url: str | None) -> Any:
    session = _session(endpoint_url is not None)
    config = _config(region).merge(Config(proxies={} if endpoint_url else None))  # a local server is behind no proxy
    return session.create_client(service, endpoint_url=endpoint_url, config=config)


@cache
def _session(local: bool) -> Any:
    session = botocore.session.get_session()
    if local:
        session.set_credentials("nobody", "nothing")  # PynamoDB makes a client of its own where there are none
    return session


@cache
def _function(region: str) -> Any:
    return botocore.session.get_session().create_client("lambda", config=_config(region))


def _config(region: str) -> Config:
    return Config(
        region_name=region,
        read_timeout=_SECONDS,
        connect_timeout=_SECONDS // 3,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )


def _address(url: str) -> tuple[str, int, str]:
    try:
        services = urlsplit(url)
        host, port = services.hostname, services.port or 80
    except ValueError:
        host, port, services = None, 0, urlsplit("")
    if services.scheme != "http" or not host or services.path.strip("/") or services.query:
        raise click.ClickException("--local takes a local server's address, such as http://127.0.0.1:8000")
    if services.password is not None:
        raise click.ClickException("--local takes no password: put it into ADMIN_PASSWORD, or wait to be asked")
    return host, port, services.username or "admin"


def _greeting(host: str, port: int, header: str, address: str, username: str) -> dict[str, str]:
    """Which stack the server has. Asked first, so that a wrong password or address is one sentence."""
    connection = HTTPConnection(host, port, timeout=_SECONDS)
    try:
        connection.request("GET", ENDPOINT_PATH, headers={"Authorization": header})
        response = connection.getresponse()
        parsed = json.loads(response.read())
    except (OSError, HTTPException) as error:
        raise click.ClickException(f"no local server answers at {address}: {error}") from error
    except ValueError:
        parsed = None
    finally:
        connection.close()
    said: dict[str, str] = parsed if isinstance(parsed, dict) else {}
    if response.status in (401, 403, 429, 503):
        raise click.ClickException(f"the local server at {address} does not let {username} in: {said.get('error')}")
    if response.status != 200 or not {"stack", "region"} <= said.keys():
        raise click.ClickException(f"what answers at {address} is no local server of Waybill's")
    return said
