"""Builds the object graph from the settings, once. Nothing here calls AWS yet."""

from functools import partial

from chalicelib.accounts.deletion import AccountDeletion
from chalicelib.accounts.email_actions import EmailActions
from chalicelib.accounts.email_addresses import EmailAddresses
from chalicelib.accounts.email_limits import EmailLimits
from chalicelib.accounts.emails import AccountEmails
from chalicelib.accounts.login import Login
from chalicelib.accounts.login_throttle import LoginThrottle
from chalicelib.accounts.mailer import Mailer, SesMailer
from chalicelib.accounts.organization_deletion import OrganizationDeletion
from chalicelib.accounts.organizations import Organizations
from chalicelib.accounts.robots import Robots
from chalicelib.accounts.service import Accounts
from chalicelib.accounts.sessions import Sessions
from chalicelib.api import system
from chalicelib.api.authentication import Authenticator
from chalicelib.api.docker_headers import DockerHeaders
from chalicelib.api.http import Route
from chalicelib.api.images import ImageRoutes
from chalicelib.api.namespaces import NamespaceRoutes
from chalicelib.api.organizations import OrganizationRoutes
from chalicelib.api.registries import RegistryRoutes
from chalicelib.api.repositories import RepositoryRoutes
from chalicelib.api.robots import RobotRoutes
from chalicelib.api.search import SearchRoutes
from chalicelib.api.token import TokenRoutes
from chalicelib.api.token_check import TokenCheckRoutes
from chalicelib.api.users import UserRoutes
from chalicelib.audit_log import AuditLog
from chalicelib.aws import Clients, create_clients, create_logs_client, create_ses_client
from chalicelib.domain.choices import (
    AccountActivation,
    OrganizationCreation,
    PodmanSearch,
    Registration,
    SignerKind,
    Visibility,
)
from chalicelib.pages.account import AccountPages
from chalicelib.pages.account_settings import AccountSettingsPages
from chalicelib.pages.administration import AdministrationPages
from chalicelib.pages.api_reference import ApiReferencePages
from chalicelib.pages.audit import AuditPages
from chalicelib.pages.guard import Guard
from chalicelib.pages.html import PageRenderer
from chalicelib.pages.login import LoginPages
from chalicelib.pages.organizations import OrganizationPages
from chalicelib.pages.public import PublicPages
from chalicelib.pages.repository import RepositoryPages
from chalicelib.pages.repository_forms import RepositoryForms
from chalicelib.pages.repository_lists import RepositoryLists
from chalicelib.pages.robots import RobotPages
from chalicelib.repositories.authorization import Authorization
from chalicelib.repositories.catalog import Catalog
from chalicelib.repositories.collaborators import Collaborators
from chalicelib.repositories.image_list_cache import ImageListCache
from chalicelib.repositories.image_lists import ImageLists
from chalicelib.repositories.overview import Overviews
from chalicelib.repositories.search import Search
from chalicelib.repositories.service import Repositories
from chalicelib.repositories.tags import Tags
from chalicelib.repositories.token_grants import TokenGrants
from chalicelib.repositories.transfer import Transfers
from chalicelib.security.access_tokens import AccessTokens
from chalicelib.security.bearer_tokens import BearerTokens, TokenKey
from chalicelib.security.email_links import EmailLinks
from chalicelib.security.kms_token_key import KmsTokenKey
from chalicelib.security.passwords import Passwords
from chalicelib.security.sessions import SessionCookies
from chalicelib.security.signing import DerivedKeySigner, KmsSigner, Signer
from chalicelib.settings import Settings
from chalicelib.storage.collaborators import CollaboratorStore
from chalicelib.storage.image_list_writer import ImageListWriter
from chalicelib.storage.image_lists import ImageListStore
from chalicelib.storage.organizations import OrganizationStore
from chalicelib.storage.quotas import Quotas
from chalicelib.storage.rate_counters import RateCounterStore
from chalicelib.storage.repositories import RepositoryStore
from chalicelib.storage.robots import RobotStore
from chalicelib.storage.search_terms import SearchTermStore
from chalicelib.storage.sessions import SessionStore
from chalicelib.storage.tables import Tables
from chalicelib.storage.tags import TagStore
from chalicelib.storage.used_tokens import UsedTokenStore
from chalicelib.storage.users import UserStore


