"""The sessions that were ended before their expiry, and the account of a session."""

from chalicelib.domain.models import User
from chalicelib.storage.tables import Tables, translate_dynamodb_errors
from chalicelib.storage.users import user_of

_KEPT_AFTER_EXPIRY_SECONDS = 3600  # containers whose clocks differ must still reject the cookie


class SessionStore:
    """Records ended sessions in the table `counters`. Every method raises Unavailable if DynamoDB does not answer."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    @translate_dynamodb_errors
    def find_user(self, username: str, session_id: str) -> User | None:
        """Return the account of a session, or None if it is missing or the session was ended.

        One consistent BatchGetItem, so that a logout, a new password or a deactivation takes effect at once.
        """
        users, counters = self._tables.users, self._tables.counters
        found = self._tables.get_items(
            {users: [{"username": {"S": username}}], counters: [{"subject": {"S": _subject(session_id)}}]}
        )
        if found[counters] or not found[users]:
            return None
        return user_of(users.from_raw_data(dict(found[users][0])))

    @translate_dynamodb_errors
    def end(self, session_id: str, expiry: int) -> None:
        """Record that a session was ended. One write."""
        self._tables.counters(_subject(session_id), expires=expiry + _KEPT_AFTER_EXPIRY_SECONDS).save()


def _subject(session_id: str) -> str:
    return f"session {session_id}"
