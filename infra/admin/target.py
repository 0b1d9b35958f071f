"""The index that a command acts on: a stack on AWS, or the stack in a running local server."""

import base64
import json
import os
from collections.abc import Callable
from functools import cache, cached_property
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from msgspec import Struct
from msgspec.structs import replace

from chalicelib.settings import Settings
from infra.devserver import ENDPOINT_PATH
from infra.devserver.aws_configuration import empty_aws_configuration
from infra.exit_codes import LoginError, UnreachableError
from infra.questions import ask_password
from infra.region import MISSING_REGION, find_region
from infra.setting_names import check_setting_names

if TYPE_CHECKING:  # botocore and PynamoDB take 0.3 seconds, which a help text does not need
    from chalicelib.aws import Clients
    from chalicelib.bootstrap import Services, Stores

_TIMEOUT_SECONDS = 30  # more than in a Lambda, because an operator can wait
_MAX_ATTEMPTS = 8


class Target(Struct, frozen=True, eq=False, dict=True):
    """An index.

    Attributes:
        settings: the stack and the region. The other settings come from the environment of the command.
        aws: the clients for DynamoDB and KMS.
        name: the index in messages.
        create_client: returns a client for another AWS service.
        administrator: the account that is used on a local server; None on AWS.
        authorization: the Basic header of that account. `repr` omits it.
        local_variables: the settings of a local server that registries need; None on AWS.
    """

    settings: Settings
    aws: "Clients"
    name: str
    create_client: Callable[[str], Any]
    administrator: str | None = None
    authorization: str | None = None
    local_variables: dict[str, str] | None = None

    def __repr__(self) -> str:
        return f"Target({self.name!r})"

    @cached_property
    def services(self) -> "Services":
        """The object graph of the product."""
        from chalicelib.bootstrap import Services

        return Services(self.settings, self.aws)

    @property
    def stores(self) -> "Stores":
        """The access to the tables."""
        return self.services.stores

    @cached_property
    def actor(self) -> str:
        """The operator in the audit log: an account of the local server, or an ARN."""
        return self.administrator or str(self.create_client("sts").get_caller_identity()["Arn"])

    @cached_property
    def logs(self) -> Any:
        """A client for CloudWatch Logs, which contains the audit log."""
        return self.create_client("logs")

    def get_function_variables(self) -> dict[str, str] | None:
        """Return the environment of the Lambda function. None on a local server, and if there is no function."""
        if self.administrator is not None:
            return None
        client = self.create_client("lambda")
        try:
            configuration = client.get_function_configuration(FunctionName=self.settings.stack)
        except client.exceptions.ResourceNotFoundException:
            return None
        variables: dict[str, str] = configuration.get("Environment", {}).get("Variables", {})
        return variables


def open_deployed(stage: str | None, region: str | None) -> Target:
    """Return the index of a stage on AWS, with the credentials that the AWS CLI would use.

    Raises SettingsError, and ClickException if the region is unknown.
    """
    session = _create_session()
    region = find_region(region, session)
    if not region:
        raise click.ClickException(
            f"{MISSING_REGION}; for a local server, pass --local URL; operators do not use `waybill login`"
        )
    if session.get_credentials() is None:
        reason = "no AWS credentials found; set AWS_PROFILE, or log in with the AWS CLI"
        raise LoginError(reason)
    settings = _read_settings({"STACK": f"waybill-{stage}"} if stage else {}, region)

    def create(service: str) -> Any:
        return create_client(service, region)

    return Target(settings, create_clients(create), f"the stack {settings.stack} in {region}", create)


