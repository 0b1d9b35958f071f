"""Counts the calls, units and dollars of each operation, with 1 to 30,000 images: `python -m bench.cost`.

`bench.aws_cost.meter` counts the units by DynamoDB's published rules, and `bench.aws_cost.prices` has the prices. If
npm is installed, operations without a transaction also run on dynalite, which counts units itself.
"""

import json
import shutil
import socket
import subprocess
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import botocore.exceptions
import botocore.session

from bench.aws_cost import prices
from bench.aws_cost.log_bytes import count_log_bytes
from bench.aws_cost.meter import measure_usage
from bench.operations import (
    BASIC,
    PASSWORD,
    USERNAME,
    WEB,
    Function,
    Operation,
    create_function,
    create_images,
    create_operations,
)
from bench.processes import run_in_process
from bench.results import ROOT, save
from chalicelib.aws import Clients, create_clients
from chalicelib.domain.models import User
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from chalicelib.storage.users import UserStore
from infra import BUILD
from infra.devserver.moto_aws import create_stack, local_aws

SIZES = (1, 10, 100, 1_000, 10_000, 29_990)
MAX_COMPLETE_SIZE = 10_000  # larger lists only for the operations in LARGE_LIST_OPERATIONS
LARGE_LIST_OPERATIONS = ("GET images, token", "push, unchanged", "PUT auth")
CACHE_SECONDS = 3600  # so that the cached list does not expire during a measurement
SETTINGS = Settings(stack="bench", bcrypt_cost=4, image_list_cache_seconds=CACHE_SECONDS)
DYNALITE = ROOT / "bench" / "dynalite"  # the npm package with its hashes
FRONT = ("API Gateway", "data transfer")  # the parts that do not depend on the function
WITHOUT_TRANSACTION = ("GET images, token", "GET images, Basic", "PUT auth", "log in, cached", "push, 5 more")
RECORDING = ROOT / "tests" / "clients" / "wire" / "docker-1.6.2.json"


def main() -> None:
    """Count, print and save."""
    sizes = {str(size): run_in_process(count_operations, size) for size in SIZES}
    for size, rows in sizes.items():
        print(f"\n{size} images{'':22}calls  read units  write units  $ per million, without gateway and transfer")
        for name, row in rows.items():
            print(f"  {name:28} {row['calls']:5}  {row['reads']:10g}  {row['writes']:11g}  {row['dollars']:10.3f}")
    first_push = run_in_process(count_first_push)
    print(f"\na first push of 100 images: {first_push['new']:g} write units; the same again: {first_push['again']:g}")
    compared = run_in_process(compare_with_dynalite)
    print(f"the units of the meter and of dynalite: {compared or 'npm is not installed'}")
    save(
        "cost",
        {
            "sizes": sizes,
            "first push of 100": first_push,
            "dynalite": compared,
            "parts": split_cost(sizes["10"]["GET images, token"]),
            "docker": count_docker(sizes["10"]),
            "prices": {price.name: price.per_million for price in prices.PRICES},
        },
    )


def count_operations(size: int) -> dict[str, Any]:
    """Return the row of each operation, for a list of `size` images."""
    with local_aws():
        aws, function, authorizations = create_warm_index(size)
        return {
            operation.name: _count(aws, function, operation, authorizations[operation.principal])
            for operation in create_operations(size)
            if size <= MAX_COMPLETE_SIZE or operation.name in LARGE_LIST_OPERATIONS
        }


def count_first_push() -> dict[str, float]:
    """Return the write units of a first push of 100 images by docker, and of the same push again."""
    with local_aws():
        aws, function, _ = create_warm_index(1)
        begin = Operation("", "PUT", "/v1/repositories/alice/first", body=create_images(100), token=True)
        end = Operation("", "PUT", "/v1/repositories/alice/first/images", body=[])
        new, again = (
            sum(_count(aws, function, step, BASIC)["writes"] for step in (begin, end)) for _ in ("first", "again")
        )
        with_checksums = Operation("", "PUT", end.path, body=create_images(100, checksums=True))
        return {"new": new, "again": again, "checksums": _count(aws, function, with_checksums, BASIC)["writes"]}


