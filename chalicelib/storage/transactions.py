"""Transactions that are repeated after a conflict with another transaction."""

from collections.abc import Callable

from pynamodb.connection import Connection
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

MAX_ATTEMPTS = 4


class Conflict(Exception):
    """The condition of a write does not hold, because the item has changed since it was read."""


class Transaction:
    """The writes of one transaction, at most 100. They are recorded, so that each attempt can repeat them."""

    def __init__(self) -> None:
        self._writes: list[Callable[[TransactWrite], None]] = []

    def save(self, item: Model, condition: Condition | None = None) -> None:
        """Put an item."""
        self._writes.append(lambda write: write.save(item, condition))

    def update(self, item: Model, actions: list[Action], condition: Condition | None = None) -> None:
        """Update attributes of an item."""
        self._writes.append(lambda write: write.update(item, actions, condition))

    def delete(self, item: Model, condition: Condition | None = None) -> None:
        """Delete an item."""
        self._writes.append(lambda write: write.delete(item, condition))

    def check(self, model: type[Model], hash_key: str, range_key: str | None = None, *, condition: Condition) -> None:
        """Require that an item satisfies a condition, without writing it."""
        self._writes.append(lambda write: write.condition_check(model, hash_key, range_key, condition))

    def replay(self, write: TransactWrite) -> None:
        """Add the recorded writes to a PynamoDB transaction."""
        for add in self._writes:
            add(write)


def commit(transaction: Transaction, connection: Connection) -> None:
    """Commit a transaction. Repeat it if another transaction was writing the same items.

    Raises Conflict if a condition does not hold. Raises TransactWriteError for other failures and after MAX_ATTEMPTS.
    """
    for attempt in range(MAX_ATTEMPTS):
        try:
            with TransactWrite(connection=connection) as write:
                transaction.replay(write)
            return
        except TransactWriteError as error:
            codes = {reason.code for reason in error.cancellation_reasons if reason is not None}
            if "ConditionalCheckFailed" in codes:
                raise Conflict from error
            if codes != {"TransactionConflict"} or attempt == MAX_ATTEMPTS - 1:
                raise
