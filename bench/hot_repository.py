"""One repository that everybody pulls at once, and a storm of registrations: a simulation. `python -m bench.hot_repository`.

DynamoDB gives one partition at most 3,000 read and 1,000 write units a second (and half a minute of what was left
unused, as it comes); one hash key lies in one partition. A container answers one request at a time; Lambda starts
another when none is free. Requests come at random moments, evenly on average. What is simulated is the order of
events, second by second of a minute; what a list costs in units is DynamoDB's own rule for its bytes.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from bench.results import save

PARTITION_READS, PARTITION_WRITES = 3_000, 1_000
SECONDS = 20
WARM_SECONDS, COLD_SECONDS = (
    0.012,
    0.5,
)  # a request's stay in the function: as bench/aws_cost/prices.py assumes; with init
LIVES_SECONDS = 300.0  # how long an idle container is kept
SIZES = (10, 1_000, 10_000)
RATES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
REMEMBERED = (0.0, 1.0, 2.0)  # seconds that a container serves a list from memory
IMAGE_BYTES, HEAD_BYTES = 64, 260


@dataclass
class Partition:
    """A token bucket, filled each moment and holding one second of it."""

    a_second: float
    tokens: float = 0.0
    at: float = 0.0

    def take(self, units: float, now: float) -> bool:
        """Whether there are so many units; more than the bucket ever holds pass when it is full, and leave a debt."""
        self.tokens = min(self.a_second, self.tokens + (now - self.at) * self.a_second)
        self.at = now
        if self.tokens < min(units, self.a_second):
            return False
        self.tokens -= units
        return True


@dataclass(order=True)
class Container:
    """One that is free from some moment on, and remembers the list until some other."""

    free_at: float
    remembers_until: float = field(compare=False, default=0.0)


def read_units(images: int) -> int:
    """Of one strongly consistent Query."""
    return max(1, ceil((HEAD_BYTES + images * IMAGE_BYTES) / 4096))


def pulled(rate: float, images: int, remembered: float, seed: int = 1) -> dict[str, float]:
    """What share of `rate` requests a second, all for one list, is answered, and the units that they take."""
    chance, partition = random.Random(seed), Partition(PARTITION_READS, PARTITION_READS)  # nosec B311  # no secret
    free: list[Container] = []
    now, came, answered, units, cold = 0.0, 0, 0, 0, 0
    while now < SECONDS:
        now += chance.expovariate(rate)
        came += 1
        busy = WARM_SECONDS
        if free and free[0].free_at <= now:
            container = heapq.heappop(free)
        else:
            container, busy, cold = Container(0.0), COLD_SECONDS, cold + 1
        if container.remembers_until > now:
            answered += 1
        elif partition.take(read_units(images), now):
            answered, units = answered + 1, units + read_units(images)
            container.remembers_until = now + remembered
        container.free_at = now + busy
        heapq.heappush(free, container)
    return {
        "answered": round(answered / came, 3),
        "units a second": round(units / SECONDS),
        "containers": len(free),
        "cold starts": cold,
    }


def registered(rate: float, seed: int = 1) -> dict[str, float]:
    """The same for registrations: each reads and writes items of its own, in partitions of a table that has split."""
    chance = random.Random(seed)  # nosec B311  # no secret
    partitions = [Partition(PARTITION_WRITES, PARTITION_WRITES) for _ in range(4)]  # what a new on-demand table has
    origin = Partition(PARTITION_WRITES, PARTITION_WRITES)
    came = answered = same_origin = 0
    now = 0.0
    while now < SECONDS:
        now += chance.expovariate(rate)
        came += 1
        account, address = chance.choice(partitions), chance.choice(partitions)
        answered += account.take(2, now) and address.take(2, now)
        same_origin += origin.take(1, now)
    return {"answered": round(answered / came, 3), "from one address": round(same_origin / came, 3)}


def saturation(answers: Callable[[float], float]) -> int:
    """The rate up to which 99 of 100 are answered."""
    low, high = 1.0, 20_000.0
    if answers(high) >= 0.99:
        return int(high)
    while high / low > 1.1:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if answers(middle) >= 0.99 else (low, middle)
    return int(low)


def main() -> None:
    """Simulates, prints and saves."""
    pulls: dict[str, Any] = {}
    for images in SIZES:
        print(f"\n{images} images, {read_units(images)} read units each time")
        for remembered in REMEMBERED:
            rows = {str(rate): pulled(rate, images, remembered) for rate in RATES}
            pulls.setdefault(str(images), {})[str(remembered)] = rows
            line = "  ".join(f"{rate}: {row['answered']:.0%}" for rate, row in rows.items())
            print(f"  remembered {remembered:3.0f} s   {line}")
    storm = {str(rate): registered(rate) for rate in (100, 300, 1_000, 3_000)}
    print("\nregistrations a second   " + "  ".join(f"{rate}: {row}" for rate, row in storm.items()))
    save("hot", {"pulls": pulls, "registrations": storm, "units": {str(n): read_units(n) for n in SIZES}})


if __name__ == "__main__":
    main()
