"""The content of each table, as PynamoDB models, and the access to one stack's tables.

`infra/deploy/data.yaml` creates the tables. This module never does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    NumberAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.exceptions import PynamoDBException
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from chalicelib.domain.errors import Unavailable
from chalicelib.storage.batch_reads import read_items
from chalicelib.storage.shared_client import create_connection, share_client
from chalicelib.storage.transactions import Conflict, Transaction, commit

P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", bound=Model)
RawItem = Mapping[str, Mapping[str, Any]]  # DynamoDB's JSON: {"segment": {"S": "head"}}


class UserItem(Model):
    """users: one item for each account and each organisation, so that they cannot have the same name.

    A `tombstone` reserves the name of a deleted account or organisation and has no other data. `repositories`,
    `robots`, `shares`, `organizations`, `members` and `stored_bytes` are counted for the quotas, in the transactions
    that change them. An `organization` has no password, and counts its `administrators`.
    """

    username = UnicodeAttribute(hash_key=True)
    password_hash = UnicodeAttribute(null=True)
    emails = UnicodeSetAttribute(null=True)
    unconfirmed = UnicodeSetAttribute(null=True)
    active = BooleanAttribute(default=False)
    awaiting_confirmation = BooleanAttribute(null=True)
    admin = BooleanAttribute(default=False)
    deletion_started = BooleanAttribute(null=True)
    tombstone = BooleanAttribute(null=True)
    networks = UnicodeSetAttribute(null=True)
    blocked = UnicodeSetAttribute(null=True)
    repositories = NumberAttribute(null=True)
    robots = NumberAttribute(null=True)
    shares = NumberAttribute(null=True)
    organizations = NumberAttribute(null=True)
    organization = BooleanAttribute(null=True)
    members = NumberAttribute(null=True)
    administrators = NumberAttribute(null=True)
    stored_bytes = NumberAttribute(null=True)
    created = UTCDateTimeAttribute(null=True)


class EmailItem(Model):
    """emails: the account that has an address, in lower case. Each address belongs to one account.

    An `unconfirmed` claim does not keep others from using the address, and expires.
    """

    address = UnicodeAttribute(hash_key=True)
    username = UnicodeAttribute()
    unconfirmed = BooleanAttribute(null=True)
    expires = NumberAttribute(null=True)


class CounterItem(Model):
    """counters: rate counters, used tokens and ended sessions. DynamoDB deletes expired items.

    `last` and `expires` are seconds since 1970. The attribute `total` is stored as `count`, because `Model.count`
    exists.
    """

    subject = UnicodeAttribute(hash_key=True)
    total = NumberAttribute(attr_name="count", null=True)
    last = NumberAttribute(null=True)
    expires = NumberAttribute()


class RobotItem(Model):
    """robots: the credentials of machines. The table holds the SHA-256 of a token, not the token."""

    username = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    token_hash = BinaryAttribute(legacy_encoding=False)
    role = UnicodeAttribute()
    repositories = UnicodeSetAttribute(null=True)
    expires = NumberAttribute(null=True)
    created = UTCDateTimeAttribute()
    account_created = UTCDateTimeAttribute(null=True)
    last_used = UTCDateTimeAttribute(null=True)


class RepositoryItem(Model):
    """repositories: one item for each existing repository. A namespace is listed with one Query.

    `generation` and `private` are copies from the head in `images`, so that a listing does not read the heads. `tags`
    is counted in the transactions that add tags and take them away; see tags.py.
    """

    namespace = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute(range_key=True)
    generation = UnicodeAttribute(default="")
    description = UnicodeAttribute(default="")
    private = BooleanAttribute(default=False)
    created = UTCDateTimeAttribute()
    last_pushed = UTCDateTimeAttribute(null=True)
    tags = NumberAttribute(null=True)
    previous_deleted = NumberAttribute(null=True)


class CollaboratorItem(Model):
    """collaborators: the roles of accounts in repositories of others and in organisations.

    See collaborators.py and organizations.py for the keys. A member has no generation.
    """

    of = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    role = UnicodeAttribute()
    generation = UnicodeAttribute(default="")


class PrivateTerms(GlobalSecondaryIndex["TermItem"]):  # type: ignore[no-untyped-call]
    """An index of the terms of all private repositories, for administrators. Terms of public ones have no `initial`."""

    class Meta:
        """The name in the template."""

        index_name = "private"
        projection = AllProjection()

    initial = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)


class TermItem(Model):
    """terms: the words that find repositories; see search_terms.py for the keys."""

    bucket = UnicodeAttribute(hash_key=True)
    entry = UnicodeAttribute(range_key=True)
    rank = NumberAttribute()
    generation = UnicodeAttribute(null=True)
    description = UnicodeAttribute(null=True)
    initial = UnicodeAttribute(null=True)
    created = UTCDateTimeAttribute(null=True)  # only in data of earlier versions, which an import still accepts
    private_terms = PrivateTerms()


class ImagesItem(Model):
    """images: the head of each image list (`segment` is `head`) and its packed segments; see image_lists.py.

    `expires` is in seconds since 1970; DynamoDB deletes the item after that.
    """

    repository = UnicodeAttribute(hash_key=True)
    segment = UnicodeAttribute(range_key=True)
    generation = UnicodeAttribute(null=True)
    private = BooleanAttribute(null=True)
    shared = BooleanAttribute(null=True)
    deleted = BooleanAttribute(null=True)
    confirmed = BooleanAttribute(null=True)
    charged_bytes = NumberAttribute(null=True)
    packed = BinaryAttribute(legacy_encoding=False, null=True)
    expires = NumberAttribute(null=True)


class TagItem(Model):
    """tags: tags and long descriptions of repositories; see tags.py. `pushed` is in nanoseconds since 1970."""

    repository = UnicodeAttribute(hash_key=True)
    tag = UnicodeAttribute(range_key=True)
    generation = UnicodeAttribute()
    digest = UnicodeAttribute(null=True)
    media_type = UnicodeAttribute(null=True)
    size = NumberAttribute(null=True)
    pushed = NumberAttribute()
    deleted = BooleanAttribute(null=True)
    text = UnicodeAttribute(null=True)
    expires = NumberAttribute(null=True)


class Tables:
    """The models of one stack. All of them use one botocore client.

    Args:
        client: a botocore client for DynamoDB.
        region: an AWS region.
        table: returns the full name of a table, `prod-users` for `users`.
    """

    def __init__(self, client: Any, region: str, table: Callable[[str], str]) -> None:
        self._client = client
        self._region = region
        self.users = self._bind(UserItem, table("users"))
        self.emails = self._bind(EmailItem, table("emails"))
        self.counters = self._bind(CounterItem, table("counters"))
        self.robots = self._bind(RobotItem, table("robots"))
        self.repositories = self._bind(RepositoryItem, table("repositories"))
        self.collaborators = self._bind(CollaboratorItem, table("collaborators"))
        self.images = self._bind(ImagesItem, table("images"))
        self.terms = self._bind(TermItem, table("terms"))
        self.tags = self._bind(TagItem, table("tags"))
        self._connection = create_connection(client, region)

    def _bind(self, model: type[M], table_name: str) -> type[M]:
        meta = type("Meta", (), {"table_name": table_name, "region": self._region})
        bound = cast(type[M], type(model.__name__, (model,), {"Meta": meta}))
        share_client(bound, self._client)
        return bound

    def get_image_item(self, repository: str, segment: str) -> RawItem | None:
        """Return one item of `images`. One strongly consistent GetItem.

        This method and `query_image_items` do not use PynamoDB, because its work for each item is a large part of the
        time of a token check.
        """
        response = self._client.get_item(
            TableName=self.images.Meta.table_name,
            Key={"repository": {"S": repository}, "segment": {"S": segment}},
            ConsistentRead=True,
        )
        item: RawItem | None = response.get("Item")
        return item

    def query_image_items(self, repository: str) -> Iterator[RawItem]:
        """Yield all items of a repository in the order of their range keys.

        One strongly consistent Query for each megabyte.
        """
        query: dict[str, Any] = {
            "TableName": self.images.Meta.table_name,
            "KeyConditionExpression": "repository = :key",
            "ExpressionAttributeValues": {":key": {"S": repository}},
            "ConsistentRead": True,
        }
        while True:
            response = self._client.query(**query)
            yield from response["Items"]
            if "LastEvaluatedKey" not in response:
                return
            query["ExclusiveStartKey"] = response["LastEvaluatedKey"]

    def get_items(self, keys: Mapping[type[Model], Sequence[RawItem]]) -> dict[type[Model], list[RawItem]]:
        """Return the items of several tables that exist, in no order. One strongly consistent BatchGetItem."""
        found = read_items(self._client, {model.Meta.table_name: each for model, each in keys.items()})
        return {model: found[model.Meta.table_name] for model in keys}

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Collect writes, and commit all or none of them at the end of the block. Raises Conflict."""
        transaction = Transaction()
        yield transaction
        commit(transaction, self._connection)


@contextmanager
def raises_conflict() -> Iterator[None]:
    """Turn a failed condition of a single write into Conflict.

    PynamoDB's `cause_response_code` raises an AttributeError after a timeout, which has no response.
    """
    try:
        yield
    except PynamoDBException as error:
        response = getattr(error.cause, "response", None) or {}
        if response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
            raise Conflict from error
        raise


def translate_dynamodb_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Turn DynamoDB's errors in a storage method into Unavailable. No other package knows DynamoDB's exceptions.

    The cause of Unavailable is the botocore exception if there is one, because PynamoDB's message for a failed
    transaction does not contain the reason.
    """

    @wraps(function)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except PynamoDBException as error:
            raise Unavailable from error.cause or error
        except (BotoCoreError, ClientError) as error:
            raise Unavailable from error

    return translated
