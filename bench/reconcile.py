"""Measures `waybill registries reconcile` with a large registry: `python -m bench.reconcile`.

Debian's docker-registry gets 10,000 repositories with two tags, of which the index knows none. The command runs three
times: as a dry run, for real, and again without differences. It needs docker-registry and skopeo, so `make bench` omits
it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.results import ROOT, save
from tests.clients.conftest import ADMIN_PASSWORD
from tests.clients.registry_programs import Registry, create_image, run_registry

REPOSITORIES = 10_000
RUNS = {"dry run": ("--dry-run",), "correction": (), "repetition": ()}


def main() -> None:
    """Measure, print and save."""
    with tempfile.TemporaryDirectory(prefix="waybill-") as name:
        folder = Path(name)
        with run_registry(folder, MAX_REPOSITORIES=str(2 * REPOSITORIES)) as registry:
            registry.server.register("alice")
            _fill(registry, folder)
            results = {run: _run(registry, *options) for run, options in RUNS.items()}
    for run, row in results.items():
        print(f"{run:12} {row}")
    save("reconcile", results)


def _fill(registry: Registry, folder: Path) -> None:
    """Push one repository, and copy its files in the storage of the registry."""
    image = create_image(folder / "oci", "reconcile")
    assert registry.log_in("alice", "sekret123").status == 0
    for tag in ("1", "2"):
        pushed = registry.push(image.source, f"alice/r00000:{tag}", login="alice")
        assert pushed.status == 0, pushed.output
    registry.wait_for_tags("alice/r00000", {"1": image.digest, "2": image.digest})
    root = folder / "images" / "docker" / "registry" / "v2" / "repositories" / "alice"
    for number in range(1, REPOSITORIES):
        shutil.copytree(root / "r00000", root / f"r{number:05}")


def _run(registry: Registry, *options: str) -> dict[str, Any]:
    """Run the command once. Return its summary, the seconds and the most memory that it used."""
    command = ("-m", "infra", "registries", "reconcile", f"http://{registry.host}", "--json", *options)
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(  # nosec B603  # fixed arguments
            [sys.executable, *command, "--local", registry.server.base_url],
            cwd=ROOT,
            env={**os.environ, "ADMIN_PASSWORD": ADMIN_PASSWORD},
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        output.seek(0)
        assert status == 0, output.read()
        summary = json.load(output)
    counts = {name: value if isinstance(value, int) else len(value) for name, value in summary.items()}
    return {"seconds": round(seconds, 1), "megabytes": usage.ru_maxrss // 1024, **counts}


if __name__ == "__main__":
    main()
