"""What clients do at random: they know everything that any of them was ever told, and try old secrets too."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from chalicelib.domain.roles import Role, TokenScope
from tests.index import Index, Response
from tests.linearizability.model import Request, World
from tests.linearizability.requests import Account, History, Kind, Token

OWNER, OTHERS, ADMIN = "alice", ("bobby", "carol"), "admin"
REPOSITORIES = ("alice/web", "alice/api")
SHARED_IMAGE = "c" * 64  # whose checksum changes; all others come once
ASKS_AGAIN = 3
_WEIGHTS = {
    Kind.PUSH: 24,
    Kind.UPDATE: 12,
    Kind.PULL: 26,
    Kind.VOUCH: 7,
    Kind.DELETE: 8,
    Kind.HIDE: 5,
    Kind.SHARE: 6,
    Kind.UNSHARE: 4,
    Kind.SIGN_IN: 5,
    Kind.PASSWORD: 4,
    Kind.ROBOT: 3,
    Kind.REVOKE: 3,
}


class Known:
    """What the clients of a history have been told: passwords, robots and tokens, old and new."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.passwords = {name: [f"{name}'s first"] for name in self.names}
        self.robots: list[Account] = []
        self.tokens: list[Token] = []

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.prefix + name for name in (OWNER, *OTHERS, ADMIN))

    @property
    def repositories(self) -> tuple[str, ...]:
        return tuple(self.prefix + name for name in REPOSITORIES)

    def account(self, name: str, age: int = -1) -> Account:
        """Somebody with the newest password that is known, or an older one."""
        return Account(self.prefix + name, self.passwords[self.prefix + name][age], admin=name == ADMIN)

    def register(self, index: Index) -> World:
        """Creates the accounts, and gives the world that this makes."""
        for name, (password,) in self.passwords.items():
            index.account(name, admin=name.endswith(ADMIN), password=password)
        return World(
            passwords=frozenset((name, password) for name, (password,) in self.passwords.items()),
            memory=index.settings.image_list_cache_seconds,
        )


