"""Builds the parts from settings and hands them to the routes: the one place that knows them all."""

from functools import partial

from chalicelib.accounts import Accounts
from chalicelib.aws import Clients, connect, mail_client
from chalicelib.images import ImageLists
from chalicelib.letters import Letters
from chalicelib.limits import Limits
from chalicelib.links import Links
from chalicelib.mail import Mailer, SesMailer
from chalicelib.passwords import Passwords
from chalicelib.permissions import Permissions
from chalicelib.removal import Removal
from chalicelib.repositories import Repositories
from chalicelib.robots import Robots
from chalicelib.routes import system
from chalicelib.routes.account_pages import AccountPages
from chalicelib.routes.auth import AuthRoutes
from chalicelib.routes.front_pages import FrontPages
from chalicelib.routes.html import Site
from chalicelib.routes.http import Doorman, Envelope, Route
from chalicelib.routes.images import ImageRoutes
from chalicelib.routes.namespaces import NamespaceRoutes
from chalicelib.routes.repositories import RepositoryRoutes
from chalicelib.routes.robots import RobotRoutes
from chalicelib.routes.search import SearchRoutes
from chalicelib.routes.users import UserRoutes
from chalicelib.search import Search
from chalicelib.settings import Settings
from chalicelib.sharing import Sharing
from chalicelib.signing import EpochSigner, KmsSigner, Signer
from chalicelib.store.attempts import AttemptStore
from chalicelib.store.collaborators import CollaboratorStore
from chalicelib.store.images import ImageStore
from chalicelib.store.repositories import RepositoryStore
from chalicelib.store.robots import RobotStore
from chalicelib.store.spent_tokens import SpentTokenStore
from chalicelib.store.tables import Tables
from chalicelib.store.terms import TermStore
from chalicelib.store.users import UserStore
from chalicelib.tokens import Tokens


class Parts:
    """The index without its routes: what the operator's commands work with too. Calls nothing yet."""

    def __init__(self, settings: Settings, aws: Clients | None = None, mailer: Mailer | None = None) -> None:
        dynamodb, kms = aws or connect(settings.region)
        tables = Tables(dynamodb, settings.region, settings.table)
        image_store, term_store = ImageStore(tables), TermStore(tables)
        repository_store = RepositoryStore(tables, image_store, term_store)
        collaborator_store, user_store = CollaboratorStore(tables, image_store), UserStore(tables)
        root = KmsSigner(kms, settings.key)
        signer: Signer = root if settings.signer == "kms" else EpochSigner(root)
        if mailer is None and settings.email_sender:
            mailer = SesMailer(partial(mail_client, settings.region), settings.email_sender)
        spent_tokens = SpentTokenStore(tables) if settings.token_single_use else None
        permissions = Permissions(collaborator_store)

        self.tokens = Tokens(signer, settings.token_lifetime, spent_tokens)
        self.robots = Robots(RobotStore(tables))
        self.accounts = Accounts(
            user_store,
            Passwords(settings.bcrypt_cost),
            self.robots,
            Letters(user_store, Links(signer), mailer, settings.index_address),
            Limits(AttemptStore(tables)),
            activation=settings.account_activation,
            open_to_all=settings.registration == "open",
        )
        self.lists = ImageLists(image_store, permissions, memory=settings.list_memory)
        self.repositories = Repositories(
            repository_store,
            image_store,
            self.lists,
            collaborator_store,
            permissions,
            private=settings.repository_visibility == "private",
        )
        self.sharing = Sharing(collaborator_store, image_store, permissions)
        self.search = Search(term_store, repository_store, collaborator_store)
        self.removal = Removal(
            self.accounts,
            user_store,
            self.repositories,
            collaborator_store,
            self.robots,
            keep_name=settings.reserve_deleted_names,
        )


def compose(settings: Settings, aws: Clients | None = None, mailer: Mailer | None = None) -> list[Route]:
    """Everything that the index serves. Calls nothing yet. `aws` and `mailer` are for tests and the local server."""
    parts = Parts(settings, aws, mailer)
    doorman = Doorman(parts.accounts, parts.tokens)
    envelope = Envelope(settings.registry_endpoints, parts.tokens)
    site = Site(
        index_address=settings.index_address,
        front_page=settings.front_page == "on",
        sends_mail=parts.accounts.sends_mail,
    )
    front = FrontPages(
        parts.search,
        parts.repositories,
        parts.lists,
        site,
        activation=settings.account_activation,
        open_to_all=settings.registration == "open",
    )
    return [
        *system.routes(),
        *UserRoutes(parts.accounts, parts.removal, doorman).routes(),
        *RobotRoutes(parts.accounts, parts.robots, doorman).routes(),
        *RepositoryRoutes(parts.repositories, doorman, envelope).routes(),
        *ImageRoutes(parts.lists, doorman, envelope).routes(),
        *AuthRoutes(parts.lists, doorman).routes(),
        *NamespaceRoutes(parts.repositories, parts.sharing, doorman).routes(),
        *SearchRoutes(parts.search, doorman).routes(),
        *AccountPages(parts.accounts, site).routes(),
        *front.routes(),
    ]
