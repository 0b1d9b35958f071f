"""Simulates many pulls of one repository, and many registrations: `python -m bench.hot_repository`.

One hash key is in one partition. DynamoDB gives a partition at most 3,000 read units and 1,000 write units per second.
A container handles one request at a time, and Lambda starts another container if none is free. Requests arrive at
random times with a constant average rate. The simulation uses DynamoDB's rule for the units of a list.
"""

import heapq
import random
from math import ceil
from typing import Any

from msgspec import Struct

from bench.results import save

PARTITION_READS, PARTITION_WRITES = 3_000, 1_000  # units per second
SECONDS = 20
WARM_SECONDS, COLD_SECONDS = 0.012, 0.5  # of a request: WARM_SECONDS of bench/aws_cost/prices.py; and with an init
SIZES = (10, 1_000, 10_000)
RATES = (10, 30, 100, 300, 1_000, 3_000, 10_000)  # requests per second
CACHE_SECONDS = (0.0, 1.0, 2.0)
IMAGE_BYTES, HEAD_BYTES = 64, 260
NEW_TABLE_PARTITIONS = 4  # of a new on-demand table


class Partition(Struct):
    """A token bucket that holds the units of one second.

    Attributes:
        rate: units per second.
        units: the available units.
        updated: the time of the last request.
    """

    rate: float
    units: float = 0.0
    updated: float = 0.0

    def take(self, units: float, now: float) -> bool:
        """Take units. Return False if there are not enough.

        A request for more units than the bucket holds succeeds if the bucket is full. The rest is then missing later.
        """
        self.units = min(self.rate, self.units + (now - self.updated) * self.rate)
        self.updated = now
        if self.units < min(units, self.rate):
            return False
        self.units -= units
        return True


class Container(Struct, order=True):
    """A container. Times are in seconds.

    Attributes:
        free_at: the time at which its request ends.
        cached_until: the time until which it has the list in its cache.
    """

    free_at: float
    cached_until: float = 0.0


def read_units(images: int) -> int:
    """Return the units of one strongly consistent Query."""
    return max(1, ceil((HEAD_BYTES + images * IMAGE_BYTES) / 4096))


def simulate_pulls(rate: float, images: int, cache_seconds: float, seed: int = 1) -> dict[str, float]:
    """Return the share of successful pulls at `rate` requests per second, their units, and the number of containers."""
    generator, partition = random.Random(seed), Partition(PARTITION_READS, PARTITION_READS)  # nosec B311  # no secret
    free: list[Container] = []
    now, received, successful, units, cold_starts = 0.0, 0, 0, 0, 0
    while now < SECONDS:
        now += generator.expovariate(rate)
        received += 1
        busy_seconds = WARM_SECONDS
        if free and free[0].free_at <= now:
            container = heapq.heappop(free)
        else:
            container, busy_seconds, cold_starts = Container(0.0), COLD_SECONDS, cold_starts + 1
        if container.cached_until > now:
            successful += 1
        elif partition.take(read_units(images), now):
            successful, units = successful + 1, units + read_units(images)
            container.cached_until = now + cache_seconds
        container.free_at = now + busy_seconds
        heapq.heappush(free, container)
    return {
        "successful": round(successful / received, 3),
        "units per second": round(units / SECONDS),
        "containers": len(free),
        "cold starts": cold_starts,
    }


def simulate_registrations(rate: float, seed: int = 1) -> dict[str, float]:
    """Return the share of successful registrations.

    Registrations from different client IPs use different items. Those from one client IP all use the counter of this
    client IP, which is in one partition.
    """
    generator = random.Random(seed)  # nosec B311  # no secret
    partitions = [Partition(PARTITION_WRITES, PARTITION_WRITES) for _ in range(NEW_TABLE_PARTITIONS)]
    counter = Partition(PARTITION_WRITES, PARTITION_WRITES)
    received = successful = from_one_client = 0
    now = 0.0
    while now < SECONDS:
        now += generator.expovariate(rate)
        received += 1
        account, email = generator.choice(partitions), generator.choice(partitions)
        successful += account.take(2, now) and email.take(2, now)
        from_one_client += counter.take(1, now)
    return {
        "successful": round(successful / received, 3),
        "from one client IP": round(from_one_client / received, 3),
    }


def main() -> None:
    """Simulate, print and save."""
    pulls: dict[str, Any] = {}
    for images in SIZES:
        print(f"\n{images} images, {read_units(images)} read units for each pull")
        for seconds in CACHE_SECONDS:
            rows = {str(rate): simulate_pulls(rate, images, seconds) for rate in RATES}
            pulls.setdefault(str(images), {})[str(seconds)] = rows
            line = "  ".join(f"{rate}: {row['successful']:.0%}" for rate, row in rows.items())
            print(f"  cached for {seconds:3.0f} s   {line}")
    registrations = {str(rate): simulate_registrations(rate) for rate in (100, 300, 1_000, 3_000)}
    print("\nregistrations per second   " + "  ".join(f"{rate}: {row}" for rate, row in registrations.items()))
    save("hot", {"pulls": pulls, "registrations": registrations, "units": {str(n): read_units(n) for n in SIZES}})


if __name__ == "__main__":
    main()
