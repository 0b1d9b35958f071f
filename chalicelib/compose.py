"""Builds the parts from settings and hands them to the routes: the one place that knows them all."""

from chalicelib.accounts import Accounts
from chalicelib.aws import Clients, connect
from chalicelib.images import ImageLists
from chalicelib.passwords import Passwords
from chalicelib.repositories import Repositories
from chalicelib.routes import system
from chalicelib.routes.auth import AuthRoutes
from chalicelib.routes.http import Doorman, Envelope, Route
from chalicelib.routes.images import ImageRoutes
from chalicelib.routes.repositories import RepositoryRoutes
from chalicelib.routes.search import SearchRoutes
from chalicelib.routes.users import UserRoutes
from chalicelib.search import Search
from chalicelib.settings import Settings
from chalicelib.signing import EpochSigner, KmsSigner, Signer
from chalicelib.store.images import ImageStore
from chalicelib.store.repositories import RepositoryStore
from chalicelib.store.spent_tokens import SpentTokenStore
from chalicelib.store.tables import Tables
from chalicelib.store.terms import TermStore
from chalicelib.store.users import UserStore
from chalicelib.tokens import Tokens


def compose(settings: Settings, aws: Clients | None = None) -> list[Route]:
    """Everything that the index serves. Calls nothing yet. `aws` is for tests that watch the calls."""
    dynamodb, kms = aws or connect(settings.region)
    tables = Tables(dynamodb, settings.region, settings.table)
    image_store, term_store = ImageStore(tables), TermStore(tables)
    repository_store = RepositoryStore(tables, image_store, term_store)
    root = KmsSigner(kms, settings.key)
    signer: Signer = root if settings.signer == "kms" else EpochSigner(root)
    tokens = Tokens(signer, settings.token_lifetime, SpentTokenStore(tables) if settings.token_single_use else None)
    accounts = Accounts(UserStore(tables), Passwords(settings.bcrypt_cost))
    lists = ImageLists(image_store)
    repositories = Repositories(repository_store, image_store, lists)
    doorman = Doorman(accounts, tokens)
    envelope = Envelope(settings.registry_endpoints, tokens)
    return [
        *system.routes(),
        *UserRoutes(accounts, doorman).routes(),
        *RepositoryRoutes(repositories, doorman, envelope).routes(),
        *ImageRoutes(lists, doorman, envelope).routes(),
        *AuthRoutes(lists, doorman).routes(),
        *SearchRoutes(Search(term_store, repository_store), doorman).routes(),
    ]
