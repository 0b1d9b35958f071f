"""Where measurements are kept: one JSON file for each part, from which pictures and docs/development/performance.md are made."""

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "development" / "performance"


def save(part: str, measured: dict[str, Any]) -> None:
    """Keeps what a part has measured."""
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{part}.json").write_text(json.dumps(measured, indent=1) + "\n")


def load(part: str) -> dict[str, Any]:
    """What a part measured last. Raises FileNotFoundError."""
    measured: dict[str, Any] = json.loads((FOLDER / f"{part}.json").read_text())
    return measured


def ratio(part: float, whole: float) -> float:
    """Rounded as it is shown."""
    return round(part / whole, 3)
