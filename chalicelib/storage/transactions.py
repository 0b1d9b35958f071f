"""Transactions that are repeated after a conflict with another transaction."""

import time
from collections.abc import Callable
from enum import IntEnum
from random import random

from pynamodb.connection import Connection
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

MAX_ATTEMPTS = 6
_PAUSE_SECONDS = 0.02  # before the second attempt; doubled before each further one


class Conflict(Exception):
    """The condition of a write does not hold, because the item has changed since it was read."""


class _Kind(IntEnum):
    """The kinds of writes, in the order in which PynamoDB sends them and DynamoDB returns their results."""

    CHECK = 0
    DELETE = 1
    SAVE = 2
    UPDATE = 3


class Transaction:
    """The writes of one transaction, at most 100. They are recorded, so that each attempt can repeat them.

    A write can have a `failure`: the exception that is raised, instead of Conflict, if its condition does not hold.
    """

    def __init__(self) -> None:
        self._writes: list[tuple[_Kind, Callable[[TransactWrite], None], Exception | None]] = []

    def save(self, item: Model, condition: Condition | None = None) -> None:
        """Put an item."""
        self._writes.append((_Kind.SAVE, lambda write: write.save(item, condition), None))

    def update(
        self,
        item: Model,
        actions: list[Action],
        condition: Condition | None = None,
        *,
        failure: Exception | None = None,
    ) -> None:
        """Update attributes of an item."""
        self._writes.append((_Kind.UPDATE, lambda write: write.update(item, actions, condition), failure))

    def delete(self, item: Model, condition: Condition | None = None) -> None:
        """Delete an item."""
        self._writes.append((_Kind.DELETE, lambda write: write.delete(item, condition), None))

    def check(
        self,
        model: type[Model],
        hash_key: str,
        range_key: str | None = None,
        *,
        condition: Condition,
        failure: Exception | None = None,
    ) -> None:
        """Require that an item satisfies a condition, without writing it."""
        self._writes.append(
            (_Kind.CHECK, lambda write: write.condition_check(model, hash_key, range_key, condition), failure)
        )

    def replay(self, write: TransactWrite) -> None:
        """Add the recorded writes to a PynamoDB transaction."""
        for _, add, _ in self._writes:
            add(write)

    def failures(self) -> list[Exception | None]:
        """Return the failure of each write, in the order of DynamoDB's cancellation reasons."""
        return [failure for _, _, failure in sorted(self._writes, key=lambda entry: entry[0])]


def commit(transaction: Transaction, connection: Connection) -> None:
    """Commit a transaction. Repeat it after a pause if another transaction was writing the same items.

    Raises Conflict, or the failure of a write, if a condition does not hold. Raises TransactWriteError for other
    failures and after MAX_ATTEMPTS.
    """
    for attempt in range(MAX_ATTEMPTS):
        try:
            with TransactWrite(connection=connection) as write:
                transaction.replay(write)
            return
        except TransactWriteError as error:
            codes = [None if reason is None else reason.code for reason in error.cancellation_reasons]
            _raise_failure(transaction, codes, error)
            if set(codes) - {None} != {"TransactionConflict"} or attempt == MAX_ATTEMPTS - 1:
                raise
            time.sleep(_PAUSE_SECONDS * 2**attempt * (0.5 + random()))  # nosec B311  # not a secret


def _raise_failure(transaction: Transaction, codes: list[str | None], error: TransactWriteError) -> None:
    """Raise the failure of the first write whose condition does not hold, or Conflict if one has no failure."""
    failed = [
        failure
        for code, failure in zip(codes, transaction.failures(), strict=False)
        if code == "ConditionalCheckFailed"
    ]
    if not failed:
        return
    if None in failed:
        raise Conflict from error
    raise failed[0] or Conflict from error
