"""Measures whether the local server becomes slower when an index has more data: `python -m bench.local_server`.

Each size has its own process. The items of one repository are copied under other names, so that the measurement does
not depend on the format of the items. Each operation is measured in processor time through the gateway. Then the data
is saved to a file while requests are sent, and loaded from that file.
"""

import gc
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any

from chalice.local import LocalChalice

from bench.operations import BASIC, PASSWORD, USERNAME, basic, create_images
from bench.processes import run_in_process
from bench.results import ratio, save
from chalicelib.aws import create_clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.domain.models import User
from chalicelib.request_log import RequestLog
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from infra.admin.export_format import Item
from infra.devserver.console_mailer import ConsoleMailer
from infra.devserver.data_file import DataFile
from infra.devserver.gateway import Gateway, GatewayResponse
from infra.devserver.moto_aws import create_stack, load_items, local_aws, take_snapshot
from infra.devserver.moto_speed import fast_dynamodb

SIZES = (100, 1_000, 5_000, 20_000)
ROUNDS = 40
SETTINGS = Settings(stack="growth", bcrypt_cost=4, image_list_cache_seconds=0)
_ACCOUNT, _REPOSITORY = "acct00000", "name00000"  # the digits are replaced in each copy


def main() -> None:
    """Measure, print and save. The first size is the unit of the ratios."""
    sizes = {str(size): run_in_process(measure, size) for size in SIZES}
    first = sizes[str(SIZES[0])]
    print("repositories    " + "".join(f"{size:>22,}" for size in SIZES))
    for name in first:
        cells = [f"{row[name]:.2f} ({ratio(row[name], first[name]):.2f})" for row in sizes.values()]
        print(f"  {name:26}" + "".join(f"{cell:>18}" for cell in cells))
    save("local_server", sizes)


def measure(size: int) -> dict[str, float]:
    """Return the processor time of each operation in ms, and figures of the data file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.jsonl"
        with local_aws(), fast_dynamodb():
            index = Index()
            load_items(SETTINGS, list(copy_repository(index, size)))
            gc.freeze()  # as DataFile.load does
            times = {name: index.measure(name) for name in ("create", "check", "push", "search", "delete")}
            times |= _measure_save(index, path)
        with local_aws(), fast_dynamodb():
            start = time.perf_counter()
            DataFile(path, Index(account=False).clients, SETTINGS).load()
            times["load, s"] = time.perf_counter() - start
        times["memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return times


class Index:
    """An index in this process with one account, behind the gateway of the local server."""

    def __init__(self, *, account: bool = True) -> None:
        self.clients = create_clients(SETTINGS.region)
        create_stack(self.clients, SETTINGS.stack)
        services = Services(SETTINGS, self.clients, ConsoleMailer())
        log = RequestLog(lambda _: None, SETTINGS.stack)
        self._gateway = Gateway(create_chalice_app(services.routes, log, app_class=LocalChalice))
        if account:
            for username in (USERNAME, _ACCOUNT):
                user = User(
                    username=username, password_hash=Passwords(4).hash(PASSWORD), active=True, created=datetime.now(UTC)
                )
                services.stores.users.create(user)

    def send(self, method: str, path: str, body: Any = None, authorization: str = BASIC) -> GatewayResponse:
        """Send a request, which must succeed."""
        headers = {"authorization": authorization, "x-docker-token": "true"}
        response = self._gateway.handle(method, path, headers, b"" if body is None else json.dumps(body).encode())
        assert response.status < 300, response.body
        return response

    def measure(self, name: str) -> float:
        """Return the lowest processor time of an operation, because other load only adds time."""
        times = []
        for number in range(ROUNDS):
            request = self._prepare(name, number)
            start = time.thread_time()
            self.send(*request)
            times.append((time.thread_time() - start) * 1000)
        return min(times)

    def _prepare(self, name: str, number: int) -> tuple[Any, ...]:
        path = f"/v1/repositories/{USERNAME}/web{number}"
        match name:
            case "create" | "push":
                return "PUT", path, create_images(10 if name == "create" else 12)
            case "check":
                token = self.send("GET", f"{path}/images").headers["X-Docker-Token"]
                return "GET", f"{path}/images", None, f"Token {token}"
            case "search":
                return "GET", "/v1/search?q=web7"
            case _:
                return "DELETE", path


def copy_repository(index: Index, size: int) -> Iterator[Item]:
    """Yield the items of `size` repositories of as many accounts."""
    before = list(take_snapshot(SETTINGS))
    owner = basic(_ACCOUNT, PASSWORD)
    index.send("PUT", f"/v1/repositories/{_ACCOUNT}/{_REPOSITORY}", create_images(10), owner)
    added = [item for item in take_snapshot(SETTINGS) if item not in before or _ACCOUNT in str(item)]
    for number in range(1, size):
        for table, item in added:
            yield table, _rename(item, f"{number:05}")


def _rename(value: Any, digits: str) -> Any:
    if isinstance(value, str):
        return value.replace(_ACCOUNT, _ACCOUNT[:4] + digits).replace(_REPOSITORY, _REPOSITORY[:4] + digits)
    if isinstance(value, dict):
        return {name: _rename(item, digits) for name, item in value.items()}
    return [_rename(item, digits) for item in value] if isinstance(value, list) else value


def _measure_save(index: Index, path: Path) -> dict[str, float]:
    """Save once while requests are sent. Return its duration and the longest request."""
    data_file, longest = DataFile(path, index.clients, SETTINGS), 0.0
    start = time.perf_counter()
    saver = Thread(target=data_file.save)
    saver.start()
    while saver.is_alive():
        begin = time.perf_counter()
        index.send("GET", "/v1/users")
        longest = max(longest, time.perf_counter() - begin)
    return {"save, s": time.perf_counter() - start, "longest request, s": longest}


if __name__ == "__main__":
    main()
