"""Who may do what: pure functions over who is asking and what a repository says about itself."""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.names import LIBRARY


class Access(StrEnum):
    """What an access token allows on its one repository."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: an account that signed in, or nobody in particular."""

    username: str | None = None
    admin: bool = False


ANONYMOUS = Caller()


def may_change(caller: Caller, namespace: str) -> bool:
    """Whether `caller` may create, update or delete in `namespace`: its owner, and administrators everywhere.

    Nobody owns `library`: no account can have that name (`names.is_username` allows it, registration refuses it).
    """
    return caller.admin or (caller.username == namespace and namespace != LIBRARY)


def token_reads(access: Access) -> bool:
    """A read token reads; a write token reads and writes."""
    return access in (Access.READ, Access.WRITE)


def token_writes(access: Access) -> bool:
    """Only a write token writes; to delete takes an account."""
    return access is Access.WRITE
