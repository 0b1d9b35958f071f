"""What each operation asks of AWS, in calls, units and dollars, at 1 to 30,000 images: `python -m bench.cost`.

Units are counted by `bench.aws_cost.meter` from the items' sizes, by DynamoDB's published rules; prices are
`bench.aws_cost.prices`. Where npm is there, the same reads and puts also run on dynalite, an engine that counts for itself,
and the two counts are shown side by side.
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
from bench.aws_cost.log_bytes import bytes_logged
from bench.aws_cost.meter import metered
from bench.handler import waybill
from bench.operations import BASIC, PASSWORD, USERNAME, WEB, Function, Operation, images, operations
from bench.processes import alone
from bench.results import ROOT, save
from chalicelib.aws import Clients, create_clients
from chalicelib.domain.models import User
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from chalicelib.storage.users import UserStore
from infra.deploy.package import BUILD
from infra.devserver.moto_aws import create_stack, local_aws

SIZES = (1, 10, 100, 1_000, 10_000, 29_990)
SETTINGS = Settings(stack="bench", bcrypt_cost=4)
DYNALITE = ROOT / "bench" / "dynalite"  # what npm is to fetch, with hashes
WITHOUT_TRANSACTION = ("GET images, token", "GET images, Basic", "PUT auth", "sign in, remembered", "push, 5 more")
RECORDING = ROOT / "tests" / "clients" / "wire" / "docker-1.6.2.json"


def main() -> None:
    """Counts, prints and saves."""
    sizes = {str(size): alone(counted, size) for size in SIZES}
    for size, rows in sizes.items():
        print(f"\n{size} images{'':22}calls  read units  write units  $ a million beyond the front")
        for name, row in rows.items():
            print(f"  {name:28} {row['calls']:5}  {row['reads']:10g}  {row['writes']:11g}  {row['dollars']:10.3f}")
    first_push = alone(first_push_units)
    print(f"\na first push of 100 images: {first_push['new']:g} write units; the same again: {first_push['again']:g}")
    checked = alone(beside_dynalite)
    print(f"beside dynalite (ours, its): {checked or 'npm is not here'}")
    save(
        "cost",
        {
            "sizes": sizes,
            "first push of 100": first_push,
            "dynalite": checked,
            "items": itemised(sizes["10"]["GET images, token"]),
            "docker": docker(sizes["10"]),
            "prices": {price.name: price.per_million for price in prices.PRICES},
        },
    )


def counted(size: int) -> dict[str, Any]:
    """Every operation on a list of `size` images."""
    with local_aws():
        aws, function, holders = warm_index(size)
        return {
            operation.name: _count(aws, function, operation, holders[operation.who])
            for operation in operations(size)
            if size <= 10_000 or operation.name in ("GET images, token", "push, unchanged", "PUT auth")
        }


def first_push_units() -> dict[str, float]:
    """Write units of a whole first push of 100 images, as docker makes it, and of the same push again."""
    with local_aws():
        aws, function, _ = warm_index(1)
        begin = Operation("", "PUT", "/v1/repositories/alice/first", body=images(100), token=True)
        end = Operation("", "PUT", "/v1/repositories/alice/first/images", body=[])
        new, again = (
            sum(_count(aws, function, step, BASIC)["writes"] for step in (begin, end)) for _ in ("first", "again")
        )
        with_checksums = Operation("", "PUT", end.path, body=images(100, checksums=True))
        return {"new": new, "again": again, "checksums": _count(aws, function, with_checksums, BASIC)["writes"]}


def itemised(row: dict[str, Any]) -> dict[str, float]:
    """Where the dollars of a million requests go, the front last."""
    return {
        "function, requests": prices.LAMBDA.per_million,
        "function, time": prices.SECOND.per_million * prices.SECONDS_WARM * prices.GIGABYTES,
        "store": prices.READ.per_million * row["reads"] + prices.WRITE.per_million * row["writes"],
        "key": prices.MAC.per_million * row["macs"],
        "log lines": prices.LOG.per_million * row["logged"],
        "API Gateway": prices.GATEWAY.per_million,
        "CloudFront": prices.FRONT.per_million + prices.OUT.per_million * (row["bytes"] + prices.HEADER_BYTES),
    }


def docker(rows: dict[str, Any], layers: int = 10) -> dict[str, Any]:
    """A whole push and pull of `layers` layers: requests by kind, scaled from a recording of three, and dollars.

    What the registry asks grows with the layers; what the client asks does not.
    """
    recorded = json.loads(RECORDING.read_text())
    puts = [place for place, entry in enumerate(recorded) if entry["method"] == "PUT" and entry["from"] == "client"]
    begin, end = puts[0], puts[1]
    pull = next(n for n in range(end, len(recorded)) if recorded[n]["target"].endswith("/images") and n > end)
    after = next(n for n in range(pull + 1, len(recorded)) if recorded[n]["from"] == "client")
    asked = Counter(_kind(entry) for entry in recorded[begin - 2 : after])
    by_registry = ("GET images, token", "GET layer access")
    scaled = {kind: round(n * (layers / 3 if kind in by_registry else 1)) for kind, n in asked.items()}
    dollars: dict[str, float] = defaultdict(float)
    for kind, times in scaled.items():
        for part, each in itemised(rows[kind]).items():
            dollars[part] += times * each
    return {"requests": scaled, "dollars a million": {part: round(total, 2) for part, total in dollars.items()}}


def beside_dynalite() -> dict[str, tuple[float, float]] | None:
    """By operation, what the meter counts and what dynalite does. None without npm."""
    if shutil.which("npm") is None:
        return None
    with local_aws():
        aws, function, holders = warm_index(100)
        wanted = [operation for operation in operations(100) if operation.name in WITHOUT_TRANSACTION]
        with _dynalite() as its:
            _copy_tables(aws.dynamodb, its)
            other = waybill(Clients(its, aws.kms))
            other.request("GET", "/v1/users", BASIC)
            return {
                operation.name: (
                    _units(_count(aws, function, operation, holders[operation.who])),
                    _consumed(its, other, operation.event(other, holders[operation.who])),
                )
                for operation in wanted
            }


def _units(row: dict[str, Any]) -> float:
    units: float = row["reads"] + row["writes"]
    return units


def _consumed(dynamodb: Any, function: Function, event: dict[str, Any]) -> float:
    """Read and write units of one request, as the engine counts them."""
    units = [0.0]

    def ask(params: dict[str, Any], **_: Any) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def annotate(parsed: dict[str, Any], **_: Any) -> None:
        consumed = parsed["ConsumedCapacity"]
        units[0] += sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))

    dynamodb.meta.events.register("provide-client-params.dynamodb.*", ask)
    dynamodb.meta.events.register("after-call.dynamodb.*", annotate)
    response = function.invoke(event)
    dynamodb.meta.events.unregister("provide-client-params.dynamodb.*", ask)
    dynamodb.meta.events.unregister("after-call.dynamodb.*", annotate)
    assert response["statusCode"] < 300, response["body"]
    return units[0]


@contextmanager
def _dynalite() -> Iterator[Any]:
    """Dynalite in a process of its own, from npm under build/. Gives a client."""
    home = BUILD / "npm"
    npm, node = shutil.which("npm") or "npm", shutil.which("node") or "node"
    if not (home / "node_modules" / "dynalite").exists():
        shutil.copytree(DYNALITE, home, dirs_exist_ok=True)
        subprocess.run(  # nosec B603  # our own arguments
            [npm, "ci", "--silent", "--prefix", str(home)], check=True
        )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [node, str(home / "node_modules" / "dynalite" / "cli.js"), "--port", str(port), "--createTableMs", "0"]
    process = subprocess.Popen([*command, "--host", "127.0.0.1"])  # nosec B603  # our own arguments
    client = botocore.session.get_session().create_client(
        "dynamodb", region_name=SETTINGS.region, endpoint_url=f"http://127.0.0.1:{port}"
    )
    try:
        _until_it_answers(client)
        yield client
    finally:
        process.terminate()
        process.wait()


def _until_it_answers(client: Any) -> None:
    for _ in range(100):
        try:
            client.list_tables()
        except botocore.exceptions.EndpointConnectionError:
            time.sleep(0.1)
        else:
            return


def _copy_tables(source: Any, target: Any) -> None:
    for name in source.list_tables()["TableNames"]:
        described = source.describe_table(TableName=name)["Table"]
        indexes = [
            {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
            for index in described.get("GlobalSecondaryIndexes", [])
        ]
        target.create_table(
            TableName=name,
            KeySchema=described["KeySchema"],
            AttributeDefinitions=described["AttributeDefinitions"],
            BillingMode="PAY_PER_REQUEST",
            **({"GlobalSecondaryIndexes": indexes} if indexes else {}),
        )
        target.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        for item in source.scan(TableName=name)["Items"]:
            target.put_item(TableName=name, Item=item)


def _kind(entry: dict[str, Any]) -> str:
    """Which of our operations a recorded request is."""
    method, target = entry["method"], entry["target"]
    if target.endswith("/images"):
        by_token = entry["headers"].get("Authorization", "").startswith("Token")
        if method == "PUT":
            return "PUT images, end of a push"
        return "GET images, token" if by_token else "GET images, Basic"
    if target.endswith("/access"):
        return "GET layer access"
    return "push, new" if method == "PUT" else "ping"


def _count(aws: Clients, function: Function, operation: Operation, authorization: str | None) -> dict[str, Any]:
    event, calls = operation.event(function, authorization), [0]

    def count(**_: Any) -> None:
        calls[0] += 1

    for client in aws:
        client.meta.events.register("before-call.*.*", count, unique_id="bench calls")
    with metered(aws) as use:
        response = function.invoke(event)
    for client in aws:
        client.meta.events.unregister("before-call.*.*", unique_id="bench calls")
    assert response["statusCode"] < 300, response["body"]
    row = {
        "calls": calls[0],
        "reads": use.reads,
        "writes": use.writes,
        "macs": use.macs,
        "bytes": len(response["body"]),
        "logged": bytes_logged(function.lines, operation.method, operation.path, response["statusCode"]),
    }
    services = itemised(row)
    return {**row, "dollars": round(sum(services.values()) - services["API Gateway"] - services["CloudFront"], 4)}


def warm_index(size: int) -> tuple[Clients, Function, dict[str, str | None]]:
    """An index on moto whose container is warm, with a list of `size` images, and who may ask."""
    aws = create_clients(SETTINGS.region)
    create_stack(aws, SETTINGS.stack)
    hashed = Passwords(SETTINGS.bcrypt_cost).hash(PASSWORD)
    tables = Tables(aws.dynamodb, SETTINGS.region, SETTINGS.table)
    UserStore(tables).create(User(username=USERNAME, password_hash=hashed, created=datetime.now(UTC)))
    function = waybill(aws)
    holders: dict[str, str | None] = {"nobody": None, "alice": BASIC}
    pushed = function.request("PUT", WEB, BASIC, images(size, checksums=True))
    holders["write"] = "Token " + pushed["headers"]["X-Docker-Token"]
    shown = function.request("GET", f"{WEB}/images", BASIC)
    holders["read"] = "Token " + shown["headers"]["X-Docker-Token"]
    function.request("GET", f"{WEB}/images", holders["read"], token=False)
    return aws, function, holders


if __name__ == "__main__":
    main()
