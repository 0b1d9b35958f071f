"""Whether time tells apart what replies do not: `python -m bench.response_times`. Some minutes, best on a quiet machine.

Why a sign-in failed, whether a private repository is there, whose an address is. Two kinds of request come some hundred
times each, in random order, and each takes processor time in the function and time by the clock. The figure for a pair
is the chance that the second one took longer when one of each is drawn: 0.5 tells nothing, 0 and 1 tell everything. The
interval holds 95 of 100 such figures from samples drawn anew from the measured ones.

The store on the loopback gives recorded answers (`bench.canned`), so nothing is counted against anybody, and no delay
begins; its time is in the clock's.
"""

import base64
import json
import os
import random
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from chalice.app import Chalice
from msgspec.structs import replace

from bench.canned import Tape, store
from bench.operations import PASSWORD, Function
from bench.operations import images as pushed
from bench.processes import alone
from chalicelib.accounts.mailer import EmailMessage
from chalicelib.aws import Clients, create_clients
from chalicelib.bootstrap import Services
from chalicelib.chalice_adapter import create_chalice_app
from chalicelib.domain.models import User
from chalicelib.domain.roles import Role
from chalicelib.request_log import RequestLog
from chalicelib.security import passwords
from chalicelib.security.passwords import Passwords
from chalicelib.settings import Settings
from chalicelib.storage.tables import Tables
from chalicelib.storage.users import UserStore

SETTINGS = Settings(
    stack="bench",
    bcrypt_cost=4,
    email_sender="waybill@example.com",
    base_url="https://index.example.com",
)
COST = 12  # as it comes; at 4, bcrypt's least, what is beside bcrypt shows more
SAMPLES, SAMPLES_OF_COST, SAMPLES_OF_LETTERS = 200, 100, 15
DRAWN_ANEW = 1_000
MAIL_SECONDS = (0.05, 0.2)  # what SES may take: assumed, for nothing here was measured on AWS
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": SETTINGS.region,
}
Event = dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """By group and kind an event; the first kind of a group is what the others are compared with."""

    tape: Tape
    groups: dict[str, dict[str, Event]]


class SlowMailer:
    """Sends nothing, and takes its time for it."""

    def send(self, message: EmailMessage) -> None:
        """As long as SES might take."""
        time.sleep(random.uniform(*MAIL_SECONDS))  # nosec B311  # no secret


def main() -> None:
    """Measures and prints."""
    for cost, groups, samples in (
        (COST, ("sign-in",), SAMPLES_OF_COST),
        (4, ("sign-in", "robot's token", "repository, nobody", "repository, stranger"), SAMPLES),
        (4, ("letter",), SAMPLES_OF_LETTERS),
    ):
        found = alone(measure, alone(record, cost), cost, groups, samples)
        for group, pairs in found.items():
            name = f"{group}, cost {cost}" if group == "sign-in" else group
            print(f"\n{name}, {samples} of each", flush=True)
            for pair, row in pairs.items():
                print(f"  {pair:48} {_line('processor', row['processor'])}   {_line('clock', row['clock'])}")


def record(cost: int) -> Recording:
    """Makes an index on moto with somebody of each kind in it, and sends each request once."""
    from infra.devserver.moto_aws import create_stack, local_aws

    with local_aws():
        settings = replace(SETTINGS, bcrypt_cost=cost)
        aws = create_clients(settings.region)
        create_stack(aws, settings.stack)
        _fill(aws, settings, cost)
        tape = Tape()
        for client in aws:
            tape.listen(client)
        function = _function(settings, aws)
        groups = _groups(function)
        for events in groups.values():
            for event in events.values():
                assert function.invoke(event)["statusCode"] < 500
        return Recording(tape, groups)


def measure(recording: Recording, cost: int, groups: Sequence[str], samples: int) -> dict[str, Any]:
    """By group and pair what is told by processor time, and by the clock."""
    passwords.CACHE_SECONDS = 3600  # the minute must not end within a measurement
    with store(recording.tape) as address:
        os.environ |= {**_ENVIRONMENT, "AWS_ENDPOINT_URL": address}
        function = _function(replace(SETTINGS, bcrypt_cost=cost))
        return {group: _compared(function, recording.groups[group], samples) for group in groups}


def told_apart(first: Sequence[float], second: Sequence[float]) -> float:
    """The chance that one drawn from `second` is above one drawn from `first`; a tie is half of it.

    Mann and Whitney's U, divided by the number of pairs.
    """
    ordered = sorted(first)
    below = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in second)
    return below / 2 / len(first) / len(second)


def interval(first: Sequence[float], second: Sequence[float], seed: int = 1) -> tuple[float, float]:
    """Where 95 of 100 such chances lie, from samples drawn anew from these."""
    chance = random.Random(seed)  # nosec B311  # no secret
    anew = sorted(
        told_apart(chance.choices(first, k=len(first)), chance.choices(second, k=len(second)))
        for _ in range(DRAWN_ANEW)
    )
    return anew[DRAWN_ANEW * 25 // 1000], anew[DRAWN_ANEW * 975 // 1000 - 1]


def _compared(function: Function, events: Mapping[str, Event], samples: int) -> dict[str, Any]:
    times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in events}
    turns = [kind for kind in events for _ in range(samples)]
    random.Random(1).shuffle(turns)  # nosec B311  # no secret
    for kind in [*events, *turns]:
        times[kind].append(_seconds(partial(function.invoke, events[kind])))
    processor, clock = ({kind: [pair[at] for pair in times[kind][1:]] for kind in events} for at in (0, 1))
    first, *others = events
    return {
        f"{first} / {kind}": {"processor": _pair(processor, first, kind), "clock": _pair(clock, first, kind)}
        for kind in others
    }


