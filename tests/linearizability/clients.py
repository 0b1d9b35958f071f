"""Clients that send random operations. They know every credential that any of them received, and also try old ones."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from chalicelib.domain.roles import Role, TokenScope
from tests.index import Index, Response
from tests.linearizability.model import State
from tests.linearizability.operations import Account, Credential, History, Kind, Operation, Token

OWNER, OTHERS, ADMIN = "alice", ("bobby", "carol"), "admin"
REPOSITORIES = ("alice/web", "alice/api")
SHARED_IMAGE = "c" * 64  # its checksum changes; every other image is pushed once
MAX_REPETITIONS = 3
_WEIGHTS = {
    Kind.PUSH: 24,
    Kind.UPDATE: 12,
    Kind.PULL: 26,
    Kind.CHECK_TOKEN: 7,
    Kind.DELETE: 8,
    Kind.SET_VISIBILITY: 5,
    Kind.ADD_COLLABORATOR: 6,
    Kind.REMOVE_COLLABORATOR: 4,
    Kind.LOG_IN: 5,
    Kind.CHANGE_PASSWORD: 4,
    Kind.CREATE_ROBOT: 3,
    Kind.REVOKE_ROBOT: 3,
}


class Credentials:
    """The passwords, robots and tokens that the clients of a history have received, old and new.

    Args:
        prefix: the beginning of the usernames of this history.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.passwords = {name: [f"first password of {name}"] for name in self.names}
        self.robots: list[Account] = []
        self.tokens: list[Token] = []

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.prefix + name for name in (OWNER, *OTHERS, ADMIN))

    @property
    def repositories(self) -> tuple[str, ...]:
        return tuple(self.prefix + name for name in REPOSITORIES)

    def account(self, name: str, place: int = -1) -> Account:
        """Return an account with its newest known password, or with the one at `place`."""
        return Account(self.prefix + name, self.passwords[self.prefix + name][place], admin=name == ADMIN)

    def register(self, index: Index) -> State:
        """Create the accounts, and return the state after that."""
        for name, (password,) in self.passwords.items():
            index.create_account(name, admin=name.endswith(ADMIN), password=password)
        return State(
            passwords=frozenset((name, password) for name, (password,) in self.passwords.items()),
            cache_seconds=index.settings.image_list_cache_seconds,
        )


