"""Whether anything grows as the data does: `python -m bench.growth`.

An index on moto is filled with other people's users and repositories, and with tokens that are shown; then each
operation is measured: its read and write units, the processor time of our own code (the store's is taken out: how moto
looks things up says nothing of DynamoDB), and the function calls that it makes, which no noise can move. And the one
curve that is meant to rise: a list's segments, until they are packed.
"""

import sys
import time
from functools import partial
from typing import Any

from moto.dynamodb.models import dynamodb_backends

from bench.aws_cost.meter import metered
from bench.cost import SETTINGS, warm_index
from bench.operations import BASIC, PASSWORD, WEB, Function, Operation, images, operations
from bench.processes import alone
from bench.results import save
from chalicelib.aws import Clients
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.search_terms import TermRank, terms_of
from chalicelib.security import passwords
from chalicelib.security.passwords import Passwords
from infra.devserver.moto_aws import local_aws

SIZES = (1_000, 10_000, 100_000)
SEGMENTS = (1, 2, 4, 8, 12, 16, 17, 18)
MEASURED = (
    "GET images, token",
    "PUT auth",
    "sign in, remembered",
    "push, unchanged",
    "push, 5 more",
    "push, new",
    "search",
)
ROUNDS = 25
ACCOUNT = "123456789012"  # moto's


def main() -> None:
    """Fills, measures, prints and saves."""
    grown = {str(size): alone(among, size) for size in SIZES}
    print("users, repositories and tokens   " + "  ".join(f"{size:>28,}" for size in SIZES))
    for name in MEASURED:
        cells = (grown[str(size)][name] for size in SIZES)
        print(
            f"  {name:30} "
            + "  ".join(f"{c['ms']:5.2f} ms {c['calls']:6} {c['reads']:4g} r {c['writes']:3g} w" for c in cells)
        )
    segments = alone(segment_curve)
    print("segments " + "  ".join(f"{n}: {row['reads']:g} r {row['ms']:.2f} ms" for n, row in segments.items()))
    save("growth", {"others": grown, "segments": segments})


def among(size: int) -> dict[str, Any]:
    """Every operation, in an index that has `size` users and repositories and as many live tokens."""
    with local_aws():
        aws, function, holders = index()
        _fill(size)
        tokens = [_token(function) for _ in range(3)]
        for _ in range(size // 1000):  # each checked token would be remembered here, if one were
            for token in tokens:
                function.request("GET", f"{WEB}/images", token, token=False)
        return {
            operation.name: _measure(aws, function, operation, holders[operation.who])
            for operation in operations(10)
            if operation.name in MEASURED
        }


def segment_curve() -> dict[str, Any]:
    """A list that is pushed to again and again, an image at a time."""
    curve: dict[str, Any] = {}
    with local_aws():
        aws, function, holders = index()
        for pushes in range(1, max(SEGMENTS) + 1):
            if pushes in SEGMENTS:
                curve[str(pushes)] = _measure(aws, function, operations(10)[0], holders["write"])
            function.request("PUT", WEB, BASIC, images(1, pushes * 1000))
    return curve


def index() -> tuple[Clients, Function, dict[str, str | None]]:
    """An index on moto whose container is warm, with a list of 10 images, and who may ask."""
    passwords.CACHE_SECONDS = 3600  # filling takes longer than the minute
    return warm_index(10)


def _token(function: Function) -> str:
    response = function.request("GET", f"{WEB}/images", BASIC)
    return f"Token {response['headers']['X-Docker-Token']}"


def _fill(size: int) -> None:
    """Other people's items, straight into moto's tables: over HTTP this would take an hour."""
    tables = dynamodb_backends[ACCOUNT][SETTINGS.region].tables
    put = {
        name: partial(_put, tables[SETTINGS.table(name)])
        for name in ("users", "emails", "repositories", "images", "terms")
    }
    hashed, created = Passwords(4).hash(PASSWORD), "2026-01-01T00:00:00.000000+0000"
    for n in range(size):
        name = RepositoryName(f"user{n:06}", f"web{n % 97}")
        put["users"](username=name.namespace, password_hash=hashed, created=created)
        put["emails"](address=f"{name.namespace}@example.com", username=name.namespace)
        put["repositories"](namespace=name.namespace, name=name.name, generation="0" * 16, created=created)
        put["images"](repository=str(name), segment="head", generation="0" * 16)
        for term in terms_of(name, ""):
            put["terms"](bucket=f"public {term[:1]}", entry=f"{term} {name}", rank=TermRank.NAME)


def _put(table: Any, **attributes: Any) -> None:
    table.put_item({k: {"N": str(v)} if isinstance(v, int) else {"S": v} for k, v in attributes.items()})


def _measure(aws: Clients, function: Function, operation: Operation, authorization: str | None) -> dict[str, Any]:
    event, store = operation.event(function, authorization), _StoreTime(aws)
    with metered(aws) as use:
        assert function.invoke(event)["statusCode"] < 300, operation
    work = _function_calls(function, event, store)
    best = 1.0
    for _ in range(ROUNDS):
        store.seconds, began = 0.0, time.thread_time()
        function.invoke(event)
        best = min(best, time.thread_time() - began - store.seconds)
        if time.thread_time() - began > 1:
            break  # moto copies whole tables for a transaction, and sorts whole buckets for a search
    store.stop()
    return {"ms": round(best * 1e3, 3), "calls": work, "reads": use.reads, "writes": use.writes}


def _function_calls(function: Function, event: dict[str, Any], store: "_StoreTime") -> int:
    """How many calls of functions, Python's and C's, a request takes outside of the store."""
    counted = 0

    def count(_: Any, kind: str, __: Any) -> None:
        nonlocal counted
        counted += kind in ("call", "c_call")

    store.profile = count
    sys.setprofile(count)
    try:
        function.invoke(event)
    finally:
        sys.setprofile(None)
        store.profile = None
    return counted


class _StoreTime:
    """Sums up what is spent inside moto, from a request's sending to its answer, and keeps a profile out of it."""

    def __init__(self, aws: Clients) -> None:
        self.seconds = 0.0
        self.profile: Any = None
        self._began = 0.0
        self._clients = aws
        for client in aws:
            client.meta.events.register_first("before-send.*.*", self._begin, unique_id="store begins")
            client.meta.events.register_first("response-received.*.*", self._end, unique_id="store ends")

    def stop(self) -> None:
        """Listens no more."""
        for client in self._clients:
            client.meta.events.unregister("before-send.*.*", unique_id="store begins")
            client.meta.events.unregister("response-received.*.*", unique_id="store ends")

    def _begin(self, **_: Any) -> None:
        sys.setprofile(None)
        self._began = time.thread_time()

    def _end(self, **_: Any) -> None:
        self.seconds += time.thread_time() - self._began
        sys.setprofile(self.profile)


if __name__ == "__main__":
    main()
