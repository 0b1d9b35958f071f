"""Who may do what, as pure functions of the principal and the state of a repository."""

from collections.abc import Mapping
from enum import IntEnum, StrEnum

from msgspec import Struct

from chalicelib.domain.errors import PermissionDenied
from chalicelib.domain.identifiers import LIBRARY, RepositoryName


class Role(IntEnum):
    """What a principal may do with one repository. Each role includes the roles before it."""

    NONE = 0  # cannot know whether a private repository exists
    READ = 1  # pull
    WRITE = 2  # push
    ADMIN = 3  # describe, change visibility, share, delete

    @property
    def word(self) -> str:
        """The name that JSON and the tables use, in lower case."""
        return self.name.lower()

    @classmethod
    def parse(cls, word: str) -> "Role":
        """Return the role with this name. Raises KeyError."""
        return cls[word.upper()]


class TokenScope(StrEnum):
    """What an access token allows for its one repository."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"

    @property
    def role(self) -> Role:
        """The role that the token gives. A delete token reads: the deletion itself was authorized by an account."""
        return Role.WRITE if self is TokenScope.WRITE else Role.READ


class Robot(Struct, frozen=True):
    """The limits of a robot's credentials. They apply in addition to the limits of its account.

    Attributes:
        name: 1 to 40 characters of [a-z0-9-].
        role: READ or WRITE.
        repositories: the repositories that the robot may use; None means all of them.
    """

    name: str
    role: Role
    repositories: frozenset[RepositoryName] | None = None

    def covers(self, repository: RepositoryName) -> bool:
        """Return whether the robot may be used for this repository."""
        return self.repositories is None or repository in self.repositories


class Principal(Struct, frozen=True):
    """The account, robot or anonymous client that makes a request.

    Attributes:
        username: the account, the organisation of a robot, or None for an anonymous client.
        admin: whether the account is an administrator of the index.
        robot: the robot whose token was used, or None.
    """

    username: str | None = None
    admin: bool = False
    robot: Robot | None = None


class Grant(Struct, frozen=True):
    """The content of an access token: one scope for one generation of one repository."""

    repository: RepositoryName
    scope: TokenScope
    generation: str


ANONYMOUS = Principal()


class GivenRoles(Struct, frozen=True):
    """The roles that others have given to one account.

    Attributes:
        repositories: the roles as a collaborator, by repository and generation.
        organizations: the roles as a member, by organisation.
    """

    repositories: Mapping[tuple[RepositoryName, str], Role] = {}
    organizations: Mapping[str, Role] = {}

    def find(self, repository: RepositoryName, generation: str) -> Role:
        """Return the highest role for one generation of a repository."""
        member = self.organizations.get(repository.namespace, Role.NONE)
        return max(member, self.repositories.get((repository, generation), Role.NONE))


def role_of(principal: Principal, repository: RepositoryName, *, private: bool, given: Role = Role.NONE) -> Role:
    """Return the role of `principal` for `repository`.

    `given` is the role of the account as a collaborator, or as a member of the organisation.

    | principal                                   | role                                                  |
    | ------------------------------------------- | ----------------------------------------------------- |
    | owner of the namespace, administrator       | ADMIN                                                 |
    | robot of the organisation                   | the role of the robot                                 |
    | collaborator, member of the organisation    | `given`                                               |
    | robot                                       | the role of its account, limited to the robot's role  |
    | everyone else                               | READ if the repository is public                      |

    A robot of an administrator has no special rights outside its own namespace and `library`, because a token in a
    configuration file leaks more easily than a password.
    """
    is_owner = principal.username == repository.namespace != LIBRARY
    is_administrator = principal.admin and (principal.robot is None or repository.namespace == LIBRARY)
    role = Role.ADMIN if is_owner or is_administrator else given
    if principal.robot is not None:
        role = min(role, principal.robot.role) if principal.robot.covers(repository) else Role.NONE
    return max(role, Role.NONE if private else Role.READ)


def require_administrator(principal: Principal, action: str) -> None:
    """Require an account that is an administrator of the index, not its robot. `action` is what only they can do."""
    if not principal.admin or principal.robot is not None:
        raise PermissionDenied(f"only administrators can {action}")


def organization_role_of(principal: Principal, member: Role) -> Role:
    """Return the role of `principal` for an organisation itself. `member` is its role as a member.

    Administrators of the index have ADMIN. Robots have no role, because they cannot manage anything.
    """
    if principal.robot is not None:
        return Role.NONE
    return Role.ADMIN if principal.admin else member
