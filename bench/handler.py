"""Measures the processor time of each request, with recorded responses of AWS: `python -m bench.handler`.

It is compared with botocore without any settings that makes the same calls, and with the conventional implementation
(`bench.conventional`). They run in turns, and the best of many rounds counts. Only the ratios carry over to other
machines.
"""

import os
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import bcrypt
import botocore.session
from botocore import xform_name
from msgspec import Struct

from bench.operations import (
    BASIC,
    PASSWORD,
    USERNAME,
    WEB,
    Function,
    create_function,
    create_images,
    create_operations,
)
from bench.processes import run_in_process
from bench.recorded_aws import Call, Recording, serve_recording
from bench.results import ratio, save
from chalicelib.aws import Clients, create_clients
from chalicelib.domain.models import User
from chalicelib.security import passwords
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from chalicelib.storage.users import UserStore

SIZES = (10, 100, 1_000, 10_000)
COMPLETE_SIZES = (10, 1_000)  # for every operation; the other sizes only for the operations that read the list
LIST_OPERATIONS = ("GET images, token", "push, new", "push, unchanged")
MAX_CONVENTIONAL = 1_000
CONVENTIONAL_OPERATIONS = ("GET images, token", "PUT auth", "push, new", "push, 5 more")
BCRYPT_COST = 12  # of the first login; other operations use the cache, and the conventional implementation has cost 4
CACHE_SECONDS = 3600  # so that the cached list does not expire during a measurement
SETTINGS = Settings(stack="bench", bcrypt_cost=BCRYPT_COST, image_list_cache_seconds=CACHE_SECONDS)
ROUNDS = 8
ROUND_SECONDS = 0.02  # of one contender in one round
LOGIN_ROUNDS = 6
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": SETTINGS.region,
}


class RecordedOperations(Struct, frozen=True):
    """The operations of one implementation, as they ran on moto.

    Attributes:
        recording: the responses of AWS.
        events: the event of each operation.
        calls: the calls to AWS of each operation.
    """

    recording: Recording
    events: dict[str, dict[str, Any]]
    calls: dict[str, list[Call]]


def main() -> None:
    """Measure, print and save."""
    sizes: dict[str, Any] = {}
    for size in SIZES:
        waybill = run_in_process(record_waybill, size, None if size in COMPLETE_SIZES else LIST_OPERATIONS)
        other = run_in_process(record_conventional, size) if size <= MAX_CONVENTIONAL else None
        sizes[str(size)] = run_in_process(measure, waybill, other)
        print(f"\n{size} images{'':20}  ms   of plain botocore   of the conventional implementation")
        for name, row in sizes[str(size)].items():
            print(f"  {name:28} {row['ms']:6.2f}   {row['bare'] or '':>6}   {row['conventional'] or '':>18}")
    login, check = run_in_process(measure_first_login, run_in_process(record_waybill, 1))
    print(f"\na first login takes {login} of one bcrypt computation, which takes {check} ms")
    save("handler", {"sizes": sizes, "first login of bcrypt": login, "bcrypt ms": check})


def record_waybill(size: int, names: Iterable[str] | None = None) -> RecordedOperations:
    """Run the operations `names`, or all, once on moto, with a list of `size` images."""
    from infra.devserver.moto_aws import create_stack, local_aws

    with local_aws():
        aws = create_clients(SETTINGS.region)
        create_stack(aws, SETTINGS.stack)
        users = UserStore(Tables(aws.dynamodb, SETTINGS.region, SETTINGS.table))
        password_hash = Passwords(BCRYPT_COST).hash(PASSWORD)
        users.create(User(username=USERNAME, password_hash=password_hash, created=datetime.now(UTC)))
        recording = Recording()
        for client in aws:
            recording.record(client)
        return _record(create_function(SETTINGS, aws), recording, size, names)


def record_conventional(size: int) -> RecordedOperations:
    """Do the same with the conventional implementation, for the operations that it has."""
    from bench import conventional
    from infra.devserver.moto_aws import local_aws

    with local_aws():
        os.environ["AWS_DEFAULT_REGION"] = SETTINGS.region
        kms = _create_plain_client("kms")
        conventional.create_tables(kms)
        conventional.create_account(USERNAME, PASSWORD, 4)
        recording = Recording()
        recording.record(kms)
        for model in (conventional.User, conventional.Repository, conventional.Image):
            recording.record(model._get_connection().connection.client)
        return _record(Function(conventional.create_app(kms)), recording, size, CONVENTIONAL_OPERATIONS)


