"""The operations of a history: who sent them, when, and what was returned."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from chalicelib.domain.roles import Role, TokenScope
from tests.index import Response, basic
from tests.linearizability.model import Images


class Kind(StrEnum):
    """The kind of an operation."""

    PUSH = "push"
    UPDATE = "update"
    PULL = "pull"
    CHECK_TOKEN = "check token"
    DELETE = "delete"
    SET_VISIBILITY = "set visibility"
    ADD_COLLABORATOR = "add collaborator"
    REMOVE_COLLABORATOR = "remove collaborator"
    LOG_IN = "log in"
    CHANGE_PASSWORD = "change password"  # pragma: allowlist secret
    CREATE_ROBOT = "create robot"
    REVOKE_ROBOT = "revoke robot"


@dataclass(frozen=True, slots=True)
class Account:
    """An account and its password. With `robot`, it is a robot of this account, with its token and its highest role."""

    name: str
    secret: str = field(repr=False)
    robot: str = ""
    max_role: Role = Role.ADMIN
    admin: bool = False

    @property
    def header(self) -> str:
        return basic(self.name, self.secret)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and its content."""

    text: str = field(repr=False)
    repository: str
    scope: TokenScope
    generation: str
    expiry: int

    @property
    def header(self) -> str:
        return f"Token {self.text}"

    @classmethod
    def parse(cls, text: str) -> "Token":
        fields = dict(part.split("=", 1) for part in text.split(","))
        _, _, expiry, generation, *_ = fields["signature"].split(".")
        return cls(text, fields["repository"].strip('"'), TokenScope(fields["access"]), generation, int(expiry))


Credential = Account | Token | None  # None is an anonymous client


@dataclass(slots=True)
class Operation:
    """One operation: a request and its response. It is a dataclass, because its repr omits the secret.

    Attributes:
        number: the place in the order in which the operations were sent.
        kind: the kind.
        credential: the account, the token, or None.
        repository: the full name; empty for operations on accounts.
        images: the images of a push or an update.
        private: the visibility to set.
        role: the role of a collaborator or robot.
        target: the collaborator, or the robot as `account/robot`.
        secret: the new password, or the token of the new robot.
        container: the number of the container.
        invoked, returned: the places of the request and of the response in the order of all events.
        started, ended: the times of the request and of the response, in seconds.
        status: the status of the response, or None if it was lost.
        generation: the generation in the token of the response.
        listed: the list in the response.
    """

    number: int
    kind: Kind
    credential: Credential
    repository: str = ""
    images: Images = frozenset()
    private: bool = False
    role: Role = Role.NONE
    target: str = ""
    secret: str = field(default="", repr=False)
    container: int = 0
    invoked: int = -1
    started: float = 0.0
    returned: int = -1
    ended: float = 0.0
    status: int | None = None
    generation: str | None = None
    listed: Images | None = None

    def repeated(self) -> "Operation":
        """Return the same request, to be sent again."""
        return Operation(
            -1,
            self.kind,
            self.credential,
            self.repository,
            self.images,
            self.private,
            self.role,
            self.target,
            self.secret,
        )

    def __str__(self) -> str:
        credential, generation = self.credential, self.generation or "-"
        arguments = [self.target, self.role.word, *map(_abbreviate, sorted(self.images))]
        listed = "" if self.listed is None else " ".join(map(_abbreviate, sorted(self.listed)))
        match credential:
            case None:
                principal = "anonymous"
            case Account():
                principal = credential.name + credential.robot
            case Token():
                principal = f"{credential.scope} token {credential.generation}"
        return (
            f"[{self.invoked}, {self.returned}] {self.started - int(self.started) // 1000 * 1000:.2f} container "
            f"{self.container}: {principal}, {self.kind} {self.repository} {'private' if self.private else ''} "
            f"{' '.join(arguments)}: {self.status} {generation} {listed}"
        )

    @property
    def has_known_outcome(self) -> bool:
        """Whether the response shows what has happened."""
        return self.status is not None and self.status != 503


def _abbreviate(image: tuple[str, str]) -> str:
    """Return an image without the middle of its id and checksum, which is the same in all images."""
    return "=".join(f"{part[:3]}…{part[-3:]}" if len(part) > 8 else part for part in image)


class History:
    """All operations of a history, in the order in which they were sent. Any number of threads can use it.

    Args:
        clock: returns seconds since 1970.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.operations: list[Operation] = []
        self._clock = clock
        self._order = count()
        self._numbers = count()

    def record(self, operation: Operation, container: int, send: Callable[[], Response | None]) -> Response | None:
        """Send the request of `operation` and record its response. Return None if the response was lost."""
        operation.number, operation.container = next(self._numbers), container
        operation.started, operation.invoked = self._clock(), next(self._order)
        self.operations.append(operation)
        response = send()
        if response is not None:
            operation.status = response.status
            if "x-docker-token" in response.headers and response.status < 300:
                operation.generation = Token.parse(response.token).generation
            if operation.kind is Kind.CREATE_ROBOT and response.status == 201:
                operation.secret = response.json["token"]
            if operation.kind is Kind.PULL and response.status == 200:
                operation.listed = frozenset((entry["id"], entry.get("checksum", "")) for entry in response.json)
                assert len(operation.listed) == len(response.json), "the list contains an id twice"
        operation.ended, operation.returned = self._clock(), next(self._order)
        return response
