"""Sends a fixed rate of requests to a local server with 5,000 repositories: `python -m bench.local_load`.

8 clients send 50 creations and 200 token checks per second together. The result shows the rate that was reached and
the duration of the requests. Server and clients share one machine.
"""

import http.client
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.load import run_clients, run_server, summarize
from bench.local_server import SETTINGS, Index, copy_repository
from bench.operations import BASIC, USERNAME, create_images
from bench.processes import run_in_process
from bench.results import save
from infra.devserver.data_file import DataFile
from infra.devserver.moto_aws import load_items, local_aws
from infra.devserver.moto_speed import fast_dynamodb

REPOSITORIES, CLIENTS, SECONDS = 5_000, 8, 20
RATES = {"create": 50, "check": 200}  # per second, of all clients together
_CHECKED = f"/v1/repositories/{USERNAME}/checked"


def main() -> None:
    """Measure, print and save."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.jsonl"
        run_in_process(write_data, data)
        with run_server(DATA=str(data), MAX_REPOSITORIES="1000000") as (host, port):
            results = measure(host, port)
    for name, row in results.items():
        print(f"{name:8} {row}")
    save("local_load", results)


def write_data(path: Path) -> None:
    """Write a DATA file with the repositories and the account of the clients."""
    with local_aws(), fast_dynamodb():
        index = Index()
        load_items(SETTINGS, list(copy_repository(index, REPOSITORIES)))
        DataFile(path, index.clients, SETTINGS).save()


def measure(host: str, port: int) -> dict[str, Any]:
    """Return the rate and the percentiles of each operation."""
    headers = {"Authorization": BASIC, "X-Docker-Token": "true"}
    connection = http.client.HTTPConnection(host, port, timeout=60)
    connection.request("PUT", f"{_CHECKED}/", json.dumps(create_images(10)), headers)
    response = connection.getresponse()
    response.read()
    token = {"Authorization": f"Token {response.headers['X-Docker-Token']}"}
    seconds: dict[str, list[float]] = {name: [] for name in RATES}
    failed: dict[str, list[int]] = {name: [] for name in RATES}
    start = time.perf_counter()

    def client(number: int) -> None:
        connection = http.client.HTTPConnection(host, port, timeout=60)
        rate = sum(RATES.values()) / CLIENTS
        for step in range(int(rate * SECONDS)):
            due = start + (step + number / CLIENTS) / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            operation = "create" if step % 5 == number % 5 else "check"
            begin = time.perf_counter()
            if operation == "create":
                body = json.dumps(create_images(10))
                connection.request("PUT", f"/v1/repositories/{USERNAME}/n{number}-{step}/", body, headers)
            else:
                connection.request("GET", f"{_CHECKED}/images", headers=token)
            answer = connection.getresponse()
            answer.read()
            seconds[operation].append(time.perf_counter() - begin)
            if answer.status >= 300:
                failed[operation].append(answer.status)

    run_clients(client, CLIENTS)
    total = time.perf_counter() - start
    return {name: summarize(seconds[name], total, failed[name]) for name in RATES}


if __name__ == "__main__":
    main()