def split_cost(row: dict[str, Any]) -> dict[str, float]:
    """Return the dollars of a million requests by service."""
    return {
        "Lambda, requests": prices.LAMBDA.per_million,
        "Lambda, time": prices.LAMBDA_SECOND.per_million * prices.WARM_SECONDS * prices.GIGABYTES,
        "DynamoDB": prices.READ.per_million * row["reads"] + prices.WRITE.per_million * row["writes"],
        "KMS": prices.MAC.per_million * row["macs"],
        "CloudWatch logs": prices.LOG_BYTE.per_million * row["logged"],
        "API Gateway": prices.API_GATEWAY.per_million,
        "data transfer": prices.TRANSFER_BYTE.per_million * (row["bytes"] + prices.HEADER_BYTES),
    }


def count_docker(rows: dict[str, Any], layers: int = 10) -> dict[str, Any]:
    """Return the requests and the dollars of a push and a pull of `layers` layers.

    They are scaled from a recording with three layers. The requests of the registry grow with the layers; those of the
    client do not.
    """
    recorded = json.loads(RECORDING.read_text())
    puts = [place for place, entry in enumerate(recorded) if entry["method"] == "PUT" and entry["from"] == "client"]
    begin, end = puts[0], puts[1]
    pull = next(n for n in range(end, len(recorded)) if recorded[n]["target"].endswith("/images") and n > end)
    after = next(n for n in range(pull + 1, len(recorded)) if recorded[n]["from"] == "client")
    counts = Counter(_find_operation(entry) for entry in recorded[begin - 2 : after])
    of_registry = ("GET images, token", "GET layer access")
    scaled = {name: round(n * (layers / 3 if name in of_registry else 1)) for name, n in counts.items()}
    dollars: dict[str, float] = defaultdict(float)
    for name, count in scaled.items():
        for part, cost in split_cost(rows[name]).items():
            dollars[part] += count * cost
    return {"requests": scaled, "dollars per million": {part: round(total, 2) for part, total in dollars.items()}}


def compare_with_dynalite() -> dict[str, tuple[float, float]] | None:
    """Return for each operation the units of the meter and those of dynalite. None without npm."""
    if shutil.which("npm") is None:
        return None
    with local_aws():
        aws, function, authorizations = create_warm_index(100)
        operations = [operation for operation in create_operations(100) if operation.name in WITHOUT_TRANSACTION]
        with _run_dynalite() as dynalite:
            _copy_tables(aws.dynamodb, dynalite)
            other = create_function(SETTINGS, Clients(dynalite, aws.kms))
            other.request("GET", "/v1/users", BASIC)
            return {
                operation.name: (
                    _sum_units(_count(aws, function, operation, authorizations[operation.principal])),
                    _consume(dynalite, other, operation.create_event(other, authorizations[operation.principal])),
                )
                for operation in operations
            }


def _sum_units(row: dict[str, Any]) -> float:
    units: float = row["reads"] + row["writes"]
    return units


