"""Sends mixed traffic from 1 to 64 clients to the local server: `python -m bench.load`.

The local server is one Python process with moto, which takes most of the time. The result shows that no request fails
or stalls. It does not show the throughput on AWS.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

from bench.operations import BASIC, PASSWORD, USERNAME, WEB, create_images
from bench.results import save

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
SECONDS = 4
WEIGHTS = {"GET images, token": 80, "GET images, Basic": 8, "push, 5 more": 4, "log in, cached": 6, "search": 2}


def main() -> None:
    """Run the server, measure, print and save."""
    results: dict[str, Any] = {}
    with run_server() as (host, port):
        token = _create_example(host, port)
        for clients in CLIENTS:
            results[str(clients)] = row = _measure(host, port, token, clients)
            print(
                f"{clients:3} clients   {row['per second']:5} per second   p50 {row['p50']:6} ms   "
                f"p99 {row['p99']:6} ms   {row['failed']} failed"
            )
    save("load", results)


def _measure(host: str, port: int, token: str, clients: int) -> dict[str, Any]:
    seconds: list[float] = []
    failed: list[int] = []
    end = time.perf_counter() + SECONDS

    def client(number: int) -> None:
        generator = random.Random(number)  # nosec B311  # no secret
        connection = http.client.HTTPConnection(host, port, timeout=60)
        while time.perf_counter() < end:
            operation = generator.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            start = time.perf_counter()
            status = _send(connection, operation, token, generator)
            seconds.append(time.perf_counter() - start)
            if status >= 300:
                failed.append(status)

    run_clients(client, clients)
    return summarize(seconds, SECONDS, failed)


def run_clients(client: Callable[[int], None], count: int) -> None:
    """Call `client` with each number below `count`, in as many threads, until all have returned."""
    threads = [threading.Thread(target=client, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def summarize(seconds: list[float], total: float, failed: list[int]) -> dict[str, Any]:
    """Return the rate of requests in `total` seconds, the percentiles of their durations in ms, and the failures."""
    return {
        "per second": round(len(seconds) / total),
        "p50": round(median(seconds) * 1e3, 1),
        "p99": round(quantiles(seconds, n=100)[98] * 1e3, 1),
        "failed": len(failed),
    }


def _send(connection: http.client.HTTPConnection, operation: str, token: str, generator: random.Random) -> int:
    """Send one request. Return the status."""
    body = None
    if operation == "push, 5 more":
        body = json.dumps(create_images(5, generator.randrange(200)))
    method, path, headers = {
        "GET images, token": ("GET", f"{WEB}/images", {"Authorization": token}),
        "GET images, Basic": ("GET", f"{WEB}/images", {"Authorization": BASIC, "X-Docker-Token": "true"}),
        "push, 5 more": ("PUT", f"{WEB}/", {"Authorization": BASIC, "X-Docker-Token": "true"}),
        "log in, cached": ("GET", "/v1/users/", {"Authorization": BASIC}),
        "search": ("GET", "/v1/search?q=web", {}),
    }[operation]
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    response.read()
    return response.status


def _create_example(host: str, port: int) -> str:
    """Create an account and a repository with 10 images. Return the header of a token."""
    connection = http.client.HTTPConnection(host, port, timeout=60)
    form = json.dumps({"username": USERNAME, "password": PASSWORD, "email": "alice@example.com"})
    headers = {"Authorization": BASIC, "X-Docker-Token": "true"}
    for method, path, body, request_headers in (
        ("POST", "/v1/users/", form, {}),
        ("PUT", f"{WEB}/", json.dumps(create_images(10)), headers),
    ):
        connection.request(method, path, body, request_headers)
        response = connection.getresponse()
        response.read()
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status}")
    return f"Token {response.headers['X-Docker-Token']}"


@contextmanager
def run_server(**settings: str) -> Iterator[tuple[str, int]]:
    """Run the local server with these settings. Yield its host and port."""
    process = subprocess.Popen(  # nosec B603  # fixed arguments
        [sys.executable, "-m", "infra", "serve"],
        env={**os.environ, "PORT": "0", "BCRYPT_COST": "4", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stdout or ():
            if found := re.search(r"listens on http://([\d.]+):(\d+)", line):
                threading.Thread(
                    target=lambda: list(process.stdout or ()), daemon=True
                ).start()  # so that the pipe does not become full
                yield found[1], int(found[2])
                return
        raise RuntimeError("the local server did not start; `waybill serve` prints the reason")
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
