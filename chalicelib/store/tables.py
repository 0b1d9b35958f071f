"""What each table holds, as PynamoDB models without a table: `Tables` binds them to one stack.

The tables themselves are created by infra/template.yaml alone, never from here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from botocore.exceptions import BotoCoreError
from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import PynamoDBException, TransactWriteError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from chalicelib.errors import Unavailable

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=Model)

TRANSACTION_ATTEMPTS = 4


class UserItem(Model):
    """users: an account. `gone` marks a name that is kept from being taken anew, and nothing else of it is left."""

    username = UnicodeAttribute(hash_key=True)
    password_hash = UnicodeAttribute(null=True)
    emails = UnicodeSetAttribute(null=True)
    unconfirmed = UnicodeSetAttribute(null=True)
    active = BooleanAttribute(default=False)
    awaiting_confirmation = BooleanAttribute(null=True)
    admin = BooleanAttribute(default=False)
    leaving = BooleanAttribute(null=True)
    gone = BooleanAttribute(null=True)
    mailed = NumberAttribute(null=True)
    created = UTCDateTimeAttribute(null=True)


class EmailItem(Model):
    """emails: whose an address is, lower-cased, so that one address belongs to one account."""

    address = UnicodeAttribute(hash_key=True)
    username = UnicodeAttribute()


class AttemptsItem(Model):
    """attempts: how often something failed or was done under `subject`; see limits.py. `expires` is DynamoDB's too."""

    subject = UnicodeAttribute(hash_key=True)
    times = NumberAttribute()
    last = NumberAttribute()
    expires = NumberAttribute()


class RobotItem(Model):
    """robots: a machine's credentials. The token itself is not here, only its SHA-256."""

    username = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    token_hash = BinaryAttribute(legacy_encoding=False)
    role = UnicodeAttribute()
    repositories = UnicodeSetAttribute(null=True)
    expires = NumberAttribute(null=True)
    created = UTCDateTimeAttribute()
    last_used = UTCDateTimeAttribute(null=True)


class RepositoryItem(Model):
    """repositories: what is known of a living repository beside its images. Listing a namespace is one Query.

    `generation` and `private` are the head's, written with it: a list of repositories reads no heads.
    """

    namespace = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    generation = UnicodeAttribute(default="")
    description = UnicodeAttribute(default="")
    private = BooleanAttribute(default=False)
    created = UTCDateTimeAttribute()


class CollaboratorItem(Model):
    """collaborators: who shares in a repository, written from both sides; see store/collaborators.py for the keys."""

    of = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    role = UnicodeAttribute()
    generation = UnicodeAttribute()


class PrivateTerms(GlobalSecondaryIndex["TermItem"]):  # type: ignore[no-untyped-call]
    """Everybody's private repositories by their words, for administrators alone. Public ones have no `initial`."""

    class Meta:
        """As the template names it."""

        index_name = "private"
        projection = AllProjection()

    initial = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)


class TermItem(Model):
    """terms: a word that finds a repository; see store/terms.py for the keys."""

    bucket = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    rank = NumberAttribute()
    initial = UnicodeAttribute(null=True)
    private_terms = PrivateTerms()


class ImagesItem(Model):
    """images: a repository's head (`segment` is `head`) and the packed segments of its list under it.

    The head names the current generation; entries of other generations are ignored. `expires` (seconds since 1970) is
    DynamoDB's to act on.
    """

    repository = UnicodeAttribute(hash_key=True)
    segment = UnicodeAttribute(range_key=True)
    generation = UnicodeAttribute(null=True)
    private = BooleanAttribute(null=True)
    shared = BooleanAttribute(null=True)
    deleted = BooleanAttribute(null=True)
    confirmed = BooleanAttribute(null=True)
    packed = BinaryAttribute(legacy_encoding=False, null=True)
    expires = NumberAttribute(null=True)


class ConditionFailed(Exception):
    """Somebody else was first: what a write was conditional on holds no longer."""


class Tables:
    """The models bound to one stack's tables, all speaking through one botocore client.

    PynamoDB makes a client for each model, 80 to 230 ms each at first use; sharing one is what keeps cold starts short.
    """

    def __init__(self, client: Any, region: str, table: Callable[[str], str]) -> None:
        self._client = client
        self._region = region
        self.users = self._bound(UserItem, table("users"))
        self.emails = self._bound(EmailItem, table("emails"))
        self.attempts = self._bound(AttemptsItem, table("attempts"))
        self.robots = self._bound(RobotItem, table("robots"))
        self.repositories = self._bound(RepositoryItem, table("repositories"))
        self.collaborators = self._bound(CollaboratorItem, table("collaborators"))
        self.images = self._bound(ImagesItem, table("images"))
        self.terms = self._bound(TermItem, table("terms"))
        self._connection = Connection(region=region)
        self._connection._client = client

    def _bound(self, model: type[M], table_name: str) -> type[M]:
        meta = type("Meta", (), {"table_name": table_name, "region": self._region})
        bound = cast(type[M], type(model.__name__, (model,), {"Meta": meta}))
        bound._get_connection().connection._client = self._client
        return bound

    @contextmanager
    def transaction(self) -> Iterator[TransactWrite]:
        """Writes all or nothing. Raises ConditionFailed when a condition of it does not hold.

        A conflict with another transaction on the same items is no verdict: it is tried again.
        """
        write = TransactWrite(connection=self._connection)
        yield write
        for attempt in range(TRANSACTION_ATTEMPTS):
            try:
                write._commit()
                return
            except TransactWriteError as error:
                codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
                if "ConditionalCheckFailed" in codes:
                    raise ConditionFailed from error
                if codes != {"TransactionConflict"} or attempt == TRANSACTION_ATTEMPTS - 1:
                    raise


@contextmanager
def conditional() -> Iterator[None]:
    """Around a single write with a condition: raises ConditionFailed when that does not hold.

    PynamoDB's own `cause_response_code` trips over time-outs, which have no response.
    """
    try:
        yield
    except PynamoDBException as error:
        response = getattr(error.cause, "response", None) or {}
        if response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
            raise ConditionFailed from error
        raise


def stored(function: Callable[P, R]) -> Callable[P, R]:
    """Turns DynamoDB's failures in a store method into `Unavailable`: nobody outside the store knows its exceptions.

    What DynamoDB said goes with it for the log: PynamoDB's own word for a failed transaction keeps it back.
    """

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except PynamoDBException as error:
            raise Unavailable from error.cause or error
        except BotoCoreError as error:
            raise Unavailable from error

    return guarded
