"""The table of all settings. docs/reference/configuration.md is generated from it."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from chalicelib.domain.choices import (
    AccountActivation,
    OrganizationCreation,
    PodmanSearch,
    Registration,
    SignerKind,
    Visibility,
)
from chalicelib.settings_parsers import (
    number,
    parse_base_url,
    parse_bool,
    parse_email,
    parse_endpoints,
    parse_host,
    parse_secret,
    parse_services,
    parse_stack,
)


class SettingsError(ValueError):
    """A setting has a value that is not allowed. The message names the setting and the allowed values."""


class Setting(Struct, frozen=True, kw_only=True):
    """One row of the table.

    Attributes:
        name: the environment variable.
        default: the text that is used if the variable is missing or empty.
        help: what the setting does, for people.
        allowed: the allowed values, for people.
        parse: returns the value of a text. Raises ValueError.
        field: the attribute of `Settings`.
    """

    name: str
    default: str
    help: str
    allowed: str
    parse: Callable[[str], Any]
    field: str = ""

    @property
    def attribute(self) -> str:
        """The attribute of `Settings`."""
        return self.field or self.name.lower()

    def read(self, environment: Mapping[str, str]) -> Any:
        """Return the value. Raises SettingsError."""
        text = environment.get(self.name) or self.default
        try:
            return self.parse(text)
        except ValueError:
            value = "the given text" if self.name == "REGISTRY_SECRET" else repr(text)
            raise SettingsError(f"{self.name} must be {self.allowed}, not {value}") from None


SETTINGS = (
    Setting(
        name="STACK",
        default="waybill-dev",
        help="The name of the stage. Tables are named `<STACK>-users` and so on.",
        allowed="3 to 200 letters, digits, '_', '.' and '-'",
        parse=parse_stack,
    ),
    Setting(
        name="AWS_REGION",
        default="us-east-1",
        help="The AWS region of the tables and the key. If it is missing, AWS_DEFAULT_REGION applies.",
        allowed="the name of a region, such as eu-west-1",
        parse=str,
        field="region",
    ),
    Setting(
        name="REGISTRY_ENDPOINTS",
        default="localhost:5000",
        help="The registries to which clients are sent, separated by commas. Docker up to 0.10 understands only one.",
        allowed="hosts without a scheme, such as registry.example.com:5000",
        parse=parse_endpoints,
    ),
    Setting(
        name="TOKEN_LIFETIME",
        default="3600",
        help="The validity of an access token in seconds.",
        allowed="a number from 60 to 86400",
        parse=number(60, 86400),
    ),
    Setting(
        name="IMAGE_LIST_CACHE_SECONDS",
        default="0",
        help="How long a container caches image lists for read tokens, in seconds. It helps if hundreds of hosts pull "
        "one repository at once. A deleted repository remains readable for this time.",
        allowed="a number from 0 to 2",
        parse=number(0, 2),
    ),
    Setting(
        name="TOKEN_SINGLE_USE",
        default="false",
        help="Whether an access token can be used only once, as an early specification says. Real registries use a "
        "token several times, so leave it off for them.",
        allowed="true or false",
        parse=parse_bool,
    ),
    Setting(
        name="SIGNER",
        default="derived",
        help="How tokens are signed: `derived` uses an hourly key that KMS derives, `kms` calls KMS for every token. "
        "docs/development/security.md compares the risks. With `kms`, each check of a token is a KMS call that costs "
        "money, including checks of forged tokens by anonymous clients.",
        allowed="derived or kms",
        parse=SignerKind,
    ),
    Setting(
        name="BCRYPT_COST",
        default="12",
        help="The bcrypt cost; the time doubles with each step. An existing hash is replaced when its owner logs in.",
        allowed="a number from 4 to 16",
        parse=number(4, 16),
    ),
    Setting(
        name="REGISTRATION",
        default="open",
        help="Who may register: `open` means everyone. With `closed`, administrators create the accounts.",
        allowed="open or closed",
        parse=Registration,
    ),
    Setting(
        name="ACCOUNT_ACTIVATION",
        default="none",
        help="What a new account needs before it can log in: `none`, `email` (the confirmation of its address) or "
        "`admin` (the activation by an administrator).",
        allowed="none, email or admin",
        parse=AccountActivation,
    ),
    Setting(
        name="ORGANIZATION_CREATION",
        default="everyone",
        help="Who may create an organisation: `everyone` with an account, or only `administrators` of the index.",
        allowed="everyone or administrators",
        parse=OrganizationCreation,
    ),
    Setting(
        name="EMAIL_SENDER",
        default="",
        help="The address from which emails are sent with SES. If it is empty, no email is sent. It needs BASE_URL. "
        "The local server prints emails instead.",
        allowed="an email address",
        parse=parse_email,
    ),
    Setting(
        name="BASE_URL",
        default="",
        help="The URL of the index, for links in emails and commands on pages.",
        allowed="a URL without a path, such as https://index.example.com",
        parse=parse_base_url,
    ),
    Setting(
        name="REPOSITORY_VISIBILITY",
        default="public",
        help="Who can see a repository that a push creates. Repositories in `library` are always public.",
        allowed="public or private",
        parse=Visibility,
    ),
    Setting(
        name="RESERVE_DELETED_NAMES",
        default="true",
        help="If true, the username of a deleted account cannot be registered again.",
        allowed="true or false",
        parse=parse_bool,
    ),
    Setting(
        name="PUBLIC_PAGES",
        default="on",
        help="Whether visitors can open `/`, searches and repository pages without a login.",
        allowed="on or off",
        parse=parse_bool,
    ),
    Setting(
        name="EMAILS_PER_DAY",
        default="150",
        help="The largest number of emails that the index sends in a day. It must be below the quota of SES, which is "
        "200 for a new AWS account.",
        allowed="a number from 1 to 1000000",
        parse=number(1, 1_000_000),
    ),
    Setting(
        name="MAX_REPOSITORIES",
        default="1000",
        help="The number of repositories that an account or an organisation can have.",
        allowed="a number from 1 to 1000000",
        parse=number(1, 1_000_000),
    ),
    Setting(
        name="MAX_STORED_MEGABYTES",
        default="100",
        help="The stored size of the image lists of an account or an organisation, in megabytes. One megabyte holds "
        "about 15,000 images.",
        allowed="a number from 1 to 100000",
        parse=number(1, 100_000),
    ),
    Setting(
        name="MAX_ROBOTS",
        default="50",
        help="The number of robots that an account or an organisation can have.",
        allowed="a number from 1 to 1000",
        parse=number(1, 1000),
    ),
    Setting(
        name="MAX_SHARES",
        default="200",
        help="The number of repositories that others can share with an account.",
        allowed="a number from 1 to 1000",
        parse=number(1, 1000),
    ),
    Setting(
        name="MAX_ORGANIZATIONS",
        default="200",
        help="The number of organisations that an account can be a member of.",
        allowed="a number from 1 to 1000",
        parse=number(1, 1000),
    ),
    Setting(
        name="MAX_MEMBERS",
        default="1000",
        help="The number of members that an organisation can have.",
        allowed="a number from 1 to 10000",
        parse=number(1, 10_000),
    ),
    Setting(
        name="REGISTRIES",
        default="",
        help="The service names of the registries that accept bearer tokens, separated by commas. It is the `service` "
        "in their configuration. If it is empty, the token endpoints are off. It needs RESERVE_DELETED_NAMES=true.",
        allowed="names such as registry.example.com, separated by commas",
        parse=parse_services,
    ),
    Setting(
        name="REGISTRY_ADDRESS",
        default="",
        help="The address of the registry that pages show for pull and login. If it is empty, the first of REGISTRIES "
        "is shown.",
        allowed="a host without a scheme, such as registry.example.com:5000",
        parse=parse_host,
    ),
    Setting(
        name="REGISTRY_SECRET",
        default="",
        help="The secret with which registries send notifications. `waybill deploy` creates it.",
        allowed="a text of at least 16 characters",
        parse=parse_secret,
    ),
    Setting(
        name="PODMAN_SEARCH",
        default="index",
        help="How podman searches. It sends no credentials to `/v1/search`. With `catalog`, that endpoint does not "
        "exist for podman. It then searches the catalogue with credentials. That finds private repositories, and "
        "shows no descriptions.",
        allowed="index or catalog",
        parse=PodmanSearch,
    ),
    Setting(
        name="TOKEN_KEY",
        default="",
        help="The id, alias or ARN of the RSA key in KMS that signs bearer tokens. If it is empty, the alias "
        "`alias/<STACK>-tokens` is used.",
        allowed="a key in KMS",
        parse=str,
    ),
    Setting(
        name="SIGNING_KEY",
        default="",
        help="The id, alias or ARN of the KMS key for tokens. If it is empty, the alias `alias/<STACK>` is used.",
        allowed="a key in KMS",
        parse=str,
    ),
)
