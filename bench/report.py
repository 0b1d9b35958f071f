"""Makes docs/development/performance.md and its pictures of what was measured: `python -m bench.report`. No figure is typed in."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from bench.results import FOLDER, ROOT, load
from tests.deployed.programs import environment

PAGE = ROOT / "docs" / "development" / "performance.md"
FRONT = ("API Gateway", "CloudFront")
TEMPLATE = ROOT / "bench" / "performance.md"


def main() -> None:
    """Draws and writes."""
    subprocess.run(  # nosec B603  # our own arguments
        [environment("plots"), ROOT / "bench" / "plots.py", FOLDER], check=True
    )
    PAGE.write_text(page())


def page() -> str:
    """The page: bench/performance.md with each `{{name}}` filled in. Raises KeyError for a name that is nothing."""
    values = _values()
    return re.sub(r"\{\{([a-z0-9 -]+)\}\}", lambda match: values[match[1]], TEMPLATE.read_text())


def _values() -> Mapping[str, str]:
    cold, handler, cost = load("cold_start"), load("handler"), load("cost")
    growth, hot = load("growth"), load("hot")
    ten, thousand = handler["sizes"]["10"], handler["sizes"]["1000"]
    items = cost["items"]
    beyond = sum(dollars for part, dollars in items.items() if part not in FRONT)
    first, more = cost["first push of 100"], cost["sizes"]["10000"]["push, 5 more"]["writes"]
    remembered = ten["sign in, remembered"]["bare"]
    goals: list[tuple[str, float, float]] = [
        ("cold start, of the zip as Chalice makes it", cold["of chalice"], 0.35),
        ("cold start, of a bare Chalice app", cold["of bare"], 3.2),
        ("`GET …/images` with a token, 10 images, of one bare Query", ten["GET images, token"]["bare"], 1.3),
        ("the same, 1,000 images, of the conventional build", thousand["GET images, token"]["conventional"], 0.25),
        ("`PUT …/auth`, of one bare GetItem", ten["PUT auth"]["bare"], 1.2),
        ("sign-in with remembered credentials, of one bare GetItem", remembered, 1.3),
        ("a first sign-in, of one bcrypt check", handler["first sign-in of bcrypt"], 1.1),
        ("creating with 10 images, of the conventional build, bcrypt left out", ten["push, new"]["conventional"], 0.4),
        ("a first push of 100 images, write units", first["new"], 8),
        ("the same push again, write units", first["again"], 0),
        ("5 images added to 10,000, write units", more, 2),
        (
            "most that units or function calls rise from 1,000 to 100,000 users, repositories, tokens",
            _rise(growth["others"]),
            1.1,
        ),
        ("`GET …/images` with a token, dollars a million beyond the front", beyond, 0.75),
    ]
    return {
        "goals": _table(
            ("goal", "measured", "at most", ""),
            (
                (name, f"{value:.3g}", f"{goal:g}", "met" if value <= goal else "**missed**")
                for name, value, goal in goals
            ),
        ),
        "zip": f"{cold['zip megabytes']['waybill']}",
        "chalice zip": f"{cold['zip megabytes']['chalice']}",
        "memory": ", ".join(f"{megabytes} ({name})" for name, megabytes in cold["peak megabytes"].items()),
        "handler": _table(
            (
                "operation",
                "ms",
                "calls",
                "of bare botocore, 10 images",
                "1,000",
                "of the conventional build, 10",
                "1,000",
            ),
            (
                (
                    name,
                    f"{row['ms']:.2f}",
                    ", ".join(row["calls"]) or "none",
                    *(_ratio(rows[name][beside]) for beside in ("bare", "conventional") for rows in (ten, thousand)),
                )
                for name, row in ten.items()
            ),
        ),
        "cost": _table(
            ("operation", "calls", *(f"{int(size):,}" for size in cost["sizes"])),
            (
                (name, str(row["calls"]), *(_units(rows.get(name)) for rows in cost["sizes"].values()))
                for name, row in cost["sizes"]["10"].items()
            ),
        ),
        "dynalite": ", ".join(
            f"{name}: {ours:g} and {its:g}" for name, (ours, its) in (cost["dynalite"] or {}).items()
        ),
        "items": _table(("part", "dollars a million"), ((part, f"{dollars:.3f}") for part, dollars in items.items())),
        "docker requests": _table(
            ("request", "times"), ((kind, str(times)) for kind, times in cost["docker"]["requests"].items())
        ),
        "docker total": str(sum(cost["docker"]["requests"].values())),
        "docker dollars": f"{sum(cost['docker']['dollars a million'].values()):.0f}",
        "docker front": f"{sum(cost['docker']['dollars a million'][part] for part in FRONT):.0f}",
        "checksums": f"{first['checksums']:g}",
        "first push": f"{first['new']:g}",
        "logged": str(cost["sizes"]["10"]["GET images, token"]["logged"]),
        "creating with bcrypt": f"{_with_bcrypt(ten['push, new'], handler['bcrypt ms']):.3f}",
        "sign in": f"{handler['first sign-in of bcrypt']:.2f}",
        "rise": f"{_rise(growth['others']):.2f}",
        "milliseconds rise": f"{_rise(growth['others'], ('ms',)):.2f}",
        "failed": str(sum(row["failed"] for row in load("load").values())),
        "hot": _table(
            ("images", "remembered", *(f"{int(rate):,}/s" for rate in hot["pulls"]["10"]["0.0"])),
            (
                (f"{int(images):,}", f"{float(seconds):g} s", *(f"{row['answered']:.0%}" for row in rows.values()))
                for images, by_memory in hot["pulls"].items()
                for seconds, rows in by_memory.items()
            ),
        ),
        "storm": ", ".join(f"{int(r):,} a second: {row['answered']:.0%}" for r, row in hot["registrations"].items()),
    }


def _rise(grown: Mapping[str, Mapping[str, Any]], kinds: Iterable[str] = ("calls", "reads", "writes")) -> float:
    """The most that any operation's units, or the functions that it calls, grow."""
    fewest, *_, most = grown.values()
    return max(float(most[name][kind] / row[kind]) for name, row in fewest.items() for kind in kinds if row[kind])


def _with_bcrypt(row: Mapping[str, Any], check: float) -> float:
    """What an operation takes of the conventional build when that checks the password as it would be deployed."""
    ours, conventional = float(row["ms"]), float(row["conventional"])
    return ours / (ours / conventional + check)


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _units(row: Mapping[str, Any] | None) -> str:
    return "" if row is None else f"{row['reads']:g} r, {row['writes']:g} w"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
