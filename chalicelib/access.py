"""Who may do what: pure functions over who is asking and what a repository says about itself."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from chalicelib.names import LIBRARY, RepositoryName


class Role(IntEnum):
    """What somebody may do with one repository. Each holds what stands before it."""

    NONE = 0  # not even know that a private one exists
    READ = 1
    WRITE = 2
    ADMIN = 3  # describe, hide, share and delete it

    @property
    def word(self) -> str:
        """As JSON and tables spell it."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> "Role":
        """The role that `word` spells. Raises KeyError."""
        return cls[word.upper()]


class Access(StrEnum):
    """What an access token allows on its one repository."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"

    @property
    def role(self) -> Role:
        """A write token reads and writes; a delete token reads what is being deleted, for deleting takes an account."""
        return Role.WRITE if self is Access.WRITE else Role.READ


@dataclass(frozen=True, slots=True)
class Robot:
    """What a machine's credentials are good for, however much its account may do.

    `role` is READ or WRITE; `repositories` None stands for all.
    """

    name: str
    role: Role
    repositories: frozenset[RepositoryName] | None = None

    def covers(self, repository: RepositoryName) -> bool:
        """Whether the credentials are for this repository at all."""
        return self.repositories is None or repository in self.repositories


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: an account that signed in, a robot of it, or nobody in particular."""

    username: str | None = None
    admin: bool = False
    robot: Robot | None = None


ANONYMOUS = Caller()


def role_of(caller: Caller, repository: RepositoryName, *, private: bool, shared: Role = Role.NONE) -> Role:
    """What `caller` may do with `repository`. `shared` is what the repository's administrators gave the account.

    Owners and administrators may do everything. A robot has what its account has, at most what it was made for, and
    never an administrator's reach into other people's namespaces: a token in a machine's configuration leaks more
    easily than a password.
    """
    owns = caller.username == repository.namespace != LIBRARY
    rules = caller.admin and (caller.robot is None or repository.namespace == LIBRARY)
    role = Role.ADMIN if owns or rules else shared
    if caller.robot is not None:
        role = min(role, caller.robot.role) if caller.robot.covers(repository) else Role.NONE
    return max(role, Role.NONE if private else Role.READ)


def may_create(caller: Caller, repository: RepositoryName) -> bool:
    """Whether `caller` may begin `repository`: the namespace's owner, administrators, and their robots that write.

    Nobody owns `library`: no account can have that name (`names.is_username` allows it, registration refuses it).
    """
    return role_of(caller, repository, private=True) >= Role.WRITE
