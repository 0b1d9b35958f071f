"""A stage: an index of one's own in one account and region, and everything that its name gives a name to."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
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
    """What was asked for cannot be done. The message says why and what to do, for a person."""


@dataclass(frozen=True)
class Stage:
    """A stage whose credentials were seen to work. boto3 ships no types: hence Any."""

    name: str
    region: str
    account: str
    session: Any

    @property
    def stack(self) -> str:
        """The stack with function and API; everything else is named after it."""
        return f"waybill-{self.name}"

    @property
    def data_stack(self) -> str:
        """The stack with tables and key."""
        return f"{self.stack}-data"

    @property
    def bucket(self) -> str:
        """Where this stage's releases are. Account and region make it this stage's alone."""
        return f"{self.stack}-artefacts-{self.account}-{self.region}"

    @property
    def emulator(self) -> str | None:
        """The emulator's address, where AWS_ENDPOINT_URL names one."""
        return os.environ.get("AWS_ENDPOINT_URL", "").rstrip("/") or None

    @cached_property
    def cloudformation(self) -> Any:
        """The client for stacks."""
        return self.client("cloudformation")

    @cached_property
    def s3(self) -> Any:
        """The client for the artefact bucket."""
        return self.client("s3")

    def client(self, service: str) -> Any:
        """A client that tries again when AWS asks it to go slower."""
        path_style = {"addressing_style": "path"} if self.emulator else None
        return self.session.client(service, config=Config(retries={"mode": "adaptive"}, s3=path_style))


def open_stage(name: str, region: str | None) -> Stage:
    """Checks name, region and credentials before anything is made. Raises DeployError."""
    if not _STAGE.fullmatch(name):
        raise DeployError(f"a stage's name is 2 to 20 of a-z, 0-9 and '-', beginning with a letter, not {name!r}")
    with in_one_sentence():
        session = boto3.Session(region_name=region or None)
        if session.region_name is None:
            raise NoRegionError
        account = session.client("sts").get_caller_identity()["Account"]
    return Stage(name, session.region_name, account, session)


@contextmanager
def in_one_sentence() -> Iterator[None]:
    """Turns what boto3 raises into a DeployError that a person can act on."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise DeployError(_sentence(error)) from error


def _sentence(error: ClientError | BotoCoreError) -> str:
    match error:
        case NoRegionError():
            return "which region? Say it with REGION=… (or --region, or AWS_REGION), for example REGION=eu-west-1"
        case NoCredentialsError():
            return "no AWS credentials: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        case ProfileNotFound() | PartialCredentialsError() | CredentialRetrievalError():
            return f"the AWS credentials cannot be used: {error}"
        case SSOError() | TokenRetrievalError():
            return "the AWS sign-in has expired: sign in again (aws sso login), then repeat the command"
        case EndpointConnectionError():
            return f"nothing answers at {error.kwargs['endpoint_url']}: is the region's name right, and the network up?"
        case ClientError():
            code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
            if code in _WRONG_CREDENTIALS:
                return f"AWS does not accept these credentials ({code}): check the access key, or AWS_PROFILE"
            if code in _EXPIRED:
                return "the AWS credentials have expired: get new ones, then repeat the command"
            if code in _DENIED:
                return f"the credentials lack a permission; docs/guide/deployer-policy.json has all of them. AWS says: {message}"
            return f"AWS refused {error.operation_name}: {message or code}"
    return str(error)
