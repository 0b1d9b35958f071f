"""The requests of an anonymous attacker, as endless series. No attacker has an account."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from tests.index import PASSWORD, basic

Random = random.Random
WORDS = ("web", "tool", "api", "data", "server", "app", "base", "test")


class Attack(Struct, frozen=True, kw_only=True):
    """One request.

    Attributes:
        method: the HTTP method.
        path: the path with its query.
        auth: the Authorization header.
        client_ip: the address of the client.
        json: the body.
    """

    method: str = "GET"
    path: str
    auth: str | None = None
    client_ip: str = "203.0.113.1"
    json: Any = None


def guesses_from_many_networks(rng: Random) -> Iterator[Attack]:
    """Guess the password of one account; each request comes from another address."""
    while True:
        password = f"guess {rng.random()}"
        yield Attack(path="/v1/users/", auth=basic("alice", password), client_ip=_address(rng))


def guesses_from_one_network(rng: Random) -> Iterator[Attack]:
    """Guess the passwords of many accounts from one IPv6 network."""
    while True:
        username = rng.choice(("alice", "bobby", f"user{rng.randrange(1000)}"))
        address = f"2001:db8:1:2::{rng.randrange(65536):x}"
        yield Attack(path="/v1/users/", auth=basic(username, f"guess {rng.random()}"), client_ip=address)


def impossible_credentials(rng: Random) -> Iterator[Attack]:
    """Send usernames and passwords that no account can have."""
    while True:
        username = rng.choice(("X", "a" * 40, "no-dash", "ali ce"))
        credentials = rng.choice((basic(username), basic("alice", "x" * 80), basic("alice", f"wbr_ci_{rng.random()}")))
        yield Attack(path="/v1/repositories/alice/web/images", auth=credentials, client_ip=_address(rng))


def registrations(rng: Random) -> Iterator[Attack]:
    """Register accounts, valid and invalid ones, from a few networks."""
    while True:
        name = f"spam{rng.randrange(10**9)}"
        form = {"username": name, "password": PASSWORD, "email": f"{name}@example.com"}
        form |= rng.choice(({}, {}, {"username": "X"}, {"password": "abc"}, {"email": "alice@example.com"}))
        yield Attack(method="POST", path="/v1/users/", json=form, client_ip=f"203.0.113.{rng.randrange(5)}")


def forged_tokens(rng: Random) -> Iterator[Attack]:
    """Send tokens with all fields that a valid token has, for the present hour and for others."""
    while True:
        now = int(time.time())
        hour = rng.choice((rng.randrange(10**6), now // 3600))
        signature = f"1.{hour}.{now + 1800}.{rng.randbytes(8).hex()}.{rng.randbytes(8).hex()}.{'A' * 42}E"
        token = f'Token signature={signature},repository="alice/web",access=read'
        yield Attack(path="/v1/repositories/alice/web/images", auth=token)


def common_searches(rng: Random) -> Iterator[Attack]:
    """Search for common words, for everything, and for pages far behind."""
    while True:
        query = quote(rng.choice(("", "*", rng.choice(WORDS), " ".join(rng.sample(WORDS, 8)), "alice/", "w" * 255)))
        yield Attack(path=f"/v1/search?q={query}&n=100&page={rng.choice((1, 2, 999_999))}")


def long_lists(rng: Random) -> Iterator[Attack]:
    """Read the longest list, ask for layers that it does not contain, and list a namespace of private repositories."""
    while True:
        path = rng.choice(
            (
                "/v1/repositories/alice/long/images",
                f"/v1/repositories/alice/long/layer/{rng.randrange(10**6)}/access",
                "/v1/namespaces/private/repositories",
                "/r/alice/long",
            )
        )
        yield Attack(path=path)


ATTACKS: Mapping[str, Callable[[Random], Iterator[Attack]]] = {
    "guesses from many networks": guesses_from_many_networks,
    "guesses from one network": guesses_from_one_network,
    "impossible credentials": impossible_credentials,
    "registrations": registrations,
    "forged tokens": forged_tokens,
    "searches": common_searches,
    "long lists": long_lists,
}


def _address(rng: Random) -> str:
    return f"198.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"
