"""What the environment says, read once, typed and frozen. README.md has the table of all settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from chalicelib.names import is_email, is_host

_STACK = re.compile(r"[a-zA-Z0-9_.-]{3,200}", re.ASCII)
_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]{1,255}", re.ASCII)
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class SettingsError(ValueError):
    """A setting holds what it cannot hold. The message names it and says what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this index runs.

    Attributes:
        stack: the stage's name; tables are `<stack>-users` and so on, the signing key is `alias/<stack>`.
        region: the AWS region of tables and key.
        registry_endpoints: hosts for `X-Docker-Endpoints`, bare `host[:port]`.
        token_lifetime: how long an access token is good, in seconds.
        list_memory: how many seconds a container may answer read tokens from what it remembers of a list.
        token_single_use: the strict mode of an early specification: a token is good once.
        signer: `epoch` signs with an hour's key derived in KMS, `kms` asks KMS for every token.
        bcrypt_cost: the logarithm of bcrypt's work.
        account_activation: what a new account waits for: `none`, `email` (its address's confirmation), or `admin`.
        registration: `open` to everybody or `closed`.
        email_sender: the address that mail comes from; empty sends none.
        index_address: the index's own `https://host`, which links in mails begin with.
        repository_visibility: what a push creates, `public` or `private` repositories.
        reserve_deleted_names: whether a removed account's name is kept from others.
        front_proof: what CloudFront alone knows, so that its word on where a request comes from can be taken.
        front_page: whether people are shown the index at `/`, `on` or `off`.
        signing_key: the signing key as KMS knows it; empty means the alias `alias/<stack>`.
    """

    stack: str = "waybill-dev"
    region: str = "us-east-1"
    registry_endpoints: tuple[str, ...] = ("localhost:5000",)
    token_lifetime: int = 3600
    list_memory: int = 0
    token_single_use: bool = False
    signer: str = "epoch"
    bcrypt_cost: int = 12
    account_activation: str = "none"
    registration: str = "open"
    email_sender: str = ""
    index_address: str = ""
    repository_visibility: str = "public"
    reserve_deleted_names: bool = True
    front_proof: str = field(default="", repr=False)
    front_page: str = "on"
    signing_key: str = ""

    @property
    def key(self) -> str:
        """The signing key, as KMS knows it."""
        return self.signing_key or f"alias/{self.stack}"

    def table(self, name: str) -> str:
        """The full name of the table `name`."""
        return f"{self.stack}-{name}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Reads and checks everything. Raises SettingsError."""
        stack = environment.get("STACK") or cls().stack
        if not _STACK.fullmatch(stack):
            raise SettingsError(f"STACK is 3 to 200 letters, digits, '_', '.' and '-', not {stack!r}")
        sender = environment.get("EMAIL_SENDER") or ""
        if sender and not is_email(sender):
            raise SettingsError(f"EMAIL_SENDER is an address that mail comes from, not {sender!r}")
        activation = _choice(environment, "ACCOUNT_ACTIVATION", ("none", "email", "admin"))
        if activation == "email" and not sender:
            raise SettingsError("ACCOUNT_ACTIVATION=email needs EMAIL_SENDER, the address that mail comes from")
        address = (environment.get("INDEX_ADDRESS") or "").rstrip("/")
        if address and not _ADDRESS.fullmatch(address):
            raise SettingsError(f"INDEX_ADDRESS is like https://index.example.com, without a path, not {address!r}")
        if sender and not address:
            raise SettingsError("EMAIL_SENDER needs INDEX_ADDRESS, the https://… that links in mails begin with")
        return cls(
            stack=stack,
            region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or cls().region,
            registry_endpoints=_endpoints(environment.get("REGISTRY_ENDPOINTS") or cls().registry_endpoints[0]),
            token_lifetime=_number(environment, "TOKEN_LIFETIME", cls().token_lifetime, 60, 86400),
            list_memory=_number(environment, "LIST_MEMORY", cls().list_memory, 0, 2),
            token_single_use=_flag(environment, "TOKEN_SINGLE_USE", cls().token_single_use),
            signer=_choice(environment, "SIGNER", ("epoch", "kms")),
            bcrypt_cost=_number(environment, "BCRYPT_COST", cls().bcrypt_cost, 4, 16),
            account_activation=activation,
            registration=_choice(environment, "REGISTRATION", ("open", "closed")),
            email_sender=sender,
            index_address=address,
            repository_visibility=_choice(environment, "REPOSITORY_VISIBILITY", ("public", "private")),
            front_proof=environment.get("FRONT_PROOF") or "",
            reserve_deleted_names=_flag(environment, "RESERVE_DELETED_NAMES", cls().reserve_deleted_names),
            front_page=_choice(environment, "FRONT_PAGE", ("on", "off")),
            signing_key=environment.get("SIGNING_KEY") or cls().signing_key,
        )


def _endpoints(text: str) -> tuple[str, ...]:
    hosts = tuple(part.strip() for part in text.split(",") if part.strip())
    for host in hosts:
        if not is_host(host):
            raise SettingsError(f"REGISTRY_ENDPOINTS takes bare hosts like registry.example.com:5000, not {host!r}")
    if not hosts:
        raise SettingsError("REGISTRY_ENDPOINTS names no host")
    return hosts


def _number(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
        raise SettingsError(f"{name} is a number from {low} to {high}, not {text!r}")
    return int(text)


def _flag(environment: Mapping[str, str], name: str, default: bool) -> bool:
    text = (environment.get(name) or str(default)).lower()
    if text not in _TRUE + _FALSE:
        raise SettingsError(f"{name} is true or false, not {text!r}")
    return text in _TRUE


def _choice(environment: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    text = environment.get(name) or choices[0]
    if text not in choices:
        raise SettingsError(f"{name} is {' or '.join(choices)}, not {text!r}")
    return text
