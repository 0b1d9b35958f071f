"""The administrator of a local server. There is always one."""

import secrets
from datetime import UTC, datetime

from chalicelib.bootstrap import Services
from chalicelib.domain.models import User
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from chalicelib.storage.transactions import Conflict

ADMIN = "admin"
_NOT_AN_ADMINISTRATOR = (
    f"the account {ADMIN!r} is not an active administrator; promote it in the index that the data file comes from and "
    "export again, or start without ADMIN_PASSWORD"
)


class AdministratorError(Exception):
    """No administrator could log in. The message is one sentence for a person."""


def ensure_administrator(services: Services, settings: Settings, password: str | None) -> str:
    """Ensure that an administrator can log in, and return a short text for people: the username and the password.

    Args:
        services: the index.
        settings: its settings.
        password: the password of the account `admin`. If it is None and there is no active administrator, `admin` is
            created with a random password.

    Raises AdministratorError.
    """
    users, passwords = services.stores.users, Passwords(settings.bcrypt_cost)
    if password is None:
        scan = services.stores.tables.users.scan(consistent_read=True)
        if administrators := sorted(item.username for item in scan if item.admin and item.active):
            return f"{', '.join(administrators)} (password unchanged; ADMIN_PASSWORD=… sets the one of {ADMIN})"
    user = users.get(ADMIN)
    if user is None:
        new_password = password or secrets.token_urlsafe(12)
        password_hash = passwords.hash(new_password)
        try:
            users.create(User(username=ADMIN, password_hash=password_hash, admin=True, created=datetime.now(UTC)))
        except Conflict:
            raise AdministratorError(_NOT_AN_ADMINISTRATOR) from None  # the name of a deleted account is reserved
        return f"{ADMIN}, password: {'the value of ADMIN_PASSWORD' if password else new_password}"
    if not (password and user.admin and user.active):
        raise AdministratorError(_NOT_AN_ADMINISTRATOR)
    if not passwords.verify(password, user.password_hash):
        users.change(user, password_hash=passwords.hash(password))
    return f"{ADMIN}, password: the value of ADMIN_PASSWORD"
