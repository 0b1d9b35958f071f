"""`waybill registries reconcile` with a registry in memory: quotas, organisations, and a fault in each call.

A run that fails loses no tag that the registry has, and removes nothing before everything was read. The next run
completes it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import botocore.session
import pytest

from chalicelib.audit_log import log_group
from chalicelib.domain.identifiers import RepositoryName
from infra.admin import reconcile
from infra.admin.registry_client import Challenge, Manifest, RegistryError
from infra.admin.target import Target
from tests.admin_commands import run as run_command
from tests.faults import Fault, Killed, faults_of, intercept_calls
from tests.index import Index, basic
from tests.registries import SECRET, SERVICE, create_registry_index
from tests.snapshot import Snapshot

CONTENT = {"alice/web": {"1": "a", "2": "b", "3": "c"}, "alice/new": {"1": "d"}, "nobody/web": {"1": "e"}}
BEFORE = {"alice/web": {"1": "a", "2": "old", "stale": "x"}, "alice/gone": {"1": "y"}}
REMOVED = 2  # alice/web:stale and alice/gone:1
VARIABLES = {"BASE_URL": "https://index.example.com", "REGISTRIES": SERVICE, "REGISTRY_SECRET": SECRET}
Tags = dict[str, dict[str, str]]


class FakeRegistry:
    """Answers from CONTENT. The request number `failing`, from 0, fails."""

    requests = 0
    failing = -1

    def __init__(self, *_: Any) -> None:
        pass

    def read_challenge(self) -> Challenge:
        return Challenge("Bearer", "https://index.example.com/token", SERVICE)

    def list_repositories(self) -> Iterator[str]:
        self._request()
        yield from CONTENT

    def list_tags(self, repository: str) -> list[str]:
        self._request()
        return list(CONTENT[repository])

    def read_manifest(self, repository: str, tag: str) -> Manifest | None:
        self._request()
        digit = CONTENT.get(repository, {}).get(tag)
        return None if digit is None else Manifest(digest(digit), "application/vnd.oci.image.manifest.v1+json", 7)

    def _request(self) -> None:
        FakeRegistry.requests += 1
        if FakeRegistry.requests - 1 == FakeRegistry.failing:
            raise RegistryError("the registry does not answer")


def digest(name: str) -> str:
    return "sha256:" + name.encode().hex().rjust(64, "0")


def read_tags(index: Index) -> Tags:
    stores, tags = index.services.stores, Tags()
    for name in {*CONTENT, *BEFORE}:
        repository = RepositoryName.parse(name)
        existing = stores.repositories.get(repository)
        if existing is not None:
            tags[name] = {tag.name: tag.digest for tag in stores.tags.list_all(repository, existing.generation)}
            if existing.tags != len(tags[name]):
                tags[name]["count"] = str(existing.tags)
    return tags


def run(index: Index, handle: Callable[[str, Callable[[], Any]], Any]) -> str:
    """Run the command once with `--prune`. Return `done`, `error` or `killed`."""
    with intercept_calls(index.aws, handle):
        try:
            result = run_command(index, "registries", "reconcile", "https://registry.example.com", "--prune", "--yes")
        except Killed:
            return "killed"
    assert result.status == 0 or result.is_readable_error, result
    return "done" if result.status == 0 else "error"


def _call(_: str, call: Callable[[], Any]) -> Any:
    return call()


@pytest.fixture
def index(make_index: Callable[..., Index], monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index with the tags BEFORE, which were pushed long ago."""
    monkeypatch.setattr(reconcile, "RegistryClient", FakeRegistry)
    monkeypatch.setattr(Target, "get_function_variables", lambda _: VARIABLES)
    monkeypatch.setattr(reconcile, "PARALLEL_REQUESTS", 1)  # so that the calls have the same order each time
    index = create_registry_index(make_index)
    logs = botocore.session.get_session().create_client("logs", region_name=index.settings.region)
    logs.create_log_group(logGroupName=log_group(index.settings.stack))
    index.create_account("alice")
    for number, (name, tags) in enumerate(BEFORE.items()):
        for tag, digit in tags.items():
            target = {"repository": name, "tag": tag, "digest": digest(digit), "mediaType": "x", "size": 7}
            event = {"id": tag, "timestamp": f"2026-01-01T00:00:0{number}Z", "action": "push", "target": target}
            sent = index.request("POST", "/registries/events", f"Bearer {SECRET}", json={"events": [event]})
            assert sent.status == 204
    FakeRegistry.requests, FakeRegistry.failing = 0, -1
    return index


