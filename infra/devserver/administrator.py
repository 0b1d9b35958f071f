"""Who may do everything on a local index: somebody always can."""

import secrets
from datetime import UTC, datetime

from chalicelib.aws import Clients
from chalicelib.domain.models import User
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from chalicelib.storage.transactions import Conflict
from chalicelib.storage.users import UserStore

ADMIN = "admin"
_ADVICE = (
    f"{ADMIN} is the name of an account that is no administrator; promote one where the file is from, export again, "
    "and leave ADMIN_PASSWORD away"
)


class AdministratorError(Exception):
    """Nobody could sign in as an administrator. The message is one sentence for a person."""


def provide_administrator(aws: Clients, settings: Settings, password: str | None) -> str:
    """Sees to it that somebody can sign in as an administrator, and says who, and how, in a few words.

    With a `password` the account `admin` has it; without, an account is made only where there is no administrator.
    Raises AdministratorError.
    """
    tables = Tables(aws.dynamodb, settings.region, settings.table)
    users, passwords = UserStore(tables), Passwords(settings.bcrypt_cost)
    if password is None:
        there = sorted(item.username for item in tables.users.scan() if item.admin and item.active)
        if there:
            return f"{', '.join(there)}, password as before; ADMIN_PASSWORD=… sets {ADMIN}'s"
    user = users.get(ADMIN)
    if user is None:
        made = password or secrets.token_urlsafe(12)
        try:
            users.create(
                User(username=ADMIN, password_hash=passwords.hash(made), admin=True, created=datetime.now(UTC))
            )
        except Conflict:
            raise AdministratorError(_ADVICE) from None  # the name of a removed account is kept
        return f"{ADMIN}, password: {'the one in ADMIN_PASSWORD' if password else made}"
    if not (password and user.admin and user.active):
        raise AdministratorError(_ADVICE)
    if not passwords.verify(password, user.password_hash):
        users.change(user, password_hash=passwords.hash(password))
    return f"{ADMIN}, password: the one in ADMIN_PASSWORD"
