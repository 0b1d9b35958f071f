"""Processor time for each request, with a canned-answer store on the loopback: `python -m bench.handler`.

Beside it, in turns within one run: bare botocore as it comes, making the very calls that the request makes, and the
conventional build (`bench.conventional`). Best of many rounds; only ratios mean anything.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import bcrypt
import botocore.session
from botocore import xform_name
from chalice.app import Chalice

from bench.canned import Tape, store
from bench.operations import BASIC, PASSWORD, USERNAME, WEB, Function, images, operations
from bench.processes import alone
from bench.results import ratio, save
from chalicelib.aws import Clients, create_clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.domain.models import User
from chalicelib.request_log import RequestLog
from chalicelib.security import passwords
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from chalicelib.storage.users import UserStore

SIZES = (10, 100, 1_000, 10_000)
IN_FULL = (10, 1_000)  # every operation; the other sizes only what grows with the list
GROWING = ("GET images, token", "push, new", "push, unchanged")
MAX_CONVENTIONAL = 1_000
CONVENTIONAL = ("GET images, token", "PUT auth", "push, new", "push, 5 more")
BCRYPT_COST = 12  # of the one operation that pays for it; the others remember, and the conventional build gets cost 4
SETTINGS = Settings(stack="bench", bcrypt_cost=BCRYPT_COST, image_list_cache_seconds=2)
ROUNDS = 8
ROUND_SECONDS = 0.02  # of one contender in one round
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": SETTINGS.region,
}
Call = tuple[str, str, dict[str, Any]]


@dataclass(frozen=True)
class Recording:
    """One build on moto: by operation its event and the calls that it makes, and one tape of all answers."""

    tape: Tape
    events: dict[str, dict[str, Any]]
    calls: dict[str, list[Call]]


def main() -> None:
    """Measures, prints and saves."""
    sizes: dict[str, Any] = {}
    for size in SIZES:
        ours = alone(record_ours, size, None if size in IN_FULL else GROWING)
        theirs = alone(record_conventional, size) if size <= MAX_CONVENTIONAL else None
        sizes[str(size)] = alone(measure, ours, theirs)
        print(f"\n{size} images{'':20}  ms   of bare botocore   of the conventional build")
        for name, row in sizes[str(size)].items():
            print(f"  {name:28} {row['ms']:6.2f}   {row['bare'] or '':>6}   {row['conventional'] or '':>18}")
    log_in, check = alone(measure_first_sign_in, alone(record_ours, 1))
    print(f"\na first sign-in takes {log_in} of one bcrypt check, which takes {check} ms")
    save("handler", {"sizes": sizes, "first sign-in of bcrypt": log_in, "bcrypt ms": check})


def record_ours(size: int, wanted: Iterable[str] | None = None) -> Recording:
    """Runs every operation, or those `wanted`, once on moto, with a list of `size` images."""
    from infra.devserver.moto_aws import create_stack, local_aws

    with local_aws():
        aws = create_clients(SETTINGS.region)
        create_stack(aws, SETTINGS.stack)
        users = UserStore(Tables(aws.dynamodb, SETTINGS.region, SETTINGS.table))
        hashed = Passwords(BCRYPT_COST).hash(PASSWORD)
        users.create(User(username=USERNAME, password_hash=hashed, created=datetime.now(UTC)))
        tape = Tape()
        for client in aws:
            tape.listen(client)
        return _record(waybill(aws), tape, size, wanted)


def record_conventional(size: int) -> Recording:
    """The same with the conventional build, for the operations that it has."""
    from bench import conventional
    from infra.devserver.moto_aws import local_aws

    with local_aws():
        os.environ["AWS_DEFAULT_REGION"] = SETTINGS.region
        kms = _bare("kms")
        conventional.create_tables(kms)
        conventional.create_account(USERNAME, PASSWORD, 4)
        tape = Tape()
        tape.listen(kms)
        for model in (conventional.User, conventional.Repository, conventional.Image):
            tape.listen(model._get_connection().connection.client)
        return _record(Function(conventional.build(kms)), tape, size, CONVENTIONAL)


def measure(ours: Recording, theirs: Recording | None) -> dict[str, Any]:
    """By operation: milliseconds, and what they are of bare botocore's and of the conventional build's."""
    passwords.CACHE_SECONDS = 3600  # the minute must not end within a measurement
    with store(ours.tape) as address:
        os.environ |= {**_ENVIRONMENT, "AWS_ENDPOINT_URL": address}
        function, bare = waybill(), Clients(_bare("dynamodb"), _bare("kms"))
        if theirs is None:
            return {name: _compare(name, function, bare, ours, None, None) for name in ours.events}
        from bench import conventional

        with store(theirs.tape) as other_address:
            os.environ["AWS_ENDPOINT_URL"] = other_address
            other = Function(conventional.build(_bare("kms")))
            return {name: _compare(name, function, bare, ours, other, theirs) for name in ours.events}


def measure_first_sign_in(ours: Recording) -> tuple[float, float]:
    """A sign-in by a container that has never seen the credentials, of one bcrypt check; and that in milliseconds."""
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(BCRYPT_COST))
    event = ours.events["sign in, remembered"]
    with store(ours.tape) as address:
        os.environ |= {**_ENVIRONMENT, "AWS_ENDPOINT_URL": address}
        first: list[float] = []
        checks: list[float] = []
        for _ in range(6):
            function = waybill()
            function.request("GET", "/v1/_ping")
            first.append(_seconds(partial(function.invoke, event), 1))
            checks.append(_seconds(partial(bcrypt.checkpw, PASSWORD.encode(), hashed), 1))
    return ratio(min(first), min(checks)), round(min(checks) * 1e3, 1)


def _record(function: Function, tape: Tape, size: int, wanted: Iterable[str] | None = None) -> Recording:
    authorizations: dict[str, str | None] = {"nobody": None, "alice": BASIC}
    steps = (("write", "PUT", WEB, images(size, checksums=True)), ("read", "GET", f"{WEB}/images", None))
    for who, method, path, body in steps:
        response = function.request(method, path, BASIC, body)
        authorizations[who] = "Token " + response["headers"]["X-Docker-Token"]
    tape.forget("Query")  # which said that there is no such list yet
    recording = Recording(tape, {}, {})
    for operation in operations(size):
        if wanted is not None and operation.name not in wanted:
            continue
        event = operation.event(function, authorizations[operation.who])
        tape.calls.clear()
        assert function.invoke(event)["statusCode"] < 300, operation
        recording.events[operation.name] = event
        recording.calls[operation.name] = list(tape.calls)
    return recording


def _compare(
    name: str, function: Function, bare: Clients, ours: Recording, other: Function | None, theirs: Recording | None
) -> dict[str, Any]:
    contenders: dict[str, Callable[[], Any]] = {"ours": partial(function.invoke, ours.events[name])}
    if ours.calls[name]:
        contenders["bare"] = partial(_replay, bare, ours.calls[name])
    if other is not None and theirs is not None and name in theirs.events:
        contenders["conventional"] = partial(other.invoke, theirs.events[name])
    response = function.invoke(ours.events[name])
    assert response["statusCode"] < 300, (name, response["body"])
    best = {contender: run() and _seconds(run, 1) for contender, run in contenders.items()}
    for _ in range(ROUNDS):
        for contender, run in contenders.items():
            times = max(1, int(ROUND_SECONDS / best[contender]))
            best[contender] = min(best[contender], _seconds(run, times))
    return {
        "ms": round(best["ours"] * 1e3, 3),
        "calls": [operation for _, operation, _ in ours.calls[name]],
        "bare": ratio(best["ours"], best["bare"]) if "bare" in best else None,
        "conventional": ratio(best["ours"], best["conventional"]) if "conventional" in best else None,
    }


def _replay(bare: Clients, calls: list[Call]) -> bool:
    for service, operation, params in calls:
        getattr(getattr(bare, service), xform_name(operation))(**params)
    return True


def _seconds(run: Callable[[], Any], times: int) -> float:
    """Processor seconds for one run."""
    began = time.thread_time()
    for _ in range(times):
        run()
    return (time.thread_time() - began) / times


def waybill(aws: Clients | None = None) -> Function:
    """The index, with a journal that stays in memory: printing is the same for everybody."""
    lines: deque[str] = deque(maxlen=1)
    return Function(
        create_chalice_app(Services(SETTINGS, aws).routes, RequestLog(lines.append, SETTINGS.stack), app_class=Chalice),
        lines,
    )


def _bare(service: str) -> Any:
    return botocore.session.get_session().create_client(service, region_name=SETTINGS.region)


if __name__ == "__main__":
    main()