class Client:
    """Sends operations to random containers, one after the other.

    Args:
        name: the beginning of the ids of its images.
        random: the source of all choices.
        history: records the operations.
        credentials: the credentials of all clients.
        containers: the number of containers.
        send: sends an operation to a container. It returns None if the response was lost.
    """

    def __init__(
        self,
        name: str,
        random: Random,
        history: History,
        credentials: Credentials,
        containers: int,
        send: Callable[[int, Operation], Response | None],
    ) -> None:
        self._name = name
        self._random = random
        self._history = history
        self._credentials = credentials
        self._containers = containers
        self._send_to = send
        self.repetitions = 0
        self._container = 0
        self._images_created = 0

    def act(self) -> None:
        """Send one operation. Some pulls are followed by two more pulls with the token, like those of a registry."""
        kind = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        operation = getattr(self, f"_{kind.name.lower()}")(kind)
        response = self.send(operation)
        if (
            operation.kind is Kind.PULL
            and response is not None
            and response.status == 200
            and self._random.random() < 0.4
        ):
            token = Token.parse(response.token)
            self.send(self._operation(Kind.PULL, token, repository=token.repository))
            if self._random.random() < 0.5:
                self.send(self._update(Kind.UPDATE))
            self.send(self._operation(Kind.PULL, token, repository=token.repository))

    def send(self, operation: Operation) -> Response | None:
        """Send an operation. Repeat it while the response does not tell what has happened."""
        response = self._send_once(operation)
        for _ in range(MAX_REPETITIONS):
            if operation.has_known_outcome:
                break
            operation = operation.repeated()
            self.repetitions += 1
            response = self._send_once(operation)
        return response

    def _send_once(self, operation: Operation) -> Response | None:
        """Send an operation, often to the same container as before, and keep the credentials in the response."""
        if self._random.random() < 0.4:
            self._container = self._random.randrange(self._containers)
        container = self._container
        response = self._history.record(operation, container, lambda: self._send_to(container, operation))
        if operation.kind is Kind.CHANGE_PASSWORD and isinstance(operation.credential, Account):
            passwords = self._credentials.passwords[operation.credential.name]
            if operation.status == 204 or not operation.has_known_outcome:
                passwords.append(operation.secret)  # it may be the new password
        if response is None or response.status >= 300:
            return response
        if "x-docker-token" in response.headers and not isinstance(operation.credential, Token):
            self._credentials.tokens.append(Token.parse(response.token))
        if operation.kind is Kind.CREATE_ROBOT:
            owner, _, robot = operation.target.partition("/")
            self._credentials.robots.append(Account(owner, operation.secret, robot, operation.role))
        return response

    def create_first_repository(self) -> None:
        """Create a repository with one image and one collaborator."""
        owner, repository = self._credentials.account(OWNER), self._credentials.repositories[0]
        images = frozenset({(SHARED_IMAGE, f"sha256:{self._unique():064x}")})
        self.send(self._operation(Kind.PUSH, owner, repository=repository, images=images))
        role = self._random.choice((Role.READ, Role.WRITE, Role.ADMIN))
        collaborator = self._collaborator()
        self.send(self._operation(Kind.ADD_COLLABORATOR, owner, repository=repository, target=collaborator, role=role))

    def read_everything(self) -> None:
        """Read every list, and present every credential that ever existed."""
        credentials, admin = self._credentials, self._credentials.account(ADMIN)
        for repository in credentials.repositories:
            self.send(self._operation(Kind.PULL, admin, repository=repository))
        for name, passwords in credentials.passwords.items():
            for password in passwords:
                self.send(self._operation(Kind.LOG_IN, Account(name, password)))
        for robot in credentials.robots:
            self.send(self._operation(Kind.LOG_IN, robot))
        tokens = {(token.repository, token.generation, token.scope): token for token in credentials.tokens}
        for token in tokens.values():
            self.send(self._operation(Kind.PULL, token, repository=token.repository))

    # One method for each kind.

    def _push(self, kind: Kind) -> Operation:
        return self._operation(kind, self._writer(), images=self._images(self._random.randrange(3)))

    def _update(self, kind: Kind) -> Operation:
        if self._random.random() < 0.4:
            images = frozenset({(SHARED_IMAGE, f"sha256:{self._unique():064x}")})
        else:
            images = self._images(1)
        token = self._token(TokenScope.WRITE) if self._random.random() < 0.5 else None
        if token is None:
            return self._operation(kind, self._writer(), images=images)
        return self._operation(kind, token, repository=token.repository, images=images)

    def _pull(self, kind: Kind) -> Operation:
        chance = self._random.random()
        token = self._token() if chance < 0.6 else None
        if token is not None:
            return self._operation(kind, token, repository=token.repository)
        return self._operation(kind, None if chance > 0.9 else self._account_or_robot())

    def _check_token(self, kind: Kind) -> Operation:
        token = self._token()
        return self._pull(Kind.PULL) if token is None else self._operation(kind, token, repository=token.repository)

    def _delete(self, kind: Kind) -> Operation:
        return self._operation(kind, self._administrator())

    def _set_visibility(self, kind: Kind) -> Operation:
        return self._operation(kind, self._administrator(), private=self._random.random() < 0.6)

    def _add_collaborator(self, kind: Kind) -> Operation:
        role = self._random.choice((Role.READ, Role.WRITE, Role.ADMIN))
        return self._operation(kind, self._administrator(), target=self._collaborator(), role=role)

    def _remove_collaborator(self, kind: Kind) -> Operation:
        return self._operation(kind, self._administrator(), target=self._collaborator())

    def _log_in(self, kind: Kind) -> Operation:
        return self._operation(kind, self._account_or_robot(robots=0.5), repository="")

    def _change_password(self, kind: Kind) -> Operation:
        password = f"password {self._name} {self._unique()}"
        return self._operation(kind, self._account(), repository="", secret=password)

    def _create_robot(self, kind: Kind) -> Operation:
        account = self._account()
        role = self._random.choice((Role.READ, Role.WRITE))
        return self._operation(kind, account, repository="", target=f"{account.name}/ci", role=role)

    def _revoke_robot(self, kind: Kind) -> Operation:
        account = self._account()
        return self._operation(kind, account, repository="", target=f"{account.name}/ci")

    # Random arguments.

    def _operation(self, kind: Kind, credential: Credential, **arguments: Any) -> Operation:
        repository = arguments.pop("repository", None)
        if repository is None:
            repository = self._random.choices(self._credentials.repositories, (4, 1))[0]
        return Operation(-1, kind, credential, repository, **arguments)

    def _account(self) -> Account:
        """Return the owner or another account, mostly with the newest password."""
        name = self._random.choice((OWNER, OWNER, *OTHERS))
        passwords = self._credentials.passwords[self._credentials.prefix + name]
        place = -1 if self._random.random() < 0.8 else self._random.randrange(len(passwords))
        return self._credentials.account(name, place)

    def _account_or_robot(self, robots: float = 0.15) -> Account:
        if self._credentials.robots and self._random.random() < robots:
            return self._random.choice(self._credentials.robots[-4:])
        return self._credentials.account(ADMIN) if self._random.random() < 0.05 else self._account()

    def _writer(self) -> Account:
        return self._credentials.account(OWNER) if self._random.random() < 0.4 else self._account_or_robot()

    def _administrator(self) -> Account:
        """Return an account that mostly has all rights."""
        chance = self._random.random()
        if chance < 0.7:
            return self._credentials.account(OWNER if chance < 0.6 else ADMIN)
        return self._account_or_robot()

    def _collaborator(self) -> str:
        return self._credentials.prefix + self._random.choice(OTHERS)

    def _token(self, scope: TokenScope | None = None) -> Token | None:
        """Return one of the newest tokens, or any token."""
        tokens: Sequence[Token] = [token for token in self._credentials.tokens if scope in (None, token.scope)]
        return self._random.choice(tokens[-5:] if self._random.random() < 0.6 else tokens) if tokens else None

    def _images(self, count: int) -> frozenset[tuple[str, str]]:
        ids = [f"{self._name}{self._unique()}" for _ in range(count)]
        return frozenset(
            (image_id, self._random.choice(("", f"sha256:{self._images_created:064x}"))) for image_id in ids
        )

    def _unique(self) -> int:
        self._images_created += 1
        return self._images_created


