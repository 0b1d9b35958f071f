"""A stage: one index in an AWS account and region. Its name determines the names of its stacks, tables and bucket."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from msgspec import Struct

from infra.region import MISSING_REGION, find_region

_STAGE = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]", re.ASCII)
_WRONG_CREDENTIALS = (
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "AuthFailure",
    "IncompleteSignature",
    "InvalidAccessKeyId",
)
_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError")


class DeployError(Exception):
    """A command cannot be completed. The message gives the reason and the next step."""


class Stage(Struct, frozen=True):
    """A stage with working credentials. `session` is a boto3.Session; boto3 has no type annotations."""

    name: str
    region: str
    account: str
    session: Any
    partition: str = "aws"

    @property
    def stack(self) -> str:
        """The stack with the function and the API. Tables, key and bucket have this prefix."""
        return f"waybill-{self.name}"

    @property
    def data_stack(self) -> str:
        """The stack with the tables and the key."""
        return f"{self.stack}-data"

    @property
    def bucket(self) -> str:
        """The bucket with the releases. Bucket names are global, so the name contains account and region."""
        return f"{self.stack}-{self.account}-{self.region}"

    @property
    def emulator(self) -> str | None:
        """The URL of an AWS emulator, if AWS_ENDPOINT_URL contains one."""
        return os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/") or None

    def client(self, service: str) -> Any:
        """Return a client that slows down when AWS throttles it."""
        from botocore.config import Config

        path_style = {"addressing_style": "path"} if self.emulator else None
        return self.session.client(service, config=Config(retries={"mode": "adaptive"}, s3=path_style))


def open_stage(name: str, region: str | None) -> Stage:
    """Check the name, the region and the credentials. Raises DeployError."""
    if not _STAGE.fullmatch(name):
        raise DeployError(
            f"the name of a stage must be 2 to 20 of a-z, 0-9 and '-', and start with one of a-z, not {name!r}"
        )
    import boto3  # it takes 0.2 seconds, which a help text does not need
    import botocore.session

    with explain_aws_errors():
        found = find_region(region, botocore.session.get_session())
        if found is None:
            raise NoRegionError
        session = boto3.Session(region_name=found)
        identity = session.client("sts").get_caller_identity()
    return Stage(name, found, identity["Account"], session, identity["Arn"].split(":")[1])


@contextmanager
def explain_aws_errors() -> Iterator[None]:
    """Turn boto3's exceptions into a DeployError that names the next step."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise DeployError(_explain(error)) from error


def _explain(error: ClientError | BotoCoreError) -> str:
    match error:
        case NoRegionError():
            return f"{MISSING_REGION}; this command is for stacks on AWS, and a local server has none"
        case NoCredentialsError():
            return "there are no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        case ProfileNotFound() | PartialCredentialsError() | CredentialRetrievalError():
            return f"the AWS credentials cannot be used: {error}"
        case SSOError() | TokenRetrievalError():
            return "the AWS login has expired: log in again (aws sso login), then repeat the command"
        case EndpointConnectionError():
            return f"cannot connect to {error.kwargs['endpoint_url']}: check the name of the region and the network"
        case ClientError():
            code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
            if code in _WRONG_CREDENTIALS:
                return f"AWS does not accept these credentials ({code}): check the access key, or AWS_PROFILE"
            if code in _EXPIRED:
                return "the AWS credentials have expired: get new ones, then repeat the command"
            if code in _DENIED:
                return f"the credentials lack a permission: attach docs/guide/deployer-policy.json. AWS: {message}"
            return f"AWS rejected {error.operation_name}: {message or code}"
    return str(error)
