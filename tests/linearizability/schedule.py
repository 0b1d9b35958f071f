"""Who goes next, at each call to AWS, and what the time is. A seed makes the same history again."""

import threading
from collections.abc import Callable
from random import Random

START = 1_795_000_000.0
_CALL_SECONDS = (0.0, 0.0, 0.0, 0.01, 0.1)  # that may pass at a call
_REST_SECONDS = (0.0, 0.0, 0.3, 1.0, 1.8, 4.0)  # and between requests
_PATIENCE = 60


class Clock:
    """The time of all containers, which passes only when the schedule says so. Each container's own clock goes wrong
    by up to a second, as `skew` says.
    """

    def __init__(self) -> None:
        self.now = START
        self._own = threading.local()

    def __call__(self) -> float:
        return self.now

    def time_ns(self) -> int:
        """For the keys of segments, which sort by time."""
        return int((self.now + getattr(self._own, "skew", 0.0)) * 1_000_000_000)

    def skew(self, seconds: float) -> None:
        """What this thread's container takes the time for."""
        self._own.skew = seconds


class Schedule:
    """Runs threads one at a time. Before each call to AWS and behind it the random numbers say who goes on."""

    def __init__(self, random: Random, clock: Clock) -> None:
        self._random = random
        self._clock = clock
        self._stays = random.choice((0.0, 0.5, 0.9))  # often one does several steps before another does any
        self._turns: dict[int, threading.Semaphore] = {}  # of each client that is not at its end
        self._own = threading.local()
        self._over = threading.Event()
        self._failures: list[BaseException] = []

    def run(self, clients: list[Callable[[], None]]) -> None:
        """Runs them to their ends. Raises what one of them raised."""
        self._turns = {number: threading.Semaphore(0) for number in range(len(clients))}
        threads = [threading.Thread(target=self._run, args=client, daemon=True) for client in enumerate(clients)]
        for thread in threads:
            thread.start()
        self._chosen().release()
        if not self._over.wait(_PATIENCE):
            raise TimeoutError("the clients come to no end")
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def rest(self) -> None:
        """Lets time pass between two requests."""
        self._clock.now += self._random.choice(_REST_SECONDS)

    def pause(self) -> None:
        """Lets somebody else go on, or not."""
        number = getattr(self._own, "number", None)
        if number is None:
            return  # no client
        self._clock.now += self._random.choice(_CALL_SECONDS)
        if self._random.random() < self._stays:
            return
        own, chosen = self._turns[number], self._chosen()
        if chosen is not own:
            chosen.release()
            own.acquire()

    def _chosen(self) -> threading.Semaphore:
        return self._turns[self._random.choice(list(self._turns))]

    def _run(self, number: int, client: Callable[[], None]) -> None:
        self._own.number = number
        self._turns[number].acquire()
        try:
            client()
        except BaseException as error:
            self._failures.append(error)
        del self._turns[number]
        if self._turns:
            self._chosen().release()
        else:
            self._over.set()
