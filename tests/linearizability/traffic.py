"""Histories in real time: clients run freely, round after round, on containers that live on. Faults go on and off."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

from tests.faults import Killed, faults_of, intercepted
from tests.index import Index, Response
from tests.linearizability.checker import Inexplicable, explain
from tests.linearizability.clients import Client, Known
from tests.linearizability.requests import History, Request
from tests.linearizability.run import ask

CONTAINERS, CLIENTS = 3, 4
FAULTY = 0.04  # of the calls to AWS, in a round with faults


class Traffic:
    """What was counted stands in `statuses`, `faults` and `repetitions`."""

    def __init__(self, index: Index, seed: int) -> None:
        self.statuses: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.repetitions = self.rounds = self.worlds = 0
        self._index = index
        self._random = Random(seed)
        self._containers = [index.restarted() for _ in range(CONTAINERS)]

    def round(self, requests: int, *, with_faults: bool) -> None:
        """Each client sends so many requests to accounts and repositories of this round; then all is looked at, and has
        to be as the model says. Raises Inexplicable.
        """
        self.rounds += 1
        history, known = History(time.time), Known(f"r{self.rounds}_")
        begin = known.register(self._index)
        clients = [
            Client(chr(ord("a") + number), Random(self._random.random()), history, known, CONTAINERS, self._send)
            for number in range(CLIENTS)
        ]

        def live(client: Client) -> None:
            for _ in range(requests):
                client.act()

        clients[0].furnish()
        with (
            intercepted(self._index.aws, self._failing if with_faults else _sound),
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            for ended in [pool.submit(live, client) for client in clients]:
                ended.result()
        clients[0].look_at_everything()
        self.statuses.update(str(request.status or "lost") for request in history.requests)
        self.repetitions += sum(client.repetitions for client in clients)
        try:
            self.worlds = max(self.worlds, explain(history, begin))
        except Inexplicable as error:
            raise Inexplicable(f"round {self.rounds}: {error}") from None

    def _send(self, container: int, request: Request) -> Response | None:
        try:
            return ask(self._containers[container], request)
        except Killed:
            self._containers[container] = self._index.restarted()
            return None

    def _failing(self, operation: str, call: Callable[[], Any]) -> Any:
        if self._random.random() >= FAULTY:
            return call()
        fault = self._random.choice(faults_of(operation))
        self.faults[fault.name] += 1
        return fault.strike(operation, call)


def _sound(_: str, call: Callable[[], Any]) -> Any:
    return call()
