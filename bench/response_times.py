"""Measures whether response times reveal what the responses hide: `python -m bench.response_times`.

The responses hide why a login failed, whether a private repository exists, and whether an email belongs to an account.
Two kinds of request are sent some hundred times each, in random order. The processor time in the function and the
elapsed time are measured. The result for a pair is the probability that a random request of the second kind took longer
than one of the first kind: 0.5 reveals nothing, 0 and 1 reveal everything. The interval contains 95 % of the results
of samples that are drawn again from the measured ones (bootstrap).

AWS is replaced by recorded responses (`bench.recorded_aws`), so no failed login is counted and no delay begins. The
elapsed time includes the time of the server that returns them. This takes some minutes, and needs a machine without
other load.
"""

import json
import os
import random
import statistics
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from bench.operations import PASSWORD, Function, basic, create_function, create_images
from bench.processes import run_in_process
from bench.recorded_aws import Recording, serve_recording
from chalicelib.accounts.mailer import EmailMessage
from chalicelib.aws import Clients, create_clients
from chalicelib.bootstrap import Services
from chalicelib.domain.models import User
from chalicelib.domain.roles import Role
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
DEFAULT_COST, LOWEST_COST = 12, 4  # of bcrypt; with the lowest cost, other differences are more visible
SAMPLES, DEFAULT_COST_SAMPLES, EMAIL_SAMPLES = 200, 100, 15
BOOTSTRAP_SAMPLES = 1_000
EMAIL_SECONDS = (0.05, 0.2)  # of a call to SES: an assumption, because this does not run on AWS
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": SETTINGS.region,
}
Event = dict[str, Any]


class RecordedGroups(Struct, frozen=True):
    """The recorded responses of AWS, and an event for each kind of request in each group.

    The first kind of a group is compared with each of the others.
    """

    recording: Recording
    groups: dict[str, dict[str, Event]]


class SlowMailer:
    """Sends nothing, and waits like SES."""

    def send(self, message: EmailMessage) -> None:
        """Wait for a random time."""
        time.sleep(random.uniform(*EMAIL_SECONDS))  # nosec B311  # no secret


def main() -> None:
    """Measure and print."""
    for cost, groups, samples in (
        (DEFAULT_COST, ("login",), DEFAULT_COST_SAMPLES),
        (LOWEST_COST, ("login", "robot token", "repository, anonymous", "repository, account"), SAMPLES),
        (LOWEST_COST, ("email",), EMAIL_SAMPLES),
    ):
        results = run_in_process(measure, run_in_process(record, cost), cost, groups, samples)
        for group, pairs in results.items():
            name = f"{group}, cost {cost}" if group == "login" else group
            print(f"\n{name}, {samples} of each", flush=True)
            for pair, row in pairs.items():
                print(f"  {pair:48} {_format('processor', row['processor'])}   {_format('elapsed', row['elapsed'])}")


def record(cost: int) -> RecordedGroups:
    """Create an index on moto with an account of each kind, and send each request once."""
    from infra.devserver.moto_aws import create_stack, local_aws

    with local_aws():
        settings = replace(SETTINGS, bcrypt_cost=cost)
        aws = create_clients(settings.region)
        create_stack(aws, settings.stack)
        _fill(aws, settings, cost)
        recording = Recording()
        for client in aws:
            recording.record(client)
        function = create_function(settings, aws, SlowMailer())
        groups = _groups(function)
        for events in groups.values():
            for event in events.values():
                assert function.invoke(event)["statusCode"] < 500
        return RecordedGroups(recording, groups)


def measure(recorded: RecordedGroups, cost: int, groups: Sequence[str], samples: int) -> dict[str, Any]:
    """Return the results of processor time and of elapsed time, by group and pair."""
    passwords.CACHE_SECONDS = 3600  # so that no cached login expires during a measurement
    with serve_recording(recorded.recording) as url:
        os.environ |= {**_ENVIRONMENT, "AWS_ENDPOINT_URL": url}
        function = create_function(replace(SETTINGS, bcrypt_cost=cost), None, SlowMailer())
        return {group: _compare(function, recorded.groups[group], samples) for group in groups}