def open_local(url: str) -> Target:
    """Return the index in a local server.

    The administrator is `admin`, or the name before `@` in the URL. The password comes from ADMIN_PASSWORD or from a
    prompt. Raises ClickException.
    """
    host, port, username = _parse_url(url)
    password = os.environ.get("ADMIN_PASSWORD") or ask_password(f"Password of {username}", "set ADMIN_PASSWORD")
    authorization = "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()
    stack = _fetch_stack(host, port, username, authorization)
    settings = _read_settings({"STACK": stack["stack"]}, stack["region"])
    base_url = f"http://{host}:{port}"

    def create(service: str) -> Any:
        return create_client(service, settings.region, base_url + ENDPOINT_PATH, authorization)

    return Target(
        settings,
        create_clients(create),
        f"the local server {base_url}",
        create,
        username,
        authorization,
        stack["variables"],
    )


def create_clients(create: Callable[[str], Any]) -> "Clients":
    """Return the clients that the object graph needs."""
    from chalicelib.aws import Clients

    return Clients(create("dynamodb"), create("kms"))


@cache
def create_client(service: str, region: str, endpoint: str | None = None, authorization: str | None = None) -> Any:
    """Return a botocore client. For a local server, `endpoint` is its URL and `authorization` a header."""
    from botocore.config import Config

    config = Config(
        region_name=region,
        read_timeout=_TIMEOUT_SECONDS,
        connect_timeout=_TIMEOUT_SECONDS // 3,
        retries={"total_max_attempts": _MAX_ATTEMPTS, "mode": "standard"},
        proxies=None if endpoint is None else {},  # a local server is not behind a proxy
    )
    if endpoint is None:
        return _create_session().create_client(service, config=config)
    with empty_aws_configuration():
        client = _create_local_session().create_client(service, endpoint_url=endpoint, config=config)
    if authorization is not None:
        _use_authorization(client, authorization)
    return client


@cache
def _create_session() -> Any:
    import botocore.session

    return botocore.session.get_session()


def _create_local_session() -> Any:
    """Return a session that knows nothing but unused credentials. PynamoDB would replace a client that has none."""
    import botocore.session

    session = botocore.session.get_session()
    session.set_credentials("unused", "unused")
    return session


def _use_authorization(client: Any, authorization: str) -> None:
    """Send this header with each request, instead of AWS's signature."""
    from botocore import UNSIGNED

    def set_header(request: Any, **_: Any) -> None:
        request.headers["Authorization"] = authorization

    client.meta.events.register("choose-signer.*.*", lambda **_: UNSIGNED)
    client.meta.events.register("before-send.*.*", set_header)


def _read_settings(variables: dict[str, str], region: str) -> Settings:
    check_setting_names(os.environ)
    return replace(Settings.from_environment({**os.environ, **variables}), region=region)


def _parse_url(url: str) -> tuple[str, int, str]:
    """Return the host, the port and the username."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        parts, host, port = urlsplit(""), None, 0
    if parts.scheme != "http" or not host or parts.path.strip("/") or parts.query:
        raise click.ClickException("--local must be the URL of a local server, such as http://127.0.0.1:8000")
    if parts.password is not None:
        raise click.ClickException("--local cannot contain a password; set ADMIN_PASSWORD, or enter it at the prompt")
    return host, port, parts.username or "admin"


def _fetch_stack(host: str, port: int, username: str, authorization: str) -> dict[str, Any]:
    """Return the stack and the region of a local server. This also detects a wrong URL or password."""
    server = f"http://{host}:{port}"
    connection = HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", ENDPOINT_PATH, headers={"Authorization": authorization})
        response = connection.getresponse()
        body = json.loads(response.read())
    except (OSError, HTTPException) as error:
        raise UnreachableError(f"no local server answers at {server}: {error}") from error
    except ValueError:
        body = None
    finally:
        connection.close()
    fields: dict[str, Any] = body if isinstance(body, dict) else {}
    if response.status in (401, 403, 429, 503):
        reason = f"{server} does not accept {username} as an administrator: {fields.get('error')}"
        raise LoginError(reason)
    if response.status != 200 or not {"stack", "region", "variables"} <= fields.keys():
        reason = f"{server} is not a local server of Waybill; start one with: waybill serve"
        raise UnreachableError(reason)
    return fields