def _pair(seconds: Mapping[str, list[float]], first: str, second: str) -> dict[str, Any]:
    one, other = seconds[first], seconds[second]
    low, high = interval(one, other)
    return {
        "told apart": round(told_apart(one, other), 3),
        "interval": [round(low, 3), round(high, 3)],
        "median ms": round(statistics.median(one) * 1e3, 3),
        "median differs by ms": round((statistics.median(other) - statistics.median(one)) * 1e3, 3),
    }


def _seconds(run: Callable[[], Any]) -> tuple[float, float]:
    processor, clock = time.thread_time(), time.perf_counter()
    run()
    return time.thread_time() - processor, time.perf_counter() - clock


def _fill(aws: Clients, settings: Settings, cost: int) -> None:
    users, hashed = UserStore(Tables(aws.dynamodb, settings.region, settings.table)), Passwords(cost).hash(PASSWORD)
    for name in ("alice", "inactive", "waiting", "removed", "leaving", "stranger", "reader"):
        address = f"{name}@example.com"
        users.create(
            User(
                username=name,
                password_hash=hashed,
                emails=frozenset({address}),
                unconfirmed=frozenset({address} if name == "waiting" else ()),
                active=name not in ("inactive", "waiting"),
                created=datetime.now(UTC),
            )
        )
    for name in ("removed", "leaving"):
        users.start_deletion(name)
    removed = users.get("removed")
    assert removed is not None
    users.remove(removed, reserve_name=True)
    Services(settings, aws).robots.create("alice", "deployer", Role.WRITE)
    function = _function(settings, aws)
    auth = {"authorization": _basic("alice", PASSWORD)}
    for name, size in (("hidden", 0), ("shared", 0), ("long", 1_000)):
        for method, path, body in (
            ("PUT", f"/v1/repositories/alice/{name}", json.dumps(pushed(size, checksums=True)).encode()),
            ("PUT", f"/v1/namespaces/alice/repositories/{name}", b'{"private": true}'),
            ("PUT", f"/v1/namespaces/alice/repositories/{name}/collaborators/reader", b'{"access": "read"}'),
        ):
            if name == "shared" or not path.endswith("reader"):
                assert function.invoke(function.event(method, path, auth, body))["statusCode"] < 300


def _groups(function: Function) -> dict[str, dict[str, Event]]:
    def log_in(username: str, password: str) -> Event:
        return function.event("GET", "/v1/users", {"authorization": _basic(username, password)}, b"")

    def images(name: str, headers: Mapping[str, str]) -> Event:
        return function.event("GET", f"/v1/repositories/alice/{name}/images", headers, b"")

    def message(name: str) -> Event:
        return function.event("POST", "/forgotten", {}, urlencode({"email": f"{name}@example.com"}).encode())

    stranger = {"authorization": _basic("stranger", PASSWORD)}
    wrong, token = "wrong horse", f"wbr_deployer_{'0' * 64}"
    return {
        "sign-in": {
            "wrong password": log_in("alice", wrong),
            "unknown user": log_in("nobody", wrong),
            "not active": log_in("inactive", wrong),
            "removed account": log_in("removed", wrong),
            "removal begun": log_in("leaving", wrong),
            "a robot's name": log_in("deployer", wrong),
        },
        "robot's token": {
            "wrong token": log_in("alice", token),
            "unknown user": log_in("nobody", token),
            "unknown robot": log_in("alice", token.replace("deployer", "builder")),
            "removed account": log_in("removed", token),
        },
        "repository, nobody": {
            "private": images("hidden", {}),
            "missing": images("missing", {}),
            "private and shared": images("shared", {}),
            "private, of 1,000 images": images("long", {}),
        },
        "repository, stranger": {
            "private": images("hidden", stranger),
            "missing": images("missing", stranger),
            "private and shared": images("shared", stranger),
            "private, of 1,000 images": images("long", stranger),
        },
        "letter": {
            "an account's address": message("alice"),
            "nobody's address": message("nobody"),
            "not yet confirmed": message("waiting"),
        },
    }


def _function(settings: Settings, aws: Clients | None = None) -> Function:
    return Function(
        create_chalice_app(
            Services(settings, aws, SlowMailer()).routes, RequestLog(lambda _: None, settings.stack), app_class=Chalice
        )
    )


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _line(clock: str, row: Mapping[str, Any]) -> str:
    low, high = row["interval"]
    return f"{clock} {row['told apart']:.3f} ({low:.3f} to {high:.3f}), {row['median differs by ms']:+.3f} ms"


if __name__ == "__main__":
    main()
