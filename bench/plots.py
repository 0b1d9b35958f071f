"""Draws docs/development/performance/*.svg from the JSON beside them, in an environment that has matplotlib (`bench.pictures`).

The same JSON makes the same bytes: no date, no random ids, text as text. It imports nothing of ours but JSON files,
because that environment has none of ours.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt  # the backend first

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
    """Where the time of an init goes: importing, by whose modules they are."""
    ours, theirs = data["imports"]["waybill"], data["imports"]["chalice"]
    names = sorted(set(ours) | set(theirs), key=lambda name: theirs.get(name, 0))
    places = range(len(names))
    axes.barh([p + 0.2 for p in places], [theirs.get(n, 0) for n in names], 0.4, label="the zip as Chalice makes it")
    axes.barh([p - 0.2 for p in places], [ours.get(n, 0) for n in names], 0.4, label="make package")
    axes.set_yticks(list(places), names)
    axes.set_xlabel("milliseconds of importing on this machine")
    axes.legend()


def cold_start(data: dict[str, Any], axes: Any) -> None:
    """Init and first request."""
    names = {"bare": "a bare Chalice app", "waybill": "make package", "chalice": "the zip as Chalice makes it"}
    init = [data["of which init"][name] for name in names]
    rest = [max(0, data["milliseconds"][name] - first) for name, first in zip(names, init, strict=True)]
    axes.barh(list(names.values()), init, label="init")
    axes.barh(list(names.values()), rest, left=init, label="first request")
    axes.set_xlabel("milliseconds of processor time on this machine")
    axes.legend()


def handler(data: dict[str, Any], axes: Any) -> None:
    """GET …/images by the length of the list."""
    sizes = list(data["sizes"])
    rows = [data["sizes"][size]["GET images, token"] for size in sizes]
    axes.plot(list(map(int, sizes)), [row["ms"] for row in rows], "o-", label="Waybill")
    bare = [row["ms"] / row["bare"] for row in rows]
    axes.plot(list(map(int, sizes)), bare, "s--", label="one bare botocore Query of the same list")
    other = [
        (int(size), row["ms"] / row["conventional"])
        for size, row in zip(sizes, rows, strict=True)
        if row["conventional"]
    ]
    axes.plot(*zip(*other, strict=True), "^:", label="an item per image, KMS for each token")
    axes.set(xscale="log", yscale="log", xlabel="images in the list", ylabel="milliseconds of processor time")
    axes.legend()


def cost(data: dict[str, Any], axes: Any) -> None:
    """Dollars a million beyond the front, by the length of the list."""
    for name in ("GET images, token", "push, unchanged", "push, 5 more", "push, new", "PUT auth"):
        points = [(int(size), rows[name]["dollars"]) for size, rows in data["sizes"].items() if name in rows]
        axes.plot(*zip(*points, strict=True), "o-", label=name)
    axes.set(xscale="log", yscale="log", xlabel="images in the list", ylabel="dollars a million, without the front")
    axes.legend()


def docker(data: dict[str, Any], axes: Any) -> None:
    """What a push and a pull of ten layers cost, by part."""
    services = data["docker"]["dollars a million"]
    axes.barh(list(services), list(services.values()))
    axes.set_xlabel("dollars for a million pushes with a pull each, of ten layers")


def growth(data: dict[str, Any], axes: Any) -> None:
    """Processor time against everybody else's data, of its value at the fewest."""
    sizes = list(data["others"])
    for name in data["others"][sizes[0]]:
        first = data["others"][sizes[0]][name]["ms"]
        axes.plot(list(map(int, sizes)), [data["others"][size][name]["ms"] / first for size in sizes], "o-", label=name)
    axes.set(xscale="log", ylim=(0, 2), xlabel="users, repositories and live tokens", ylabel="of the first")
    axes.legend(ncols=2, fontsize=7)


def segments(data: dict[str, Any], axes: Any) -> None:
    """What a list's segments add until they are packed."""
    points = [(int(count), row["ms"]) for count, row in data["segments"].items()]
    axes.plot(*zip(*points, strict=True), "o-")
    axes.set(ylim=(0, None), xlabel="pushes of one image each", ylabel="milliseconds of our own code for a GET")


def load(data: dict[str, Any], axes: Any) -> None:
    """Throughput and latency by the number of clients."""
    clients = list(map(int, data))
    axes.plot(clients, [row["p50"] for row in data.values()], "o-", label="p50, ms")
    axes.plot(clients, [row["p99"] for row in data.values()], "s-", label="p99, ms")
    axes.plot(clients, [row["a second"] for row in data.values()], "^:", label="requests a second")
    axes.set(xscale="log", yscale="log", xlabel="clients")
    axes.set_xticks(clients, data)
    axes.legend()


def hot(data: dict[str, Any], axes: Any) -> None:
    """How much of the traffic for one repository is answered."""
    for images, colour in zip(data["pulls"], ("C0", "C1", "C2"), strict=True):
        for remembered, style in zip(data["pulls"][images], (":", "--", "-"), strict=True):
            rows = data["pulls"][images][remembered]
            answered = [row["answered"] * 100 for row in rows.values()]
            label = f"{int(images):,} images, remembered {float(remembered):.0f} s"
            axes.plot(list(map(int, rows)), answered, style, color=colour, label=label)
    axes.set(xscale="log", ylim=(0, 105), xlabel="requests a second for one repository", ylabel="per cent answered")
    axes.legend(fontsize=7)


PICTURES: dict[str, tuple[str, Callable[[dict[str, Any], Any], None]]] = {
    "cold-start": ("cold_start", cold_start),
    "imports": ("cold_start", imports),
    "handler": ("handler", handler),
    "cost": ("cost", cost),
    "docker": ("cost", docker),
    "growth": ("growth", growth),
    "segments": ("growth", segments),
    "load": ("load", load),
    "hot": ("hot", hot),
}


def main(folder: Path) -> None:
    """Draws each picture whose measurement is there."""
    for name, (part, draw) in PICTURES.items():
        if (folder / f"{part}.json").exists():
            figure, axes = plt.subplots(layout="constrained")
            draw(json.loads((folder / f"{part}.json").read_text()), axes)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None, "Creator": None})
            plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
