"""Calls that start at the same moment, for tests of races."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def run_together(count: int, act: Callable[[int], T]) -> list[T]:
    """Call `act` with 0, 1, … in `count` threads that start at the same moment. Return the results in this order."""
    barrier = threading.Barrier(count)

    def run(number: int) -> T:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