class Client:
    """Sends requests to any of `containers`, one after another. `send` sends one, and gives None where its answer gets
    lost.
    """

    def __init__(
        self,
        name: str,
        random: Random,
        history: History,
        known: Known,
        containers: int,
        send: Callable[[int, Request], Response | None],
    ) -> None:
        self._name = name
        self._random = random
        self._history = history
        self._known = known
        self._containers = containers
        self._send = send
        self.repetitions = 0
        self._container = 0
        self._made = 0

    def act(self) -> None:
        """One request. Now and then, for a pull, some more with its token, as a registry would send them, and a push
        between them.
        """
        kind = self._random.choices(list(_WEIGHTS), list(_WEIGHTS.values()))[0]
        request = getattr(self, f"_{kind.name.lower()}")(kind)
        response = self.send(request)
        if (
            request.kind is Kind.PULL
            and response is not None
            and response.status == 200
            and self._random.random() < 0.4
        ):
            token = Token.of(response.token)
            self.send(self._request(Kind.PULL, token, repository=token.repository))
            if self._random.random() < 0.5:
                self.send(self._update(Kind.UPDATE))
            self.send(self._request(Kind.PULL, token, repository=token.repository))

    def send(self, request: Request) -> Response | None:
        """Sends it to some container, mostly the one that it knows, and remembers what it tells. Where the answer does
        not say what happened it asks again.
        """
        response = self._sent(request)
        for _ in range(ASKS_AGAIN):
            if request.is_known:
                break
            request = request.again()
            self.repetitions += 1
            response = self._sent(request)
        return response

    def _sent(self, request: Request) -> Response | None:
        if self._random.random() < 0.4:
            self._container = self._random.randrange(self._containers)
        container = self._container
        response = self._history.send(request, container, lambda: self._send(container, request))
        if request.kind is Kind.PASSWORD and isinstance(request.by, Account):
            passwords = self._known.passwords[request.by.name]
            if request.status == 204 or not request.is_known:
                passwords.append(request.secret)  # it may be the new one
        if response is None or response.status >= 300:
            return response
        if "x-docker-token" in response.headers and not isinstance(request.by, Token):
            self._known.tokens.append(Token.of(response.token))
        if request.kind is Kind.ROBOT:
            owner, _, robot = request.of.partition("/")
            self._known.robots.append(Account(owner, request.secret, robot, request.role))
        return response

    def furnish(self) -> None:
        """What there is at first: a repository with an image, shared with another account."""
        owner, repository = self._known.account(OWNER), self._known.repositories[0]
        shared = frozenset({(SHARED_IMAGE, f"sha256:{self._unique():064x}")})
        self.send(self._request(Kind.PUSH, owner, repository=repository, images=shared))
        role = self._random.choice((Role.READ, Role.WRITE, Role.ADMIN))
        self.send(self._request(Kind.SHARE, owner, repository=repository, of=self._other(), role=role))

    def look_at_everything(self) -> None:
        """Reads every list, and shows every secret that there ever was."""
        known, admin = self._known, self._known.account(ADMIN)
        for repository in known.repositories:
            self.send(self._request(Kind.PULL, admin, repository=repository))
        for name, passwords in known.passwords.items():
            for password in passwords:
                self.send(self._request(Kind.SIGN_IN, Account(name, password)))
        for robot in known.robots:
            self.send(self._request(Kind.SIGN_IN, robot))
        for token in {(token.repository, token.generation, token.access): token for token in known.tokens}.values():
            self.send(self._request(Kind.PULL, token, repository=token.repository))

    # One of each kind.

    def _push(self, kind: Kind) -> Request:
        return self._request(kind, self._writer(), images=self._images(self._random.randrange(3)))

    def _update(self, kind: Kind) -> Request:
        if self._random.random() < 0.4:
            images = frozenset({(SHARED_IMAGE, f"sha256:{self._unique():064x}")})
        else:
            images = self._images(1)
        token = self._token(TokenScope.WRITE) if self._random.random() < 0.5 else None
        if token is None:
            return self._request(kind, self._writer(), images=images)
        return self._request(kind, token, repository=token.repository, images=images)

    def _pull(self, kind: Kind) -> Request:
        chance = self._random.random()
        token = self._token() if chance < 0.6 else None
        if token is not None:
            return self._request(kind, token, repository=token.repository)
        return self._request(kind, None if chance > 0.9 else self._somebody())

    def _vouch(self, kind: Kind) -> Request:
        token = self._token()
        return self._pull(Kind.PULL) if token is None else self._request(kind, token, repository=token.repository)

    def _delete(self, kind: Kind) -> Request:
        return self._request(kind, self._ruler())

    def _hide(self, kind: Kind) -> Request:
        return self._request(kind, self._ruler(), private=self._random.random() < 0.6)

    def _share(self, kind: Kind) -> Request:
        role = self._random.choice((Role.READ, Role.WRITE, Role.ADMIN))
        return self._request(kind, self._ruler(), of=self._other(), role=role)

    def _unshare(self, kind: Kind) -> Request:
        return self._request(kind, self._ruler(), of=self._other())

    def _sign_in(self, kind: Kind) -> Request:
        return self._request(kind, self._somebody(robots=0.5), repository="")

    def _password(self, kind: Kind) -> Request:
        return self._request(kind, self._person(), repository="", secret=f"password {self._name} {self._unique()}")

    def _robot(self, kind: Kind) -> Request:
        by = self._person()
        return self._request(
            kind, by, repository="", of=f"{by.name}/ci", role=self._random.choice((Role.READ, Role.WRITE))
        )

    def _revoke(self, kind: Kind) -> Request:
        by = self._person()
        return self._request(kind, by, repository="", of=f"{by.name}/ci")

    # By whom, and of what.

    def _request(self, kind: Kind, by: Account | Token | None, **said: Any) -> Request:
        repository = said.pop("repository", None)
        if repository is None:
            repository = self._random.choices(self._known.repositories, (4, 1))[0]
        return Request(-1, kind, by, repository, **said)

    def _person(self) -> Account:
        """The owner or another, mostly with the newest password."""
        name = self._random.choice((OWNER, OWNER, *OTHERS))
        known = self._known.passwords[self._known.prefix + name]
        return self._known.account(name, -1 if self._random.random() < 0.8 else self._random.randrange(len(known)))

    def _somebody(self, robots: float = 0.15) -> Account:
        if self._known.robots and self._random.random() < robots:
            return self._random.choice(self._known.robots[-4:])
        return self._known.account(ADMIN) if self._random.random() < 0.05 else self._person()

    def _writer(self) -> Account:
        return self._known.account(OWNER) if self._random.random() < 0.4 else self._somebody()

    def _ruler(self) -> Account:
        """Mostly somebody who may do everything."""
        chance = self._random.random()
        return self._known.account(OWNER if chance < 0.6 else ADMIN) if chance < 0.7 else self._somebody()

    def _other(self) -> str:
        return self._known.prefix + self._random.choice(OTHERS)

    def _token(self, access: TokenScope | None = None) -> Token | None:
        """A young one, or any."""
        tokens: Sequence[Token] = [token for token in self._known.tokens if access in (None, token.access)]
        return self._random.choice(tokens[-5:] if self._random.random() < 0.6 else tokens) if tokens else None

    def _images(self, count: int) -> frozenset[tuple[str, str]]:
        made = [f"{self._name}{self._unique()}" for _ in range(count)]
        return frozenset((image, self._random.choice(("", f"sha256:{self._made:064x}"))) for image in made)

    def _unique(self) -> int:
        self._made += 1
        return self._made


def wire(request: Request) -> tuple[str, str, Any]:
    """A request as HTTP: method, path and body."""
    repository, (namespace, _, name) = f"/v1/repositories/{request.repository}", request.repository.partition("/")
    ours = f"/v1/namespaces/{namespace}/repositories/{name}"
    owner, _, robot = request.of.partition("/")
    images = [{"id": image, "checksum": checksum or None} for image, checksum in sorted(request.images)]
    by = request.by.name if isinstance(request.by, Account) else ""
    return {
        Kind.PUSH: ("PUT", repository, images),
        Kind.UPDATE: ("PUT", f"{repository}/images", images),
        Kind.PULL: ("GET", f"{repository}/images", None),
        Kind.VOUCH: ("PUT", f"{repository}/auth", None),
        Kind.DELETE: ("DELETE", repository, None),
        Kind.HIDE: ("PUT", ours, {"private": request.private}),
        Kind.SHARE: ("PUT", f"{ours}/collaborators/{request.of}", {"access": request.role.name.lower()}),
        Kind.UNSHARE: ("DELETE", f"{ours}/collaborators/{request.of}", None),
        Kind.SIGN_IN: ("GET", "/v1/users", None),
        Kind.PASSWORD: ("PUT", f"/v1/users/{by}", {"password": request.secret}),
        Kind.ROBOT: ("PUT", f"/v1/users/{owner}/robots/{robot}", {"access": request.role.name.lower()}),
        Kind.REVOKE: ("DELETE", f"/v1/users/{owner}/robots/{robot}", None),
    }[request.kind]
