"""Histories in real time: clients run freely, in rounds, on the same containers. Some rounds have faults."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import Random
from typing import Any

from tests.faults import Killed, faults_of, intercept_calls
from tests.index import Index, Response
from tests.linearizability.checker import NotLinearizable, check
from tests.linearizability.clients import Client, Credentials
from tests.linearizability.operations import History, Operation
from tests.linearizability.run import send

CONTAINERS, CLIENTS = 3, 4
FAULT_PROBABILITY = 0.04  # of each call to AWS, in a round with faults


class Traffic:
    """Runs rounds of traffic.

    Attributes:
        statuses: the number of responses by status; `lost` for lost responses.
        faults: the number of faults by name.
        repetitions: the number of repeated operations.
        rounds: the number of rounds.
        candidates: the largest number of candidates while a round was checked.
    """

    def __init__(self, index: Index, seed: int) -> None:
        self.statuses: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.repetitions = self.rounds = self.candidates = 0
        self._index = index
        self._random = Random(seed)
        self._numbers = count()
        self._containers = [self._start_container() for _ in range(CONTAINERS)]

    def run_round(self, operations: int, *, with_faults: bool) -> None:
        """Let each client send `operations` operations to new accounts, read everything, and check the history.

        Raises NotLinearizable.
        """
        self.rounds += 1
        history, credentials = History(time.time), Credentials(f"r{self.rounds}_")
        initial = credentials.register(self._index)
        clients = [
            Client(chr(ord("a") + number), Random(self._random.random()), history, credentials, CONTAINERS, self._send)
            for number in range(CLIENTS)
        ]

        def run_client(client: Client) -> None:
            for _ in range(operations):
                client.act()

        clients[0].create_first_repository()
        with (
            intercept_calls(self._index.aws, self._call_with_faults if with_faults else _call),
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            for future in [pool.submit(run_client, client) for client in clients]:
                future.result()
        clients[0].read_everything()
        self.statuses.update(str(operation.status or "lost") for operation in history.operations)
        self.repetitions += sum(client.repetitions for client in clients)
        try:
            self.candidates = max(self.candidates, check(history, initial))
        except NotLinearizable as error:
            raise NotLinearizable(f"round {self.rounds}: {error}") from None

    def summary(self) -> str:
        """Return the counts for the output of a test."""
        return (
            f"{self.rounds} rounds of {CLIENTS} clients on {CONTAINERS} containers: {self.statuses.total()} operations "
            f"{dict(sorted(self.statuses.items()))}, {self.repetitions} of them repetitions; {self.faults.total()} "
            f"faults {dict(self.faults)}; at most {self.candidates} candidates"
        )

    def _start_container(self) -> tuple[int, Index]:
        """Return a new container with a number of its own, because the cache of a killed one is not its cache."""
        return next(self._numbers), self._index.restart()

    def _send(self, container: int, operation: Operation) -> Response | None:
        operation.container, index = self._containers[container]
        try:
            return send(index, operation)
        except Killed:
            self._containers[container] = self._start_container()
            return None

    def _call_with_faults(self, operation: str, call: Callable[[], Any]) -> Any:
        if self._random.random() >= FAULT_PROBABILITY:
            return call()
        fault = self._random.choice(faults_of(operation))
        self.faults[fault.name] += 1
        return fault.inject(operation, call)


def _call(_: str, call: Callable[[], Any]) -> Any:
    return call()
