"""Creates docs/development/performance.md and its plots from the results: `python -m bench.report`.

The text is in bench/performance.md. Each `{{name}}` there is replaced by a measured value.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bench.cost import FRONT
from bench.results import FOLDER, ROOT, load, load_date
from tests.deployed.programs import environment

PAGE = ROOT / "docs" / "development" / "performance.md"
TEMPLATE = ROOT / "bench" / "performance.md"
PARTS = {
    "cold_start": "cold start",
    "handler": "processor time",
    "cost": "units and dollars",
    "growth": "growth",
    "hot": "hot repository",
    "load": "load",
    "registry_growth": "registries",
    "reconcile": "reconcile",
    "local_server": "local server",
    "local_load": "load of the local server",
}


def main() -> None:
    """Draw the plots and write the page."""
    subprocess.run(  # nosec B603  # fixed arguments
        [environment("plots"), ROOT / "bench" / "plots.py", FOLDER], check=True
    )
    PAGE.write_text(create_page())


def create_page() -> str:
    """Return the page. Raises KeyError if the template contains an unknown name."""
    values = _collect_values()
    return re.sub(r"\{\{([a-z0-9 -]+)\}\}", lambda match: values[match[1]], TEMPLATE.read_text())


def _collect_values() -> Mapping[str, str]:
    results = {part: load(part) for part in PARTS}
    return {
        "dates": ", ".join(f"{name} {load_date(part)}" for part, name in PARTS.items()),
        "goals": _create_table(("measurement", "result", "goal: at most", ""), _goal_rows(results)),
        **_cold_start_values(results["cold_start"]),
        **_handler_values(results["handler"]),
        **_cost_values(results["cost"]),
        "rise": f"{_largest_rise(results['growth']['others']):.2f}",
        "milliseconds rise": f"{_largest_rise(results['growth']['others'], ('ms',)):.2f}",
        "failed": str(sum(row["failed"] for row in results["load"].values())),
        **_hot_values(results["hot"]),
        "local server": _create_local_server_table(results["local_server"]),
        "local load": _create_table(
            ("request", "per second", "p50, ms", "p99, ms", "failed"),
            (
                (name, *(f"{row[key]:g}" for key in ("per second", "p50", "p99", "failed")))
                for name, row in results["local_load"].items()
            ),
        ),
        "reconcile": _create_reconcile_table(results["reconcile"]),
        "registries": _create_registry_table(results["registry_growth"]),
    }


def _goal_rows(results: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    cold_start, handler, cost = results["cold_start"], results["handler"], results["cost"]
    ten, thousand = handler["sizes"]["10"], handler["sizes"]["1000"]
    first_push = cost["first push of 100"]
    without_front = sum(dollars for part, dollars in cost["parts"].items() if part not in FRONT)
    goals: list[tuple[str, float, float]] = [
        ("cold start, ratio to the zip from Chalice", cold_start["of chalice"], 0.30),
        ("cold start, ratio to a bare Chalice app", cold_start["of bare"], 3.0),
        ("memory after the init, MB", cold_start["peak megabytes"]["waybill"], 40),
        ("`GET …/images` with a token, 10 images, ratio to one plain Query", ten["GET images, token"]["bare"], 1.1),
        ("the same with 1,000 images", thousand["GET images, token"]["bare"], 1.5),
        (
            "the same with 1,000 images, ratio to the conventional implementation",
            thousand["GET images, token"]["conventional"],
            0.25,
        ),
        ("`PUT …/auth`, ratio to one plain GetItem", ten["PUT auth"]["bare"], 1.2),
        ("login with cached credentials, ratio to one plain GetItem", ten["log in, cached"]["bare"], 1.3),
        ("first login, ratio to one bcrypt computation", handler["first login of bcrypt"], 1.1),
        (
            "creation with 10 images, ratio to the conventional implementation, both without bcrypt",
            ten["push, new"]["conventional"],
            0.4,
        ),
        ("first push of 100 images, write units", first_push["new"], 8),
        ("the same push again, write units", first_push["again"], 0),
        ("5 images added to 10,000, write units", cost["sizes"]["10000"]["push, 5 more"]["writes"], 2),
        (
            "largest rise of units or function calls, from 1,000 to 100,000 users, repositories and tokens",
            _largest_rise(results["growth"]["others"]),
            1.1,
        ),
        ("`GET …/images` with a token, dollars per million without API Gateway and data transfer", without_front, 0.75),
        *_local_server_goals(results["local_server"], results["local_load"]),
    ]
    for name, value, goal in goals:
        yield name, f"{value:.3g}", f"{goal:g}", "met" if value <= goal else "**missed**"


def _local_server_goals(
    sizes: Mapping[str, Any], load_results: Mapping[str, Any]
) -> Iterator[tuple[str, float, float]]:
    """Yield the goals of the local server. Its slowest operation counts."""
    smallest, *_, largest = sizes.values()
    rises = {name: largest[name] / smallest[name] for name in ("create", "check", "push", "delete", "search")}
    search = rises.pop("search")
    yield "local server, 20,000 repositories, largest ratio of create, check, push and delete", max(rises.values()), 1.3
    yield "local server, 20,000 repositories, ratio of a search", search, 3
    yield "local server, 20,000 repositories, seconds to load the data", largest["load, s"], 60
    yield "local server, 20,000 repositories, longest request during a save, s", largest["longest request, s"], 0.2
    slowest = max(row["p99"] for row in load_results.values())
    yield "local server, 5,000 repositories, 8 clients, p99 in ms", slowest, 300


def _cold_start_values(cold_start: Mapping[str, Any]) -> dict[str, str]:
    millions = cold_start["million instructions"]
    return {
        "zip": f"{cold_start['zip megabytes']['waybill']}",
        "chalice zip": f"{cold_start['zip megabytes']['chalice']}",
        "of bare": f"{cold_start['of bare']:.1f}",
        "of chalice": f"{cold_start['of chalice']:.2f}",
        "bare start": f"{cold_start['milliseconds']['bare']}",
        "instruction ratio": f"{millions['waybill'] / millions['chalice']:.2f}",
        "instructions": ", ".join(f"{count:,} ({name})" for name, count in millions.items()),
        "memory": ", ".join(f"{megabytes} ({name})" for name, megabytes in cold_start["peak megabytes"].items()),
    }


def _handler_values(handler: Mapping[str, Any]) -> dict[str, str]:
    ten, thousand = handler["sizes"]["10"], handler["sizes"]["1000"]
    head = (
        "operation",
        "ms",
        "calls",
        "ratio to plain botocore, 10 images",
        "1,000",
        "ratio to the conventional implementation, 10 images",
        "1,000",
    )
    rows = (
        (
            name,
            f"{row['ms']:.2f}",
            ", ".join(row["calls"]) or "none",
            *(_format_ratio(size[name][other]) for other in ("bare", "conventional") for size in (ten, thousand)),
        )
        for name, row in ten.items()
    )
    new = ten["push, new"]
    return {
        "handler": _create_table(head, rows),
        "login": f"{handler['first login of bcrypt']:.2f}",
        "creating with bcrypt": f"{new['ms'] / (new['ms'] / new['conventional'] + handler['bcrypt ms']):.3f}",
    }


def _cost_values(cost: Mapping[str, Any]) -> dict[str, str]:
    sizes, first_push, docker = cost["sizes"], cost["first push of 100"], cost["docker"]
    rows = (
        (name, str(row["calls"]), *(_format_units(size.get(name)) for size in sizes.values()))
        for name, row in sizes["10"].items()
    )
    return {
        "cost": _create_table(("operation", "calls", *(f"{int(size):,}" for size in sizes)), rows),
        "first push": f"{first_push['new']:g}",
        "checksums": f"{first_push['checksums']:g}",
        "dynalite": ", ".join(
            f"{name}: {meter:g} and {dynalite:g}" for name, (meter, dynalite) in (cost["dynalite"] or {}).items()
        ),
        "parts": _create_table(
            ("service", "dollars per million"), ((part, f"{dollars:.3f}") for part, dollars in cost["parts"].items())
        ),
        "docker requests": _create_table(
            ("request", "number"), ((name, str(number)) for name, number in docker["requests"].items())
        ),
        "docker total": str(sum(docker["requests"].values())),
        "docker dollars": f"{sum(docker['dollars per million'].values()):.0f}",
        "docker front": f"{sum(docker['dollars per million'][part] for part in FRONT):.0f}",
        "logged": str(sizes["10"]["GET images, token"]["logged"]),
    }


def _hot_values(hot: Mapping[str, Any]) -> dict[str, str]:
    rates = hot["pulls"]["10"]["0.0"]
    rows = (
        (f"{int(images):,}", f"{float(seconds):g} s", *(f"{row['successful']:.0%}" for row in by_rate.values()))
        for images, by_seconds in hot["pulls"].items()
        for seconds, by_rate in by_seconds.items()
    )
    registrations = (
        f"{row['successful']:.0%} of {int(rate):,} per second" for rate, row in hot["registrations"].items()
    )
    return {
        "hot": _create_table(("images", "cached for", *(f"{int(rate):,}/s" for rate in rates)), rows),
        "registrations": ", ".join(registrations),
    }


def _largest_rise(sizes: Mapping[str, Mapping[str, Any]], kinds: Iterable[str] = ("calls", "reads", "writes")) -> float:
    """Return the largest ratio between the largest and the smallest index, over all operations."""
    smallest, *_, largest = sizes.values()
    return max(float(largest[name][kind] / row[kind]) for name, row in smallest.items() for kind in kinds if row[kind])


def _create_local_server_table(sizes: Mapping[str, Any]) -> str:
    head = ("repositories", *(f"{int(size):,}" for size in sizes))
    first = next(iter(sizes.values()))
    operations = ("create", "check", "push", "delete", "search")
    ratios = (
        (f"{name}, ms (ratio)", *(f"{row[name]:.2f} ({row[name] / first[name]:.2f})" for row in sizes.values()))
        for name in operations
    )
    others = ((name, *(f"{row[name]:.3g}" for row in sizes.values())) for name in first if name not in operations)
    return _create_table(head, (*ratios, *others))


def _create_reconcile_table(runs: Mapping[str, Any]) -> str:
    head = ("run", "repositories", "seconds", "memory, MB", "added tags")
    rows = (
        (name, *(f"{row[key]:,}" for key in ("repositories", "seconds", "megabytes", "added_tags")))
        for name, row in runs.items()
    )
    return _create_table(head, rows)


def _create_registry_table(growth: Mapping[str, Any]) -> str:
    head = ("request", *(f"{int(size):,} repositories" for size in growth))
    first = next(iter(growth.values()))
    rows = (
        (name, *(f"{len(row[name]['calls'])} calls, {_format_units(row[name])}" for row in growth.values()))
        for name in first
    )
    return _create_table(head, rows)


def _format_ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _format_units(row: Mapping[str, Any] | None) -> str:
    return "" if row is None else f"{row['reads']:g} r, {row['writes']:g} w"


def _create_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
