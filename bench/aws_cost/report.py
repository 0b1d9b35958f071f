"""The tables of docs/development/cost.md: the cost of a million of each operation, and of a month of three indexes."""

from collections.abc import Iterator, Mapping

import yaml
from msgspec import Struct

from bench.aws_cost import prices
from bench.aws_cost.meter import Usage
from bench.aws_cost.operations import OPERATIONS, count_usage
from infra.deploy.service_template import SERVICE_TEMPLATE

_OPERATIONS_PER_PERSON = {  # in a month: 200 pulls and 20 pushes of 10 layers; the registry checks each layer
    "check": 220 * 10,
    "pull": 200,
    "push": 20,
    "push-end": 20,
    "create": 1,
    "login": 30,
    "login-cached": 70,
    "search": 10,
    "delete": 1,
}


class Workload(Struct, frozen=True):
    """A month of an index.

    Attributes:
        name: the name in the table.
        people: the number of people who use it.
        gigabytes: the stored data.
    """

    name: str
    people: int
    gigabytes: float

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of each operation."""
        return {key: count * self.people for key, count in _OPERATIONS_PER_PERSON.items()}


WORKLOADS = (
    Workload("a team", 20, 0.1),
    Workload("a company", 1_000, 2),
    Workload("a public index", 50_000, 100),
)


def create_report() -> Iterator[str]:
    """Yield the lines of the tables, in Markdown."""
    usages = count_usage()
    yield from _operations_table(usages)
    yield ""
    yield from _months_table(usages)
    yield ""
    yield "| price | dollars per million |"
    yield "| --- | ---: |"
    for price in prices.PRICES:
        yield f"| {price.name} | {price.per_million:g} |"


def _operations_table(usages: Mapping[str, Usage]) -> Iterator[str]:
    yield "| operation | read units | write units | KMS | bcrypt | dollars per million |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for operation in OPERATIONS:
        usage = usages[operation.key]
        cost = f"{_cost_per_million(usage):.2f}"
        cells = (f"{usage.reads:g}", f"{usage.writes:g}", str(usage.macs), str(usage.bcrypts), cost)
        yield f"| {operation.description} | {' | '.join(cells)} |"


def _months_table(usages: Mapping[str, Usage]) -> Iterator[str]:
    yield "| dollars per month | " + " | ".join(f"{size.name}, {size.people:,} people" for size in WORKLOADS) + " |"
    yield "| --- |" + " ---: |" * len(WORKLOADS)
    for operation in OPERATIONS:
        costs = [_cost(usages, workload, operation.key) for workload in WORKLOADS]
        if any(costs):
            yield f"| {operation.description} | " + " | ".join(f"{cost:,.2f}" for cost in costs) + " |"
    stored = [workload.gigabytes * prices.STORED_GIGABYTE for workload in WORKLOADS]
    yield "| storage | " + " | ".join(f"{cost:,.2f}" for cost in stored) + " |"
    yield "| key, alarms | " + " | ".join(f"{_fixed_cost():,.2f}" for _ in WORKLOADS) + " |"
    totals = [
        sum(_cost(usages, workload, key) for key in workload.counts) + storage + _fixed_cost()
        for workload, storage in zip(WORKLOADS, stored, strict=True)
    ]
    yield "| **total** | " + " | ".join(f"**{total:,.2f}**" for total in totals) + " |"


def _cost(usages: Mapping[str, Usage], workload: Workload, key: str) -> float:
    return _cost_per_million(usages[key]) * workload.counts.get(key, 0) / 1e6


def _cost_per_million(usage: Usage) -> float:
    seconds = prices.WARM_SECONDS + usage.bcrypts * prices.BCRYPT_SECONDS
    return (
        prices.API_GATEWAY.per_million
        + prices.TRANSFER_BYTE.per_million * (usage.bytes_out + prices.HEADER_BYTES)
        + prices.LAMBDA.per_million
        + prices.LAMBDA_SECOND.per_million * seconds * prices.GIGABYTES
        + prices.READ.per_million * usage.reads
        + prices.WRITE.per_million * usage.writes
        + prices.MAC.per_million * usage.macs
        + prices.LOG_BYTE.per_million * usage.bytes_logged
    )


def _fixed_cost() -> float:
    """Return the cost of a month without requests."""
    resources = yaml.safe_load(SERVICE_TEMPLATE.read_text())["Resources"].values()
    alarms = [resource for resource in resources if resource.get("Type") == "AWS::CloudWatch::Alarm"]
    return prices.KEY_PER_MONTH + len(alarms) * prices.ALARM_PER_MONTH
