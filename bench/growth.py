"""Measures whether requests become slower when an index has more data: `python -m bench.growth`.

An index on moto gets users, repositories and tokens of other people. Then each operation is measured: its read and
write units, the processor time of the function without the time in moto, and the number of function calls, which does
not depend on the load of the machine. Another measurement shows the segments of one list, which grow until they are
compacted.
"""

import sys
import time
from functools import partial
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from bench.aws_cost.meter import measure_usage
from bench.cost import SETTINGS, create_warm_index
from bench.operations import BASIC, PASSWORD, WEB, Function, Operation, create_images, create_operations
from bench.processes import run_in_process
from bench.results import save
from chalicelib.aws import Clients
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.search_terms import Term, TermRank, terms_of
from chalicelib.security import passwords
from chalicelib.security.passwords import Passwords
from infra.devserver.moto_aws import local_aws

SIZES = (1_000, 10_000, 100_000)
SEGMENTS = (1, 2, 4, 8, 12, 16, 17, 18)
MEASURED = (
    "GET images, token",
    "PUT auth",
    "log in, cached",
    "push, unchanged",
    "push, 5 more",
    "push, new",
    "search",
)
ROUNDS = 25
MAX_SECONDS = 1.0  # moto copies whole tables for a transaction, and sorts whole buckets for a search


def main() -> None:
    """Measure, print and save."""
    sizes = {str(size): run_in_process(measure_with_others, size) for size in SIZES}
    print("users, repositories and tokens   " + "  ".join(f"{size:>28,}" for size in SIZES))
    for name in MEASURED:
        rows = (sizes[str(size)][name] for size in SIZES)
        cells = (f"{r['ms']:5.2f} ms {r['calls']:6} {r['reads']:4g} r {r['writes']:3g} w" for r in rows)
        print(f"  {name:30} " + "  ".join(cells))
    segments = run_in_process(measure_segments)
    print("segments " + "  ".join(f"{n}: {row['reads']:g} r {row['ms']:.2f} ms" for n, row in segments.items()))
    save("growth", {"others": sizes, "segments": segments})


def measure_with_others(size: int) -> dict[str, Any]:
    """Measure every operation in an index with `size` users and repositories, and as many used tokens."""
    with local_aws():
        aws, function, authorizations = _create_index()
        _fill(size)
        tokens = [_request_token(function) for _ in range(3)]
        for _ in range(size // 1000):  # to show that the function keeps no list of verified tokens
            for token in tokens:
                function.request("GET", f"{WEB}/images", token, token=False)
        return {
            operation.name: _measure(aws, function, operation, authorizations[operation.principal])
            for operation in create_operations(10)
            if operation.name in MEASURED
        }


def measure_segments() -> dict[str, Any]:
    """Measure the first operation, a read of a list, after several pushes of one image each."""
    rows: dict[str, Any] = {}
    with local_aws():
        aws, function, authorizations = _create_index()
        for pushes in range(1, max(SEGMENTS) + 1):
            if pushes in SEGMENTS:
                rows[str(pushes)] = _measure(aws, function, create_operations(10)[0], authorizations["write"])
            function.request("PUT", WEB, BASIC, create_images(1, pushes * 1000))
    return rows


def _create_index() -> tuple[Clients, Function, dict[str, str | None]]:
    """Create an index on moto with a list of 10 images, whose cached logins last longer than the measurement."""
    passwords.CACHE_SECONDS = 3600
    return create_warm_index(10)


def _request_token(function: Function) -> str:
    response = function.request("GET", f"{WEB}/images", BASIC)
    return f"Token {response['headers']['X-Docker-Token']}"


def _fill(size: int) -> None:
    """Write items of other people directly into moto's tables. With DynamoDB's API, this would take many minutes."""
    tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][SETTINGS.region].tables
    put = {
        name: partial(_put, tables[SETTINGS.table(name)])
        for name in ("users", "emails", "repositories", "images", "terms")
    }
    password_hash, created = Passwords(4).hash(PASSWORD), "2026-01-01T00:00:00.000000+0000"
    for n in range(size):
        name = RepositoryName(f"user{n:06}", f"web{n % 97}")
        put["users"](username=name.namespace, password_hash=password_hash, created=created)
        put["emails"](address=f"{name.namespace}@example.com", username=name.namespace)
        put["repositories"](namespace=name.namespace, name=name.name, generation="0" * 16, created=created)
        put["images"](repository=str(name), segment="head", generation="0" * 16)
        for term in [Term(TermRank.FULL_NAME), *terms_of(name, "")]:
            bucket = "all" if term.rank is TermRank.FULL_NAME else f"{term.rank} {term.text[:1]}"
            put["terms"](
                bucket=f"public {bucket}",
                entry=f"{term.text} 1 {name}",
                rank=term.rank,
                generation="0" * 16,
            )


def _put(table: Any, **attributes: Any) -> None:
    table.put_item({k: {"N": str(v)} if isinstance(v, int) else {"S": v} for k, v in attributes.items()})


def _measure(aws: Clients, function: Function, operation: Operation, authorization: str | None) -> dict[str, Any]:
    event, moto_time = operation.create_event(function, authorization), _MotoTime(aws)
    with measure_usage(aws) as usage:
        assert function.invoke(event)["statusCode"] < 300, operation
    calls = _count_function_calls(function, event, moto_time)
    best = MAX_SECONDS
    for _ in range(ROUNDS):
        moto_time.seconds, start = 0.0, time.thread_time()
        function.invoke(event)
        best = min(best, time.thread_time() - start - moto_time.seconds)
        if time.thread_time() - start > MAX_SECONDS:
            break
    moto_time.stop()
    return {"ms": round(best * 1e3, 3), "calls": calls, "reads": usage.reads, "writes": usage.writes}


def _count_function_calls(function: Function, event: dict[str, Any], moto_time: "_MotoTime") -> int:
    """Return the number of function calls of a request, in Python and in C, outside of moto."""
    calls = 0

    def count_call(_: Any, kind: str, __: Any) -> None:
        nonlocal calls
        calls += kind in ("call", "c_call")

    moto_time.profile = count_call
    sys.setprofile(count_call)
    try:
        function.invoke(event)
    finally:
        sys.setprofile(None)
        moto_time.profile = None
    return calls


class _MotoTime:
    """Measures the time in moto, between the sending of a call and its response. It stops the profile in that time."""

    def __init__(self, aws: Clients) -> None:
        self.seconds = 0.0
        self.profile: Any = None
        self._start = 0.0
        self._clients = aws
        for client in aws:
            client.meta.events.register_first("before-send.*.*", self._begin, unique_id="moto begins")
            client.meta.events.register_first("response-received.*.*", self._end, unique_id="moto ends")

    def stop(self) -> None:
        """Remove the handlers."""
        for client in self._clients:
            client.meta.events.unregister("before-send.*.*", unique_id="moto begins")
            client.meta.events.unregister("response-received.*.*", unique_id="moto ends")

    def _begin(self, **_: Any) -> None:
        sys.setprofile(None)
        self._start = time.thread_time()

    def _end(self, **_: Any) -> None:
        self.seconds += time.thread_time() - self._start
        sys.setprofile(self.profile)


if __name__ == "__main__":
    main()
