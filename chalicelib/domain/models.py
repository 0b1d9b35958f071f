"""Users, robots and repositories, independent of how they are stored."""

from datetime import UTC, datetime

from msgspec import Struct

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Robot


class User(Struct, frozen=True, kw_only=True):
    """An account.

    Attributes:
        username: 4 to 30 characters of [a-z0-9_].
        password_hash: a bcrypt hash.
        emails: the account's addresses, in lower case.
        unconfirmed: the addresses that still need confirmation.
        active: whether the account can log in.
        awaiting_confirmation: true if the account becomes active when an address is confirmed.
        admin: whether the account is an administrator of the index.
        networks: up to 10 networks from which the owner has logged in.
        blocked: the accounts that cannot share repositories with this one.
        deletion_started: true while the account is being deleted. It can then only finish its deletion.
        created: the time of registration, in UTC.
    """

    username: str
    password_hash: str
    emails: frozenset[str] = frozenset()
    unconfirmed: frozenset[str] = frozenset()
    active: bool = True
    awaiting_confirmation: bool = False
    admin: bool = False
    networks: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()
    deletion_started: bool = False
    created: datetime

    def __repr__(self) -> str:
        return f"User({self.username!r})"

    @property
    def namespace(self) -> str:
        """The namespace that the account owns."""
        return self.username


class Organization(Struct, frozen=True, kw_only=True):
    """A namespace that belongs to several accounts.

    Attributes:
        name: 2 to 255 characters of [a-z0-9_-].
        members: the number of members.
        administrators: the number of members with the role ADMIN; at least 1, except at the end of a deletion.
        deletion_started: true while the organisation is being deleted.
        created: the time of creation, in UTC.
    """

    name: str
    members: int
    administrators: int
    deletion_started: bool = False
    created: datetime

    @property
    def namespace(self) -> str:
        """The namespace that the organisation owns."""
        return self.name


class RobotRecord(Struct, frozen=True, kw_only=True):
    """A robot with the data that is stored for it.

    Attributes:
        robot: the name, the role and the repositories.
        token_hash: the SHA-256 of the token, 32 bytes.
        created: the time of creation, in UTC.
        account_created: the time of creation of the account or organisation. It identifies the owner among those with
            the same name.
        expires: seconds since 1970, or None if the robot does not expire.
        last_used: a time of the last use, at most 10 minutes too old, or None.
    """

    robot: Robot
    token_hash: bytes
    created: datetime
    account_created: datetime | None = None
    expires: int | None = None
    last_used: datetime | None = None

    def __repr__(self) -> str:
        return f"RobotRecord({self.robot!r})"

    @property
    def expires_at(self) -> datetime | None:
        """`expires` as a time in UTC."""
        return None if self.expires is None else datetime.fromtimestamp(self.expires, UTC)


class Repository(Struct, frozen=True, kw_only=True):
    """A repository that exists, without its images.

    Attributes:
        name: the full name.
        generation: 16 hexadecimal digits. A name that is deleted and created again has a new generation.
        description: one line of at most 255 characters.
        private: whether only its owner, collaborators, members and administrators can see it.
        created: the time of creation, in UTC.
        last_pushed: the time of the last push to a current registry, in UTC, or None.
        tags: the number of its tags in a current registry.
        previous_deleted: when the previous generation was deleted, in seconds since 1970; 0 if there was none.
    """

    name: RepositoryName
    generation: str
    description: str = ""
    private: bool = False
    created: datetime
    last_pushed: datetime | None = None
    tags: int = 0
    previous_deleted: int = 0


class RepositoryState(Struct, frozen=True):
    """The state that decides who may use a repository. It is stored as the head of the image list.

    Attributes:
        generation: identifies this repository among those that had the same name.
        private: whether only its owner, collaborators, members and administrators can see it.
        shared: whether the repository has collaborators.
        deleted: true after a deletion, until the item expires.
        confirmed: true after a registry has presented a delete token.
        charged_bytes: the size of the list that is counted for the quota of the account, or None if the repository is
            not counted: in `library`, or imported without its account.
    """

    generation: str
    private: bool = False
    shared: bool = False
    deleted: bool = False
    confirmed: bool = False
    charged_bytes: int | None = None