def check_partial(before: Tags, current: Tags, after: Tags, place: str) -> None:
    """Every tag is as it was or as it will be, and no tag is missing that remains."""
    for name, tags in current.items():
        for tag, value in tags.items():
            assert value in (before.get(name, {}).get(tag), after.get(name, {}).get(tag)), place
    for name, tags in before.items():
        assert tags.keys() & after[name].keys() <= current[name].keys(), place


def test_repository_over_the_quota_is_reported(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quota of the index applies, not the one in the environment of the operator."""
    monkeypatch.setattr(Target, "get_function_variables", lambda _: {**VARIABLES, "MAX_REPOSITORIES": "2"})
    arguments = ("registries", "reconcile", "https://registry.example.com", "--json")
    summary = run_command(index, *arguments).json
    assert (summary["over_quota"], summary["unknown_in_index"]) == (["alice/new"], ["nobody/web"])
    assert "alice/new" not in read_tags(index)
    monkeypatch.setattr(Target, "get_function_variables", lambda _: {**VARIABLES, "MAX_REPOSITORIES": "3"})
    assert run_command(index, *arguments).json["over_quota"] == []
    assert read_tags(index)["alice/new"] == {"1": digest("d")}


def test_repository_of_an_organisation_is_created(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONTENT, "ops/web", {"1": "a"})
    arguments = ("registries", "reconcile", "https://registry.example.com", "--json")
    assert run_command(index, *arguments).json["unknown_in_index"] == ["nobody/web", "ops/web"]
    assert index.request("PUT", "/v1/organizations/ops", basic("alice")).status == 201
    assert run_command(index, *arguments).json["unknown_in_index"] == ["nobody/web"]
    assert read_tags(index)["ops/web"] == {"1": digest("a")}


@pytest.mark.exhaustive
@pytest.mark.soak
def test_reconcile_with_a_fault_in_each_call_can_be_repeated(index: Index) -> None:
    snapshot, before, calls = Snapshot(index), read_tags(index), list[str]()

    def record(operation: str, call: Callable[[], Any]) -> Any:
        calls.append(operation)
        return call()

    assert run(index, record) == "done"
    requests, after = FakeRegistry.requests, read_tags(index)
    assert after == {
        "alice/web": {tag: digest(digit) for tag, digit in CONTENT["alice/web"].items()},
        "alice/new": {"1": digest("d")},
        "alice/gone": {},
    }
    outcomes, states = Counter[str](), Counter[str]()
    for at, operation in enumerate(calls):
        for fault in faults_of(operation):
            place = f"call {at} ({operation}) {fault.name}"
            snapshot.restore()
            outcomes[run(index, _fail_at(at, fault))] += 1
            current = read_tags(index)
            check_partial(before, current, after, place)
            states["nothing" if current == before else "all" if current == after else "some"] += 1
            assert run(index, _call) == "done", place
            assert read_tags(index) == after, f"{place}: the repetition is incomplete"
    for number in range(requests):
        snapshot.restore()
        FakeRegistry.requests, FakeRegistry.failing = 0, number
        result = run(index, _call)
        FakeRegistry.failing = -1
        current = read_tags(index)
        check_partial(before, current, after, f"request {number}")
        assert result == "error"
        if number < requests - REMOVED:  # the last requests look for a tag again before it is removed
            assert "stale" in current["alice/web"], f"request {number}: a tag was removed before everything was read"
        assert run(index, _call) == "done"
        assert read_tags(index) == after, f"request {number}: the repetition is incomplete"
    print(f"{len(calls)} calls, {requests} requests, {outcomes.total()} faults: {dict(outcomes)}, state {dict(states)}")
    assert states["some"] > 20


def _fail_at(at: int, fault: Fault) -> Callable[[str, Callable[[], Any]], Any]:
    numbers = iter(range(1_000_000))

    def handle(operation: str, call: Callable[[], Any]) -> Any:
        return fault.inject(operation, call) if next(numbers) == at else call()

    return handle
