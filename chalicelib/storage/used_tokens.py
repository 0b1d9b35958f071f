"""The access tokens that were used, for TOKEN_SINGLE_USE. DynamoDB deletes each record after the token has expired."""

from chalicelib.storage.tables import Tables, raises_conflict, translate_dynamodb_errors
from chalicelib.storage.transactions import Conflict

_KEPT_AFTER_EXPIRY_SECONDS = 3600  # containers whose clocks differ must still reject the token


class UsedTokenStore:
    """Records used tokens in the table `counters`. Raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._counters = tables.counters

    @translate_dynamodb_errors
    def mark_used(self, nonce: str, expiry: int) -> bool:
        """Record that a token was used, with one conditional Put. Return False if it was used before."""
        item = self._counters(f"used token {nonce}", expires=expiry + _KEPT_AFTER_EXPIRY_SECONDS)
        try:
            with raises_conflict():
                item.save(condition=self._counters.subject.does_not_exist())
        except Conflict:
            return False
        return True
