"""The choices that settings offer."""

from enum import StrEnum


class SignerKind(StrEnum):
    """How MACs are computed."""

    DERIVED = "derived"
    KMS = "kms"


class Registration(StrEnum):
    """Who may register an account."""

    OPEN = "open"
    CLOSED = "closed"


class OrganizationCreation(StrEnum):
    """Who may create an organisation."""

    EVERYONE = "everyone"
    ADMINISTRATORS = "administrators"


class AccountActivation(StrEnum):
    """What a new account needs before it can log in."""

    NONE = "none"
    EMAIL = "email"
    ADMIN = "admin"


class Visibility(StrEnum):
    """Who can see a repository that a push creates."""

    PUBLIC = "public"
    PRIVATE = "private"


class PodmanSearch(StrEnum):
    """Which endpoint podman searches."""

    INDEX = "index"
    CATALOG = "catalog"