def encode(operation: Operation) -> tuple[str, str, Any]:
    """Return the HTTP method, the path and the JSON body of an operation."""
    namespace, _, name = operation.repository.partition("/")
    repository = f"/v1/repositories/{operation.repository}"
    namespaced = f"/v1/namespaces/{namespace}/repositories/{name}"
    collaborator = f"{namespaced}/collaborators/{operation.target}"
    owner, _, robot = operation.target.partition("/")
    robot_path = f"/v1/users/{owner}/robots/{robot}"
    images = [{"id": image, "checksum": checksum or None} for image, checksum in sorted(operation.images)]
    username = operation.credential.name if isinstance(operation.credential, Account) else ""
    return {
        Kind.PUSH: ("PUT", repository, images),
        Kind.UPDATE: ("PUT", f"{repository}/images", images),
        Kind.PULL: ("GET", f"{repository}/images", None),
        Kind.CHECK_TOKEN: ("PUT", f"{repository}/auth", None),
        Kind.DELETE: ("DELETE", repository, None),
        Kind.SET_VISIBILITY: ("PUT", namespaced, {"private": operation.private}),
        Kind.ADD_COLLABORATOR: ("PUT", collaborator, {"access": operation.role.word}),
        Kind.REMOVE_COLLABORATOR: ("DELETE", collaborator, None),
        Kind.LOG_IN: ("GET", "/v1/users", None),
        Kind.CHANGE_PASSWORD: ("PUT", f"/v1/users/{username}", {"password": operation.secret}),
        Kind.CREATE_ROBOT: ("PUT", robot_path, {"access": operation.role.word}),
        Kind.REVOKE_ROBOT: ("DELETE", robot_path, None),
    }[operation.kind]
