"""The settings of an index. They are read once from environment variables.

`settings_table.py` explains each setting. A test compares it with the parameters of infra/deploy/service.yaml.
"""

from collections.abc import Mapping
from typing import Self

from msgspec import Struct

from chalicelib.domain.choices import (
    AccountActivation,
    OrganizationCreation,
    PodmanSearch,
    Registration,
    SignerKind,
    Visibility,
)
from chalicelib.settings_table import SETTINGS, SettingsError


class Settings(Struct, frozen=True, kw_only=True):
    """The parsed settings. `SETTINGS` in settings_table.py explains each."""

    stack: str = "waybill-dev"
    region: str = "us-east-1"
    registry_endpoints: tuple[str, ...] = ("localhost:5000",)
    token_lifetime: int = 3600
    image_list_cache_seconds: int = 0
    token_single_use: bool = False
    signer: SignerKind = SignerKind.DERIVED
    bcrypt_cost: int = 12
    registration: Registration = Registration.OPEN
    organization_creation: OrganizationCreation = OrganizationCreation.EVERYONE
    account_activation: AccountActivation = AccountActivation.NONE
    email_sender: str = ""
    base_url: str = ""
    repository_visibility: Visibility = Visibility.PUBLIC
    reserve_deleted_names: bool = True
    public_pages: bool = True
    emails_per_day: int = 150
    max_repositories: int = 1000
    max_stored_megabytes: int = 100
    max_robots: int = 50
    max_shares: int = 200
    max_organizations: int = 200
    max_members: int = 1000
    registries: tuple[str, ...] = ()
    registry_address: str = ""
    registry_secret: str = ""
    podman_search: PodmanSearch = PodmanSearch.INDEX
    token_key: str = ""
    signing_key: str = ""

    def __repr__(self) -> str:
        return f"Settings(stack={self.stack!r}, region={self.region!r})"

    @property
    def key(self) -> str:
        """The signing key in KMS: an id, an alias or an ARN."""
        return self.signing_key or f"alias/{self.stack}"

    @property
    def rsa_key(self) -> str:
        """The key of bearer tokens in KMS: an id, an alias or an ARN."""
        return self.token_key or f"alias/{self.stack}-tokens"

    @property
    def shown_registry_address(self) -> str:
        """The address of the registry in commands, or "" without a registry."""
        return self.registry_address or next(iter(self.registries), "")

    def table(self, name: str) -> str:
        """Return the full name of a table."""
        return f"{self.stack}-{name}"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read and check all settings. Raises SettingsError."""
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or ""
        variables = {**environment, "AWS_REGION": region}
        settings = cls(**{setting.attribute: setting.read(variables) for setting in SETTINGS})
        if settings.account_activation == AccountActivation.EMAIL and not settings.email_sender:
            raise SettingsError("ACCOUNT_ACTIVATION=email needs EMAIL_SENDER, the address from which emails are sent")
        if settings.email_sender and not settings.base_url:
            raise SettingsError("EMAIL_SENDER needs BASE_URL, the URL with which links in emails start")
        if settings.registries and not settings.reserve_deleted_names:
            raise SettingsError(
                "REGISTRIES needs RESERVE_DELETED_NAMES=true, because the next owner of a name would own its content "
                "in the registry"
            )
        return settings