def _consume(dynamodb: Any, function: Function, event: dict[str, Any]) -> float:
    """Return the read and write units of one request, as the database counts them."""
    units = 0.0

    def request_capacity(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def add_capacity(parsed: dict[str, Any], **_: Any) -> None:
        nonlocal units
        consumed = parsed["ConsumedCapacity"]
        units += sum(entry["CapacityUnits"] for entry in (consumed if isinstance(consumed, list) else [consumed]))

    dynamodb.meta.events.register("provide-client-params.dynamodb.*", request_capacity)
    dynamodb.meta.events.register("after-call.dynamodb.*", add_capacity)
    response = function.invoke(event)
    dynamodb.meta.events.unregister("provide-client-params.dynamodb.*", request_capacity)
    dynamodb.meta.events.unregister("after-call.dynamodb.*", add_capacity)
    assert response["statusCode"] < 300, response["body"]
    return units


@contextmanager
def _run_dynalite() -> Iterator[Any]:
    """Install dynalite with npm in build/ and run it. Yield a client."""
    home = BUILD / "npm"
    npm, node = shutil.which("npm") or "npm", shutil.which("node") or "node"
    if not (home / "node_modules" / "dynalite").exists():
        shutil.copytree(DYNALITE, home, dirs_exist_ok=True)
        subprocess.run(  # nosec B603  # fixed arguments
            [npm, "ci", "--silent", "--prefix", str(home)], check=True
        )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [node, str(home / "node_modules" / "dynalite" / "cli.js"), "--port", str(port), "--createTableMs", "0"]
    process = subprocess.Popen([*command, "--host", "127.0.0.1"])  # nosec B603  # fixed arguments
    client = botocore.session.get_session().create_client(
        "dynamodb", region_name=SETTINGS.region, endpoint_url=f"http://127.0.0.1:{port}"
    )
    try:
        _wait_until_ready(client)
        yield client
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(client: Any) -> None:
    for _ in range(100):
        try:
            client.list_tables()
        except botocore.exceptions.EndpointConnectionError:
            time.sleep(0.1)
        else:
            return


def _copy_tables(source: Any, target: Any) -> None:
    for name in source.list_tables()["TableNames"]:
        description = source.describe_table(TableName=name)["Table"]
        indexes = [
            {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
            for index in description.get("GlobalSecondaryIndexes", [])
        ]
        target.create_table(
            TableName=name,
            KeySchema=description["KeySchema"],
            AttributeDefinitions=description["AttributeDefinitions"],
            BillingMode="PAY_PER_REQUEST",
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        )
        target.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        for item in source.scan(TableName=name)["Items"]:
            target.put_item(TableName=name, Item=item)


def _find_operation(entry: dict[str, Any]) -> str:
    """Return the name of the operation of a recorded request."""
    method, target = entry["method"], entry["target"]
    if target.endswith("/images"):
        has_token = entry["headers"].get("Authorization", "").startswith("Token")
        if method == "PUT":
            return "PUT images, end of a push"
        return "GET images, token" if has_token else "GET images, Basic"
    if target.endswith("/access"):
        return "GET layer access"
    return "push, new" if method == "PUT" else "ping"


def _count(aws: Clients, function: Function, operation: Operation, authorization: str | None) -> dict[str, Any]:
    event, calls = operation.create_event(function, authorization), 0

    def count_call(**_: Any) -> None:
        nonlocal calls
        calls += 1

    for client in aws:
        client.meta.events.register("before-call.*.*", count_call, unique_id="bench calls")
    with measure_usage(aws) as usage:
        response = function.invoke(event)
    for client in aws:
        client.meta.events.unregister("before-call.*.*", unique_id="bench calls")
    assert response["statusCode"] < 300, response["body"]
    row = {
        "calls": calls,
        "reads": usage.reads,
        "writes": usage.writes,
        "macs": usage.macs,
        "bytes": len(response["body"]),
        "logged": count_log_bytes(function.lines, operation.method, operation.path, response["statusCode"]),
    }
    parts = split_cost(row)
    return {**row, "dollars": round(sum(parts.values()) - sum(parts[part] for part in FRONT), 4)}


def create_warm_index(size: int) -> tuple[Clients, Function, dict[str, str | None]]:
    """Create an index on moto with a list of `size` images.

    Return its clients, a function that has handled requests before, and the Authorization header of each principal.
    """
    aws = create_clients(SETTINGS.region)
    create_stack(aws, SETTINGS.stack)
    password_hash = Passwords(SETTINGS.bcrypt_cost).hash(PASSWORD)
    tables = Tables(aws.dynamodb, SETTINGS.region, SETTINGS.table)
    UserStore(tables).create(User(username=USERNAME, password_hash=password_hash, created=datetime.now(UTC)))
    function = create_function(SETTINGS, aws)
    authorizations: dict[str, str | None] = {"anonymous": None, "alice": BASIC}
    pushed = function.request("PUT", WEB, BASIC, create_images(size, checksums=True))
    authorizations["write"] = "Token " + pushed["headers"]["X-Docker-Token"]
    pulled = function.request("GET", f"{WEB}/images", BASIC)
    authorizations["read"] = "Token " + pulled["headers"]["X-Docker-Token"]
    function.request("GET", f"{WEB}/images", authorizations["read"], token=False)
    return aws, function, authorizations


if __name__ == "__main__":
    main()