def measure(waybill: RecordedOperations, other: RecordedOperations | None) -> dict[str, Any]:
    """Return for each operation its milliseconds, and the ratios to plain botocore and the other implementation."""
    passwords.CACHE_SECONDS = CACHE_SECONDS
    with serve_recording(waybill.recording) as url:
        os.environ |= {**_ENVIRONMENT, "AWS_ENDPOINT_URL": url}
        function = create_function(SETTINGS)
        plain = Clients(_create_plain_client("dynamodb"), _create_plain_client("kms"))
        if other is None:
            return {name: _compare(name, function, plain, waybill, None, None) for name in waybill.events}
        from bench import conventional

        with serve_recording(other.recording) as other_url:
            os.environ["AWS_ENDPOINT_URL"] = other_url
            other_function = Function(conventional.create_app(_create_plain_client("kms")))
            return {name: _compare(name, function, plain, waybill, other_function, other) for name in waybill.events}


def measure_first_login(waybill: RecordedOperations) -> tuple[float, float]:
    """Return the ratio of a login without cached credentials to one bcrypt computation, and its milliseconds."""
    password_hash = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(BCRYPT_COST))
    event = waybill.events["log in, cached"]
    with serve_recording(waybill.recording) as url:
        os.environ |= {**_ENVIRONMENT, "AWS_ENDPOINT_URL": url}
        logins: list[float] = []
        checks: list[float] = []
        for _ in range(LOGIN_ROUNDS):
            function = create_function(SETTINGS)
            function.request("GET", "/v1/_ping")
            logins.append(_seconds(partial(function.invoke, event), 1))
            checks.append(_seconds(partial(bcrypt.checkpw, PASSWORD.encode(), password_hash), 1))
    return ratio(min(logins), min(checks)), round(min(checks) * 1e3, 1)


def _record(
    function: Function, recording: Recording, size: int, names: Iterable[str] | None = None
) -> RecordedOperations:
    authorizations: dict[str, str | None] = {"anonymous": None, "alice": BASIC}
    steps = (("write", "PUT", WEB, create_images(size, checksums=True)), ("read", "GET", f"{WEB}/images", None))
    for scope, method, path, body in steps:
        response = function.request(method, path, BASIC, body)
        authorizations[scope] = "Token " + response["headers"]["X-Docker-Token"]
    recording.remove("Query")  # whose response was an empty list
    recorded = RecordedOperations(recording, {}, {})
    for operation in create_operations(size):
        if names is not None and operation.name not in names:
            continue
        event = operation.create_event(function, authorizations[operation.principal])
        recording.calls.clear()
        assert function.invoke(event)["statusCode"] < 300, operation
        recorded.events[operation.name] = event
        recorded.calls[operation.name] = list(recording.calls)
    return recorded


def _compare(
    name: str,
    function: Function,
    plain: Clients,
    waybill: RecordedOperations,
    other_function: Function | None,
    other: RecordedOperations | None,
) -> dict[str, Any]:
    contenders: dict[str, Callable[[], Any]] = {"waybill": partial(function.invoke, waybill.events[name])}
    if waybill.calls[name]:
        contenders["bare"] = partial(_make_calls, plain, waybill.calls[name])
    if other_function is not None and other is not None and name in other.events:
        contenders["conventional"] = partial(other_function.invoke, other.events[name])
    response = function.invoke(waybill.events[name])
    assert response["statusCode"] < 300, (name, response["body"])
    best = {contender: run() and _seconds(run, 1) for contender, run in contenders.items()}
    for _ in range(ROUNDS):
        for contender, run in contenders.items():
            times = max(1, int(ROUND_SECONDS / best[contender]))
            best[contender] = min(best[contender], _seconds(run, times))
    return {
        "ms": round(best["waybill"] * 1e3, 3),
        "calls": [operation for _, operation, _ in waybill.calls[name]],
        "bare": ratio(best["waybill"], best["bare"]) if "bare" in best else None,
        "conventional": ratio(best["waybill"], best["conventional"]) if "conventional" in best else None,
    }


def _make_calls(plain: Clients, calls: list[Call]) -> bool:
    for service, operation, params in calls:
        getattr(getattr(plain, service), xform_name(operation))(**params)
    return True


def _seconds(run: Callable[[], Any], times: int) -> float:
    """Return the processor seconds of one run."""
    start = time.thread_time()
    for _ in range(times):
        run()
    return (time.thread_time() - start) / times


def _create_plain_client(service: str) -> Any:
    return botocore.session.get_session().create_client(service, region_name=SETTINGS.region)


if __name__ == "__main__":
    main()
