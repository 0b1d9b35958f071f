"""What a million of each operation costs, and a month of three sizes of index: the tables of docs/development/cost.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from bench.aws_cost import prices
from bench.aws_cost.meter import Use
from bench.aws_cost.operations import OPERATIONS, count
from infra.deploy.package import SERVICE_TEMPLATE


@dataclass(frozen=True, slots=True)
class Size:
    """An index of some size, and how often a month sees each operation."""

    name: str
    what: str
    gigabytes: float
    times: Mapping[str, int]


def _size(name: str, what: str, scale: int, gigabytes: float) -> Size:
    """A person a month: 200 pulls and 20 pushes of 10 layers, each layer checked by the registry, and signing in."""
    per_person = {
        "check": 220 * 10,
        "pull": 200,
        "push": 20,
        "push-done": 20,
        "new": 1,
        "sign-in": 30,
        "sign-in-again": 70,
        "search": 10,
        "delete": 1,
    }
    return Size(name, what, gigabytes, {key: times * scale for key, times in per_person.items()})


SIZES = (
    _size("a team", "20 people", 20, 0.1),
    _size("a company", "1,000 people", 1_000, 2),
    _size("a public index", "50,000 people", 50_000, 100),
)


def report() -> Iterator[str]:
    """The tables, line by line, in Markdown."""
    used = count()
    yield "| an operation | read units | write units | KMS | bcrypt | dollars a million |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for operation in OPERATIONS:
        use = used[operation.key]
        cells = (f"{use.reads:g}", f"{use.writes:g}", str(use.macs), str(use.bcrypts), f"{_per_million(use):.2f}")
        yield f"| {operation.what} | {' | '.join(cells)} |"
    yield ""
    yield "| a month | " + " | ".join(f"{size.name}, {size.what}" for size in SIZES) + " |"
    yield "| --- |" + " ---: |" * len(SIZES)
    for operation in OPERATIONS:
        costs = [_per_million(used[operation.key]) * size.times.get(operation.key, 0) / 1e6 for size in SIZES]
        if any(costs):
            yield f"| {operation.what} | " + " | ".join(f"{cost:,.2f}" for cost in costs) + " |"
    stored = [size.gigabytes * prices.STORED_GIGABYTE for size in SIZES]
    yield "| storage | " + " | ".join(f"{cost:,.2f}" for cost in stored) + " |"
    yield "| key, alarms, metrics, dashboard | " + " | ".join(f"{_standing():,.2f}" for _ in SIZES) + " |"
    totals = [
        sum(_per_million(used[key]) * times / 1e6 for key, times in size.times.items()) + stored + _standing()
        for size, stored in zip(SIZES, stored, strict=True)
    ]
    yield "| **dollars** | " + " | ".join(f"**{total:,.2f}**" for total in totals) + " |"
    yield ""
    yield "| price | dollars a million |"
    yield "| --- | ---: |"
    for price in prices.PRICES:
        yield f"| {price.name} | {price.per_million:g} |"


def _per_million(use: Use) -> float:
    seconds = prices.SECONDS_WARM + use.bcrypts * prices.SECONDS_BCRYPT
    return (
        prices.GATEWAY.per_million
        + prices.FRONT.per_million
        + prices.OUT.per_million * (use.bytes_out + prices.HEADER_BYTES)
        + prices.LAMBDA.per_million
        + prices.SECOND.per_million * seconds * prices.GIGABYTES
        + prices.READ.per_million * use.reads
        + prices.WRITE.per_million * use.writes
        + prices.MAC.per_million * use.macs
        + prices.LOG.per_million * use.bytes_logged
    )


def _standing() -> float:
    """What a month costs when nobody asks anything."""
    resources = yaml.safe_load(SERVICE_TEMPLATE.read_text())["Resources"].values()
    alarms = [resource for resource in resources if resource.get("Type") == "AWS::CloudWatch::Alarm"]
    return prices.KEY_A_MONTH + len(alarms) * prices.ALARM_A_MONTH + prices.METRICS_A_MONTH + prices.DASHBOARD_A_MONTH
