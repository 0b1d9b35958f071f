"""Runs one history from its seed, on moto."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch
from zlib import crc32

from msgspec import Struct

from chalicelib.accounts.login_throttle import LoginThrottle
from chalicelib.accounts.robots import Robots
from chalicelib.repositories.image_list_cache import ImageListCache
from chalicelib.security.access_tokens import AccessTokens
from chalicelib.security.passwords import Passwords
from tests.faults import intercept_calls
from tests.index import Index, Response
from tests.linearizability.checker import NotLinearizable, check
from tests.linearizability.clients import Client, Credentials, encode
from tests.linearizability.operations import Account, History, Operation
from tests.linearizability.schedule import Clock, Schedule

CONTAINERS, CLIENTS, OPERATIONS = 3, 3, 9
TOKEN_LIFETIME = 15  # seconds of the schedule's clock
SETTINGS: dict[str, Any] = {"token_lifetime": TOKEN_LIFETIME}


class CheckedHistory(Struct, frozen=True):
    """A linearizable history, and the largest number of candidates while it was checked."""

    history: History
    candidates: int


def run_history(index: Index, seed: int) -> CheckedHistory:
    """Run and check the history of `seed`. Raises NotLinearizable."""
    random, clock = Random(seed), Clock()
    schedule, history = Schedule(Random(random.random()), clock), History(clock)
    credentials = Credentials(f"h{seed}_")
    initial = credentials.register(index)
    containers: list[Index] = []
    skews = [random.uniform(-1, 1) for _ in range(CONTAINERS)]

    def send_operation(container: int, operation: Operation) -> Response:
        clock.skew(skews[container])
        schedule.pause()
        response = send(containers[container], operation)
        schedule.pause()
        return response

    def call_aws(_: str, call: Callable[[], Any]) -> Any:
        schedule.pause()
        result = call()
        schedule.pause()
        return result

    clients = [
        Client(chr(ord("a") + number), Random(random.random()), history, credentials, CONTAINERS, send_operation)
        for number in range(CLIENTS)
    ]

    def run_client(client: Client) -> None:
        for _ in range(OPERATIONS):
            schedule.rest()
            client.act()

    with ExitStack() as stack:
        stack.enter_context(_use_clock(clock, Random(random.random())))
        stack.enter_context(patch("chalicelib.storage.compaction.COMPACT_ABOVE", random.choice((2, 4, 16))))
        containers += [index.restart() for _ in range(CONTAINERS)]
        clients[0].create_first_repository()
        with intercept_calls(index.aws, call_aws):
            schedule.run([partial(run_client, client) for client in clients])
        clients[0].read_everything()
    try:
        return CheckedHistory(history, check(history, initial))
    except NotLinearizable as error:
        raise NotLinearizable(f"the history of seed {seed}: {error}") from None


def send(container: Index, operation: Operation) -> Response:
    """Send an operation. Each has its own client IP, so that no login is delayed."""
    method, path, body = encode(operation)
    credential = operation.credential
    header = None if credential is None else credential.header
    name = credential.name if isinstance(credential, Account) else "anonymous"
    number = crc32(f"{operation.number} of {name}".encode())
    client_ip = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return container.request(method, path, header, json=body, token=True, client_ip=client_ip)


@contextmanager
def _use_clock(clock: Clock, random: Random) -> Iterator[None]:
    """Make the containers that are created meanwhile use this clock, and these random numbers in identifiers."""
    with ExitStack() as patches:
        for service in (ImageListCache, LoginThrottle, Passwords, Robots, AccessTokens):
            patches.enter_context(patch(f"chalicelib.bootstrap.{service.__name__}", partial(service, clock=clock)))
        patches.enter_context(patch("chalicelib.storage.image_lists.time", clock))
        patches.enter_context(patch("secrets.token_hex", lambda size: random.randbytes(size).hex()))
        yield
