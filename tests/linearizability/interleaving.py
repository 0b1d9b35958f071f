"""A few requests at the same time, in the order of calls to AWS that a seed chooses.

A test checks the results of many seeds. It is simpler than a history with the checker, for requests that it does not
know.
"""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from tests.faults import intercept_calls
from tests.index import Index, basic
from tests.linearizability.schedule import Clock, Schedule

Act = Callable[[Index], int]  # acts on a container, and returns a status


def send(method: str, path: str, username: str = "", body: Any = None) -> Act:
    """Return a function that sends a request to a container and returns the status."""
    auth = basic(username) if username else None
    return lambda container: container.request(method, path, auth, json=body).status


def run_interleaved(index: Index, seed: int, *acts: Act) -> list[int]:
    """Run each of `acts` on a container of its own, and return their results. A seed repeats the order of calls."""
    schedule = Schedule(Random(seed), Clock())
    containers = [index.restart() for _ in acts]
    statuses = [0] * len(acts)

    def run(number: int) -> None:
        statuses[number] = acts[number](containers[number])

    def call_aws(_: str, call: Callable[[], Any]) -> Any:
        schedule.pause()
        result = call()
        schedule.pause()
        return result

    with intercept_calls(index.aws, call_aws):
        schedule.run([partial(run, number) for number in range(len(acts))])
    return statuses