def probability_of_longer(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the probability that a random element of `second` exceeds one of `first`. A tie counts half.

    This is the U statistic of Mann and Whitney, divided by the number of pairs.
    """
    ordered = sorted(first)
    below = sum(bisect_left(ordered, value) + bisect_right(ordered, value) for value in second)
    return below / 2 / len(first) / len(second)


def interval(first: Sequence[float], second: Sequence[float], seed: int = 1) -> tuple[float, float]:
    """Return the 95 % confidence interval of this probability, by bootstrap."""
    generator = random.Random(seed)  # nosec B311  # no secret
    probabilities = sorted(
        probability_of_longer(generator.choices(first, k=len(first)), generator.choices(second, k=len(second)))
        for _ in range(BOOTSTRAP_SAMPLES)
    )
    return probabilities[BOOTSTRAP_SAMPLES * 25 // 1000], probabilities[BOOTSTRAP_SAMPLES * 975 // 1000 - 1]


def _compare(function: Function, events: Mapping[str, Event], samples: int) -> dict[str, Any]:
    times: dict[str, list[tuple[float, float]]] = {kind: [] for kind in events}
    turns = [kind for kind in events for _ in range(samples)]
    random.Random(1).shuffle(turns)  # nosec B311  # no secret
    for kind in [*events, *turns]:
        times[kind].append(_seconds(partial(function.invoke, events[kind])))
    processor, elapsed = ({kind: [pair[n] for pair in times[kind][1:]] for kind in events} for n in (0, 1))
    first, *others = events
    return {
        f"{first} / {kind}": {
            "processor": _compare_samples(processor[first], processor[kind]),
            "elapsed": _compare_samples(elapsed[first], elapsed[kind]),
        }
        for kind in others
    }


def _compare_samples(first: list[float], second: list[float]) -> dict[str, Any]:
    low, high = interval(first, second)
    return {
        "probability": round(probability_of_longer(first, second), 3),
        "interval": [round(low, 3), round(high, 3)],
        "difference of medians in ms": round((statistics.median(second) - statistics.median(first)) * 1e3, 3),
    }


def _seconds(run: Callable[[], Any]) -> tuple[float, float]:
    processor, elapsed = time.thread_time(), time.perf_counter()
    run()
    return time.thread_time() - processor, time.perf_counter() - elapsed


def _fill(aws: Clients, settings: Settings, cost: int) -> None:
    users = UserStore(Tables(aws.dynamodb, settings.region, settings.table))
    password_hash = Passwords(cost).hash(PASSWORD)
    for name in ("alice", "inactive", "unconfirmed", "deleted", "deleting", "other", "reader"):
        address = f"{name}@example.com"
        users.create(
            User(
                username=name,
                password_hash=password_hash,
                emails=frozenset({address}),
                unconfirmed=frozenset({address} if name == "unconfirmed" else ()),
                active=name not in ("inactive", "unconfirmed"),
                created=datetime.now(UTC),
            )
        )
    for name in ("deleted", "deleting"):
        users.start_deletion(name)
    deleted = users.get("deleted")
    assert deleted is not None
    users.delete(deleted, reserve_name=True)
    alice = users.get("alice")
    assert alice is not None
    Services(settings, aws).robots.create(alice, "deployer", Role.WRITE)
    function = create_function(settings, aws)
    auth = {"authorization": basic("alice", PASSWORD)}
    for name, size in (("hidden", 0), ("shared", 0), ("long", 1_000)):
        for method, path, body in (
            ("PUT", f"/v1/repositories/alice/{name}", json.dumps(create_images(size, checksums=True)).encode()),
            ("PUT", f"/v1/namespaces/alice/repositories/{name}", b'{"private": true}'),
            ("PUT", f"/v1/namespaces/alice/repositories/{name}/collaborators/reader", b'{"access": "read"}'),
        ):
            if name == "shared" or not path.endswith("reader"):
                assert function.invoke(function.create_event(method, path, auth, body))["statusCode"] < 300


def _groups(function: Function) -> dict[str, dict[str, Event]]:
    def log_in(username: str, password: str) -> Event:
        return function.create_event("GET", "/v1/users", {"authorization": basic(username, password)}, b"")

    def images(name: str, headers: Mapping[str, str]) -> Event:
        return function.create_event("GET", f"/v1/repositories/alice/{name}/images", headers, b"")

    def email_request(name: str) -> Event:
        return function.create_event("POST", "/forgotten", {}, urlencode({"email": f"{name}@example.com"}).encode())

    other = {"authorization": basic("other", PASSWORD)}
    wrong, token = "wrong horse", f"wbr_deployer_{'0' * 64}"
    return {
        "login": {
            "wrong password": log_in("alice", wrong),
            "unknown account": log_in("nobody", wrong),
            "inactive account": log_in("inactive", wrong),
            "deleted account": log_in("deleted", wrong),
            "account in deletion": log_in("deleting", wrong),
            "name of a robot": log_in("deployer", wrong),
        },
        "robot token": {
            "wrong token": log_in("alice", token),
            "unknown account": log_in("nobody", token),
            "unknown robot": log_in("alice", token.replace("deployer", "builder")),
            "deleted account": log_in("deleted", token),
        },
        "repository, anonymous": {
            "private": images("hidden", {}),
            "missing": images("missing", {}),
            "private and shared": images("shared", {}),
            "private, 1,000 images": images("long", {}),
        },
        "repository, account": {
            "private": images("hidden", other),
            "missing": images("missing", other),
            "private and shared": images("shared", other),
            "private, 1,000 images": images("long", other),
        },
        "email": {
            "email of an account": email_request("alice"),
            "unknown email": email_request("nobody"),
            "unconfirmed email": email_request("unconfirmed"),
        },
    }


def _format(clock: str, row: Mapping[str, Any]) -> str:
    low, high = row["interval"]
    return f"{clock} {row['probability']:.3f} ({low:.3f} to {high:.3f}), {row['difference of medians in ms']:+.3f} ms"


if __name__ == "__main__":
    main()
