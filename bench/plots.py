"""Draws docs/development/performance/*.svg from the results in the same folder.

bench/report.py runs it in an environment with matplotlib and without the project, so it imports no module of the
project. The same results give the same bytes: the files contain no date and no random ids, and text remains text.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt  # after the choice of the backend

mpl.rcParams.update(
    {
        "svg.hashsalt": "waybill",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.3,
        "figure.figsize": (6.4, 3.4),
    }
)


def imports(data: dict[str, Any], axes: Any) -> None:
    """Draw the time of the imports by library."""
    waybill, chalice = data["imports"]["waybill"], data["imports"]["chalice"]
    names = sorted(set(waybill) | set(chalice), key=lambda name: chalice.get(name, 0))
    places = range(len(names))
    axes.barh([p + 0.2 for p in places], [chalice.get(n, 0) for n in names], 0.4, label="zip from Chalice")
    axes.barh([p - 0.2 for p in places], [waybill.get(n, 0) for n in names], 0.4, label="Waybill's package")
    axes.set_yticks(list(places), names)
    axes.set_xlabel("milliseconds for imports")
    axes.legend()


def cold_start(data: dict[str, Any], axes: Any) -> None:
    """Draw the time of the init and of the first request."""
    names = {"bare": "bare Chalice app", "waybill": "Waybill's package", "chalice": "zip from Chalice"}
    init = [data["init milliseconds"][name] for name in names]
    rest = [max(0, data["milliseconds"][name] - first) for name, first in zip(names, init, strict=True)]
    axes.barh(list(names.values()), init, label="init")
    axes.barh(list(names.values()), rest, left=init, label="first request")
    axes.set_xlabel("milliseconds of processor time")
    axes.legend()


def handler(data: dict[str, Any], axes: Any) -> None:
    """Draw the time of GET …/images by the number of images."""
    sizes = list(data["sizes"])
    rows = [data["sizes"][size]["GET images, token"] for size in sizes]
    axes.plot(list(map(int, sizes)), [row["ms"] for row in rows], "o-", label="Waybill")
    bare = [row["ms"] / row["bare"] for row in rows]
    axes.plot(list(map(int, sizes)), bare, "s--", label="plain botocore: one Query of the same list")
    other = [
        (int(size), row["ms"] / row["conventional"])
        for size, row in zip(sizes, rows, strict=True)
        if row["conventional"]
    ]
    axes.plot(*zip(*other, strict=True), "^:", label="conventional: one item for each image, KMS for each token")
    axes.set(xscale="log", yscale="log", xlabel="images in the list", ylabel="milliseconds of processor time")
    axes.legend()


def cost(data: dict[str, Any], axes: Any) -> None:
    """Draw the dollars per million requests by the number of images."""
    for name in ("GET images, token", "push, unchanged", "push, 5 more", "push, new", "PUT auth"):
        points = [(int(size), rows[name]["dollars"]) for size, rows in data["sizes"].items() if name in rows]
        axes.plot(*zip(*points, strict=True), "o-", label=name)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="images in the list",
        ylabel="dollars per million, without API Gateway\nand data transfer",
    )
    axes.legend()


def docker(data: dict[str, Any], axes: Any) -> None:
    """Draw the cost of a push and a pull of ten layers by service."""
    parts = data["docker"]["dollars per million"]
    axes.barh(list(parts), list(parts.values()))
    axes.set_xlabel("dollars for a million pushes and pulls of ten layers")


def growth(data: dict[str, Any], axes: Any) -> None:
    """Draw the processor time by the amount of other data, as a ratio of the time with the least data."""
    sizes = list(data["others"])
    for name in data["others"][sizes[0]]:
        first = data["others"][sizes[0]][name]["ms"]
        axes.plot(list(map(int, sizes)), [data["others"][size][name]["ms"] / first for size in sizes], "o-", label=name)
    axes.set(xscale="log", ylim=(0, 2), xlabel="users, repositories and used tokens", ylabel="ratio to the first value")
    axes.legend(ncols=2, fontsize=7)


def segments(data: dict[str, Any], axes: Any) -> None:
    """Draw the time of a GET by the number of pushes, until the segments are compacted."""
    points = [(int(count), row["ms"]) for count, row in data["segments"].items()]
    axes.plot(*zip(*points, strict=True), "o-")
    axes.set(ylim=(0, None), xlabel="pushes of one image each", ylabel="milliseconds for a GET, without moto")


def load(data: dict[str, Any], axes: Any) -> None:
    """Draw the throughput and the latency by the number of clients."""
    clients = list(map(int, data))
    axes.plot(clients, [row["p50"] for row in data.values()], "o-", label="p50, ms")
    axes.plot(clients, [row["p99"] for row in data.values()], "s-", label="p99, ms")
    axes.plot(clients, [row["per second"] for row in data.values()], "^:", label="requests per second")
    axes.set(xscale="log", yscale="log", xlabel="clients")
    axes.set_xticks(clients, data)
    axes.legend()


def hot(data: dict[str, Any], axes: Any) -> None:
    """Draw the share of successful pulls of one repository."""
    for images, colour in zip(data["pulls"], ("C0", "C1", "C2"), strict=True):
        for seconds, style in zip(data["pulls"][images], (":", "--", "-"), strict=True):
            rows = data["pulls"][images][seconds]
            successful = [row["successful"] * 100 for row in rows.values()]
            label = f"{int(images):,} images, cached for {float(seconds):.0f} s"
            axes.plot(list(map(int, rows)), successful, style, color=colour, label=label)
    axes.set(
        xscale="log",
        ylim=(0, 105),
        xlabel="requests per second for one repository",
        ylabel="successful requests in per cent",
    )
    axes.legend(fontsize=7)


def local_server(data: dict[str, Any], axes: Any) -> None:
    """Draw the processor time of the local server by the number of repositories, as a ratio."""
    sizes = list(data)
    for name in ("create", "check", "push", "delete", "search"):
        first = data[sizes[0]][name]
        axes.plot(list(map(int, sizes)), [data[size][name] / first for size in sizes], "o-", label=name)
    axes.set(xscale="log", ylim=(0, 3), xlabel="repositories", ylabel="ratio to the first value")
    axes.legend()


PLOTS: dict[str, tuple[str, Callable[[dict[str, Any], Any], None]]] = {
    "cold-start": ("cold_start", cold_start),
    "imports": ("cold_start", imports),
    "handler": ("handler", handler),
    "cost": ("cost", cost),
    "docker": ("cost", docker),
    "growth": ("growth", growth),
    "segments": ("growth", segments),
    "load": ("load", load),
    "local-server": ("local_server", local_server),
    "hot": ("hot", hot),
}


def main(folder: Path) -> None:
    """Draw each plot whose results exist."""
    for name, (part, draw) in PLOTS.items():
        if (folder / f"{part}.json").exists():
            figure, axes = plt.subplots(layout="constrained")
            draw(json.loads((folder / f"{part}.json").read_text())["results"], axes)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
            plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