class Stores:
    """The access to the tables of one stack."""

    def __init__(self, tables: Tables, quotas: Quotas) -> None:
        self.tables = tables
        self.users = UserStore(tables)
        self.organizations = OrganizationStore(tables, quotas)
        self.robots = RobotStore(tables, quotas)
        self.counters = RateCounterStore(tables)
        self.images = ImageListStore(tables)
        self.image_writer = ImageListWriter(tables, self.images, quotas)
        self.terms = SearchTermStore(tables)
        self.repositories = RepositoryStore(tables, self.images, self.terms, quotas)
        self.collaborators = CollaboratorStore(tables, self.images, quotas)
        self.tags = TagStore(tables, self.images)
        self.sessions = SessionStore(tables)


class Services:
    """Everything that the routes, the local server and the administration commands use.

    Args:
        settings: the settings of the index.
        clients: the botocore clients; by default new ones for the region of the settings.
        mailer: sends emails; by default SES if EMAIL_SENDER is set.
        token_key: signs bearer tokens; by default the RSA key in KMS.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Clients | None = None,
        mailer: Mailer | None = None,
        token_key: TokenKey | None = None,
    ) -> None:
        dynamodb, kms = clients or create_clients(settings.region)
        quotas = Quotas(
            repositories=settings.max_repositories,
            robots=settings.max_robots,
            shares=settings.max_shares,
            organizations=settings.max_organizations,
            members=settings.max_members,
            stored_bytes=settings.max_stored_megabytes * 1_000_000,
        )
        self.stores = Stores(Tables(dynamodb, settings.region, settings.table), quotas)
        root = KmsSigner(kms, settings.key)
        signer: Signer = root if settings.signer == SignerKind.KMS else DerivedKeySigner(root)
        if mailer is None and settings.email_sender:
            mailer = SesMailer(partial(create_ses_client, settings.region), settings.email_sender)
        self._create_accounts(settings, signer, mailer)
        self._create_repositories(settings)
        used_tokens = UsedTokenStore(self.stores.tables) if settings.token_single_use else None
        self.tokens = AccessTokens(signer, settings.token_lifetime, used_tokens)
        self.deletion = AccountDeletion(
            self.accounts,
            self.stores.users,
            self.repositories,
            self.stores.collaborators,
            self.organizations,
            self.robots,
            reserve_name=settings.reserve_deleted_names,
        )
        self.organization_deletion = OrganizationDeletion(
            self.organizations, self.stores.organizations, self.repositories, self.robots
        )
        self.bearer_tokens = BearerTokens(token_key or KmsTokenKey(kms, settings.rsa_key), settings.token_lifetime)
        self.routes = self._create_routes(settings)

    def _create_accounts(self, settings: Settings, signer: Signer, mailer: Mailer | None) -> None:
        users, passwords = self.stores.users, Passwords(settings.bcrypt_cost)
        throttle = LoginThrottle(self.stores.counters)
        limits = EmailLimits(self.stores.counters, settings.emails_per_day)
        emails = AccountEmails(users, EmailLinks(signer), mailer, limits, settings.base_url)
        self.robots = Robots(self.stores.robots)
        self.login = Login(users, self.stores.organizations, passwords, self.robots, throttle)
        self.sessions = Sessions(self.login, SessionCookies(signer), self.stores.sessions)
        self.email_actions = EmailActions(users, passwords, emails, throttle)
        self.organizations = Organizations(
            self.stores.organizations,
            users,
            self.stores.collaborators,
            self.stores.repositories,
            throttle,
            is_creation_open=settings.organization_creation == OrganizationCreation.EVERYONE,
        )
        self.accounts = Accounts(
            users,
            self.stores.repositories,
            self.stores.collaborators,
            self.organizations,
            passwords,
            emails,
            throttle,
            activation=settings.account_activation,
            is_registration_open=settings.registration == Registration.OPEN,
        )

    def _create_repositories(self, settings: Settings) -> None:
        stores, cache = self.stores, ImageListCache(settings.image_list_cache_seconds)
        authorization = Authorization(stores.images, stores.collaborators, stores.organizations)
        self.grants = TokenGrants(authorization)
        self.lists = ImageLists(stores.images, stores.image_writer, authorization, cache)
        self.repositories = Repositories(
            stores.repositories,
            stores.organizations,
            stores.images,
            self.lists,
            cache,
            stores.collaborators,
            stores.tags,
            authorization,
            creates_private=settings.repository_visibility == Visibility.PRIVATE,
        )
        self.collaborators = Collaborators(stores.collaborators, stores.users, authorization, settings.max_shares)
        self.transfers = Transfers(
            self.repositories,
            self.lists,
            self.collaborators,
            authorization,
            cache,
            stores.repositories,
            stores.images,
            stores.collaborators,
            stores.organizations,
        )
        self.tags = Tags(stores.tags, stores.repositories, self.repositories, authorization)
        self.overviews = Overviews(stores.repositories, stores.tags, authorization)
        self.catalog = Catalog(stores.terms, stores.repositories, authorization)
        self.search = Search(stores.terms, stores.repositories, authorization)

    def _create_routes(self, settings: Settings) -> list[Route]:
        bearer_tokens = self.bearer_tokens if settings.registries else None
        authenticator = Authenticator(self.login, self.tokens, bearer_tokens)
        docker_headers = DockerHeaders(settings.registry_endpoints, self.tokens)
        return [
            *system.routes(),
            *UserRoutes(self.accounts, self.deletion, authenticator).routes(),
            *RobotRoutes(
                self.accounts, self.organizations, self.robots, authenticator, settings.shown_registry_address
            ).routes(),
            *OrganizationRoutes(self.organizations, self.organization_deletion, authenticator).routes(),
            *RepositoryRoutes(
                self.repositories, authenticator, docker_headers, settings.shown_registry_address
            ).routes(),
            *ImageRoutes(self.lists, authenticator, docker_headers).routes(),
            *TokenCheckRoutes(self.lists, authenticator).routes(),
            *NamespaceRoutes(self.repositories, self.tags, self.collaborators, self.transfers, authenticator).routes(),
            *TokenRoutes(authenticator, self.grants, self.bearer_tokens, settings.registries).routes(),
            *SearchRoutes(
                self.search, authenticator, is_podman_refused=settings.podman_search == PodmanSearch.CATALOG
            ).routes(),
            *RegistryRoutes(
                self.tags,
                self.catalog,
                authenticator,
                settings.registries,
                f"{settings.base_url}/token",
                settings.registry_secret,
            ).routes(),
            *self._create_pages(settings),
        ]

    def _create_pages(self, settings: Settings) -> list[Route]:
        renderer = PageRenderer(
            base_url=settings.base_url,
            has_public_pages=settings.public_pages,
            sends_email=self.email_actions.sends_email,
            needs_confirmation=settings.account_activation == AccountActivation.EMAIL,
            is_registration_open=settings.registration == Registration.OPEN,
        )
        self.render_unrouted = renderer.render_unrouted
        guard, registry = Guard(self.sessions, renderer), settings.shown_registry_address
        return [
            *PublicPages(guard, renderer, self.search, self.repositories, registry).routes(),
            *RepositoryPages(guard, renderer, self.overviews, self.lists, registry).routes(),
            *LoginPages(guard, renderer, self.sessions, self.accounts, settings.account_activation).routes(),
            *AccountPages(guard, renderer, self.email_actions).routes(),
            *RepositoryLists(guard, renderer, self.repositories, self.overviews, registry).routes(),
            *RepositoryForms(
                guard,
                renderer,
                self.repositories,
                self.collaborators,
                self.organizations,
                self.transfers,
                registry,
                settings.repository_visibility,
            ).routes(),
            *RobotPages(guard, renderer, self.sessions, self.organizations, self.robots, registry).routes(),
            *OrganizationPages(guard, renderer, self.organizations, self.organization_deletion).routes(),
            *AccountSettingsPages(
                guard, renderer, self.sessions, self.accounts, EmailAddresses(self.stores.users), self.deletion
            ).routes(),
            *AdministrationPages(guard, renderer, self.accounts).routes(),
            *AuditPages(
                guard, renderer, AuditLog(partial(create_logs_client, settings.region), settings.stack)
            ).routes(),
            *ApiReferencePages(guard, renderer).routes(),
        ]
