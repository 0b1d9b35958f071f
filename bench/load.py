"""Mixed traffic from 1 to 64 clients on the local server, on this machine: `python -m bench.load`.

The server is `make serve`'s, one Python process with moto behind it, and moto takes most of its time: the curve's shape
says something (no stalls, no errors, queueing and nothing worse), its height nothing about AWS.
"""

import http.client
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

from bench.operations import BASIC, PASSWORD, USERNAME, WEB, images
from bench.results import save

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
SECONDS = 4
MIX = {"GET images, token": 80, "GET images, Basic": 8, "push, 5 more": 4, "sign in, remembered": 6, "search": 2}


def main() -> None:
    """Serves, loads, prints and saves."""
    measured: dict[str, Any] = {}
    with _server() as (host, port):
        token = _prepare(host, port)
        for clients in CLIENTS:
            measured[str(clients)] = row = _load(host, port, token, clients)
            print(f"{clients:3} clients   {row['a second']:5} a second   p50 {row['p50']:6} ms   p99 {row['p99']:6} ms")
    save("load", measured)


def _load(host: str, port: int, token: str, clients: int) -> dict[str, Any]:
    took: list[float] = []
    failed: list[int] = []
    end = time.perf_counter() + SECONDS

    def client(number: int) -> None:
        chance = random.Random(number)  # nosec B311  # no secret
        connection = http.client.HTTPConnection(host, port, timeout=60)
        while time.perf_counter() < end:
            kind = chance.choices(list(MIX), list(MIX.values()))[0]
            began = time.perf_counter()
            status = _ask(connection, kind, token, chance)
            took.append(time.perf_counter() - began)
            if status >= 300:
                failed.append(status)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hundredths = quantiles(took, n=100)
    return {
        "a second": round(len(took) / SECONDS),
        "p50": round(median(took) * 1e3, 1),
        "p99": round(hundredths[98] * 1e3, 1),
        "failed": len(failed),
    }


def _ask(connection: http.client.HTTPConnection, kind: str, token: str, chance: random.Random) -> int:
    body = None
    if kind == "push, 5 more":
        body = json.dumps(images(5, chance.randrange(200)))
    method, path, headers = {
        "GET images, token": ("GET", f"{WEB}/images", {"Authorization": token}),
        "GET images, Basic": ("GET", f"{WEB}/images", {"Authorization": BASIC, "X-Docker-Token": "true"}),
        "push, 5 more": ("PUT", f"{WEB}/", {"Authorization": BASIC, "X-Docker-Token": "true"}),
        "sign in, remembered": ("GET", "/v1/users/", {"Authorization": BASIC}),
        "search": ("GET", "/v1/search?q=web", {}),
    }[kind]
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    response.read()
    return response.status


def _prepare(host: str, port: int) -> str:
    """An account, a repository of 10 images, and a registry's token."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    form = json.dumps({"username": USERNAME, "password": PASSWORD, "email": "alice@example.com"})
    headers = {"Authorization": BASIC, "X-Docker-Token": "true"}
    for method, path, body, sent in (
        ("POST", "/v1/users/", form, {}),
        ("PUT", f"{WEB}/", json.dumps(images(10)), headers),
    ):
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status}")
    return f"Token {response.headers['X-Docker-Token']}"


@contextmanager
def _server() -> Iterator[tuple[str, int]]:
    process = subprocess.Popen(  # nosec B603  # our own arguments
        [sys.executable, "-m", "infra", "serve"],
        env={**os.environ, "PORT": "0", "BCRYPT_COST": "4"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stdout or ():
            if found := re.search(r"listens on http://([\d.]+):(\d+)", line):
                threading.Thread(target=lambda: list(process.stdout or ()), daemon=True).start()  # or the pipe fills
                yield found[1], int(found[2])
                return
        raise RuntimeError("the local server did not start: make serve says why")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
