"""A scheduler that chooses which thread runs next at each call to AWS, and its clock. A seed repeats a history."""

import threading
from collections.abc import Callable
from random import Random

START = 1_795_000_000.0
_CALL_SECONDS = (0.0, 0.0, 0.0, 0.01, 0.1)  # the time that can pass at a call to AWS
_REST_SECONDS = (0.0, 0.0, 0.3, 1.0, 1.8, 4.0)  # the time that can pass between two operations
_TIMEOUT_SECONDS = 60


class Clock:
    """The time of all containers. Only the schedule advances it. `skew` shifts the clock of one container."""

    def __init__(self) -> None:
        self.now = START
        self._own = threading.local()

    def __call__(self) -> float:
        return self.now

    def time_ns(self) -> int:
        """Return the time for the keys of segments, which sort by time. It includes the skew of the container."""
        return int((self.now + getattr(self._own, "skew", 0.0)) * 1_000_000_000)

    def skew(self, seconds: float) -> None:
        """Shift the clock of the container that this thread uses."""
        self._own.skew = seconds


class Schedule:
    """Runs threads one at a time. Before and after each call to AWS it chooses at random which thread continues."""

    def __init__(self, random: Random, clock: Clock) -> None:
        self._random = random
        self._clock = clock
        self._stay_probability = random.choice((0.0, 0.5, 0.9))  # of taking the next step without a switch
        self._turns: dict[int, threading.Semaphore] = {}  # one for each client that has not finished
        self._own = threading.local()
        self._finished = threading.Event()
        self._failures: list[BaseException] = []

    def run(self, clients: list[Callable[[], None]]) -> None:
        """Run the clients until all have finished. Raises the first exception of a client."""
        self._turns = {number: threading.Semaphore(0) for number in range(len(clients))}
        threads = [threading.Thread(target=self._run, args=client, daemon=True) for client in enumerate(clients)]
        for thread in threads:
            thread.start()
        self._choose().release()
        if not self._finished.wait(_TIMEOUT_SECONDS):
            raise TimeoutError(f"the clients did not finish within {_TIMEOUT_SECONDS} seconds")
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def rest(self) -> None:
        """Advance the clock between two operations."""
        self._clock.now += self._random.choice(_REST_SECONDS)

    def pause(self) -> None:
        """Advance the clock, and continue with this client or with another."""
        number = getattr(self._own, "number", None)
        if number is None:
            return  # this thread is not a client
        self._clock.now += self._random.choice(_CALL_SECONDS)
        if self._random.random() < self._stay_probability:
            return
        own, chosen = self._turns[number], self._choose()
        if chosen is not own:
            chosen.release()
            own.acquire()

    def _choose(self) -> threading.Semaphore:
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
            self._choose().release()
        else:
            self._finished.set()
