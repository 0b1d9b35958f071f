"""One history from its seed, on moto."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

from chalicelib.accounts.login_throttle import LoginThrottle
from chalicelib.accounts.robots import Robots
from chalicelib.repositories.image_lists import ImageLists
from chalicelib.security.access_tokens import AccessTokens
from chalicelib.security.passwords import Passwords
from tests.faults import intercepted
from tests.index import Index, Response
from tests.linearizability.checker import Inexplicable, explain
from tests.linearizability.clients import Client, Known, wire
from tests.linearizability.requests import Account, History, Request
from tests.linearizability.schedule import Clock, Schedule

CONTAINERS, CLIENTS, REQUESTS = 3, 3, 9
LIFETIME = 15  # of tokens, in seconds of the schedule's clock
PROOF = "proof"  # of being the front, so that each request can say where it comes from: this is not about limits
SETTINGS: dict[str, Any] = {"front_proof": PROOF, "token_lifetime": LIFETIME}


@dataclass(frozen=True)
class Played:
    """A history that was explained, and how many worlds were possible at once."""

    history: History
    worlds: int


def play(index: Index, seed: int) -> Played:
    """Plays the history that `seed` makes. Raises Inexplicable."""
    random, clock = Random(seed), Clock()
    schedule, history, known = Schedule(Random(random.random()), clock), History(clock), Known(f"h{seed}_")
    begin = known.register(index)
    containers: list[Index] = []
    skews = [random.uniform(-1, 1) for _ in range(CONTAINERS)]

    def send(container: int, request: Request) -> Response:
        clock.skew(skews[container])
        schedule.pause()
        response = ask(containers[container], request)
        schedule.pause()
        return response

    def paused(_: str, call: Callable[[], Any]) -> Any:
        schedule.pause()
        answer = call()
        schedule.pause()
        return answer

    clients = [
        Client(chr(ord("a") + number), Random(random.random()), history, known, CONTAINERS, send)
        for number in range(CLIENTS)
    ]

    def live(client: Client) -> None:
        for _ in range(REQUESTS):
            schedule.rest()
            client.act()

    with ExitStack() as until_the_end:
        until_the_end.enter_context(_on(clock, Random(random.random())))
        until_the_end.enter_context(patch("chalicelib.storage.image_lists.COMPACT_ABOVE", random.choice((2, 4, 16))))
        containers += [index.restarted() for _ in range(CONTAINERS)]
        clients[0].furnish()
        with intercepted(index.aws, paused):
            schedule.run([partial(live, client) for client in clients])
        clients[0].look_at_everything()
    try:
        return Played(history, explain(history, begin))
    except Inexplicable as error:
        raise Inexplicable(f"the history of seed {seed}: {error}") from None


def ask(container: Index, request: Request) -> Response:
    """Sends a request, from an address of its own."""
    method, path, body = wire(request)
    header = None if request.by is None else request.by.header
    name = request.by.name if isinstance(request.by, Account) else "nobody"
    origin = {"x-waybill-front": PROOF, "x-forwarded-for": f"address {request.number} of {name}, the front"}
    return container.request(method, path, header, json=body, token=True, headers=origin)


@contextmanager
def _on(clock: Clock, random: Random) -> Iterator[None]:
    """What is composed meanwhile goes by this clock, and what is random by these numbers."""
    timed = (ImageLists, LoginThrottle, Passwords, Robots, AccessTokens)
    with ExitStack() as patched:
        for part in timed:
            patched.enter_context(patch(f"chalicelib.bootstrap.{part.__name__}", partial(part, clock=clock)))
        patched.enter_context(patch("chalicelib.storage.image_lists.time", clock))
        patched.enter_context(patch("secrets.token_hex", lambda size: random.randbytes(size).hex()))
        yield
