"""What was sent by whom, when, and what came back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

from chalicelib.domain.roles import Role, TokenScope
from tests.index import Response, basic
from tests.linearizability.model import Images


class Kind(StrEnum):
    """What a request asks for."""

    PUSH = "push"
    UPDATE = "update"
    PULL = "pull"
    VOUCH = "vouch"
    DELETE = "delete"
    HIDE = "hide or publish"
    SHARE = "share"
    UNSHARE = "unshare"
    SIGN_IN = "sign in"
    PASSWORD = "new password"  # pragma: allowlist secret
    ROBOT = "make a robot"
    REVOKE = "revoke a robot"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody with a password; with `robot`, a machine of theirs with its token, which may as much as `limit`."""

    name: str
    secret: str = field(repr=False)
    robot: str = ""
    limit: Role = Role.ADMIN
    admin: bool = False

    @property
    def header(self) -> str:
        return basic(self.name, self.secret)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, and what it says."""

    text: str = field(repr=False)
    repository: str
    access: TokenScope
    generation: str
    expiry: int

    @property
    def header(self) -> str:
        return f"Token {self.text}"

    @classmethod
    def of(cls, text: str) -> "Token":
        fields = dict(part.split("=", 1) for part in text.split(","))
        _, _, expiry, generation, *_ = fields["signature"].split(".")
        return cls(text, fields["repository"].strip('"'), TokenScope(fields["access"]), generation, int(expiry))


@dataclass(slots=True)
class Request:
    """One request. `invoked` and `answered` are places in the order of all that happened, `began` and `ended` times;
    `status` stays None where no answer came. A request for a repository names it, `of` is whom else it is about.
    """

    number: int
    kind: Kind
    by: Account | Token | None
    repository: str = ""
    images: Images = frozenset()
    private: bool = False
    role: Role = Role.NONE
    of: str = ""
    secret: str = field(default="", repr=False)
    container: int = 0
    invoked: int = -1
    began: float = 0.0
    answered: int = -1
    ended: float = 0.0
    status: int | None = None
    generation: str | None = None
    found: Images | None = None

    def again(self) -> "Request":
        """The same, to be sent once more."""
        return Request(
            -1, self.kind, self.by, self.repository, self.images, self.private, self.role, self.of, self.secret
        )

    def __str__(self) -> str:
        by, life, said = self.by, self.generation or "-", [self.of, self.role.word, *map(_short, sorted(self.images))]
        found = "" if self.found is None else " ".join(map(_short, sorted(self.found)))
        who = "nobody" if by is None else by.name + by.robot if isinstance(by, Account) else f"{by.access} token {life}"
        return (
            f"[{self.invoked}, {self.answered}] {self.began - int(self.began) // 1000 * 1000:.2f} container "
            f"{self.container}: {who}, {self.kind} {self.repository} {'private' if self.private else ''} "
            f"{' '.join(said)}: {self.status} {life} {found}"
        )

    @property
    def is_known(self) -> bool:
        """Whether the answer says what has happened."""
        return self.status is not None and self.status != 503


def _short(image: tuple[str, str]) -> str:
    """An image for a person: what is in the middle is the same in all."""
    return "=".join(f"{part[:3]}…{part[-3:]}" if len(part) > 8 else part for part in image)


class History:
    """All requests of a history, in the order in which they were sent. For any number of threads."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.requests: list[Request] = []
        self._clock = clock
        self._order = count()
        self._numbers = count()

    def send(self, request: Request, container: int, send: Callable[[], Response | None]) -> Response | None:
        """Sends it, and notes what is to be noted; None where the answer got lost."""
        request.number, request.container = next(self._numbers), container
        request.began, request.invoked = self._clock(), next(self._order)
        self.requests.append(request)
        response = send()
        if response is not None:
            request.status = response.status
            if "x-docker-token" in response.headers and response.status < 300:
                request.generation = Token.of(response.token).generation
            if request.kind is Kind.ROBOT and response.status == 201:
                request.secret = response.json["token"]
            if request.kind is Kind.PULL and response.status == 200:
                request.found = frozenset((entry["id"], entry.get("checksum", "")) for entry in response.json)
                assert len(request.found) == len(response.json), "an id came twice"
        request.ended, request.answered = self._clock(), next(self._order)
        return response
