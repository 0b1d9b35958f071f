"""The results of the measurements: one JSON file for each part. bench/report.py and bench/plots.py read them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "development" / "performance"
MEASURED = "measured"  # the key of the date


def save(part: str, results: dict[str, Any]) -> None:
    """Save the results of a part, with the date of today."""
    FOLDER.mkdir(exist_ok=True)
    dated = {MEASURED: datetime.now(UTC).date().isoformat(), "results": results}
    (FOLDER / f"{part}.json").write_text(json.dumps(dated, indent=1) + "\n")


def load(part: str) -> dict[str, Any]:
    """Return the last results of a part. Raises FileNotFoundError."""
    results: dict[str, Any] = _read(part)["results"]
    return results


def load_date(part: str) -> str:
    """Return the date of the last measurement of a part. Raises FileNotFoundError."""
    date: str = _read(part)[MEASURED]
    return date


def ratio(part: float, whole: float) -> float:
    """Return the ratio with three digits, as the page shows it."""
    return round(part / whole, 3)


def _read(part: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FOLDER / f"{part}.json").read_text())
    return content
