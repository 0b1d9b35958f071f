"""`POST /registries/events`: tags follow the notifications of registries, in any order and repetition."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.devserver.moto_aws import local_aws
from tests.conftest import MakeIndex, create_index
from tests.index import Index, Response, basic
from tests.pages import Page
from tests.registries import SECRET, create_registry_index
from tests.together import run_together

AUTH = f"Bearer {SECRET}"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
START = 1_700_000_000


def digest(digit: str) -> str:
    return "sha256:" + digit * 64


def event(action: str, repository: str, tag: str | None, second: int, digit: str = "a") -> dict[str, Any]:
    """Return a notification of distribution, `second` seconds after a fixed time."""
    timestamp = datetime.fromtimestamp(START + second, UTC).strftime("%Y-%m-%dT%H:%M:%S.500000000Z")
    target: dict[str, Any] = {"repository": repository, "mediaType": MANIFEST}
    if action == "push":
        target |= {"digest": digest(digit), "size": 500}
    if tag is not None:
        target["tag"] = tag
    return {
        "id": f"{action}-{second}",
        "timestamp": timestamp,
        "action": action,
        "target": target,
        "request": {"addr": "192.0.2.9:5000"},
        "actor": {"name": "alice+ci"},
    }


def send(index: Index, *events: Any, auth: str | None = AUTH) -> Response:
    return index.request("POST", "/registries/events", auth, json={"events": list(events)})


def tags(index: Index, path: str = "alice/web", auth: str | None = None) -> dict[str, str]:
    namespace, _, name = path.partition("/")
    response = index.request("GET", f"/v1/namespaces/{namespace}/repositories/{name}/tags", auth or basic("alice"))
    return {} if response.status == 404 else {entry["tag"]: entry["digest"] for entry in response.json}


def count(index: Index, path: str = "alice/web") -> int | None:
    """Return the number of tags that the item of a repository has, or None if the repository does not exist."""
    namespace, _, name = path.partition("/")
    response = index.request("GET", f"/v1/namespaces/{namespace}/repositories/{name}", basic("alice"))
    return None if response.status == 404 else int(response.json["tags"])


@pytest.fixture
def index(make_index: MakeIndex) -> Index:
    index = create_registry_index(make_index)
    index.create_account("alice")
    return index


def test_push_creates_the_repository_and_its_tag(index: Index) -> None:
    assert send(index, event("push", "alice/web", "latest", 1)).status == 204
    path = "/v1/namespaces/alice/repositories/web"
    (tag,) = index.request("GET", f"{path}/tags").json
    assert tag == {
        "tag": "latest",
        "digest": digest("a"),
        "media_type": MANIFEST,
        "size": 500,
        "pushed": "2023-11-14T22:13:21.500000Z",
    }
    assert index.request("GET", path).json["last_pushed"].startswith("2023-11-14T22:13:21")


def test_each_push_and_deletion_is_one_audit_event(index: Index) -> None:
    events = [
        event("push", "alice/web", "1", 1),
        event("push", "alice/web", "1", 1),
        event("delete", "alice/web", "1", 2),
    ]
    for one in [*events, *events]:
        send(index, one)
    fields = [(e["event"], e["target"], e["tag"], e["actor"], e["client_ip"]) for e in index.events]
    common = ("alice/web", "1", "alice+ci", "192.0.2.9")
    assert fields == [("repository.pushed", *common), ("tag.deleted", *common)]
    assert index.events[0]["digest"] == digest("a")


def test_everyone_sees_the_time_of_the_last_push(index: Index) -> None:
    index.create_account("bobby")
    send(index, event("push", "alice/web", "1", 1))
    entries = [
        index.request("GET", "/v1/namespaces/alice/repositories", auth).json[0]
        for auth in (basic("alice"), basic("bobby"), None)
    ]
    assert {entry["last_pushed"] for entry in entries} == {"2023-11-14T22:13:21.500000Z"}


READS = ["dynamodb.BatchGetItem", "dynamodb.GetItem"]
TRANSACTION = ["dynamodb.TransactWriteItems"]


@pytest.mark.parametrize(
    ("action", "tag", "second", "writes"),
    [
        ("push", "1", 3, ["dynamodb.UpdateItem", "dynamodb.PutItem"]),
        ("push", "1", 1, []),
        ("push", "new", 3, TRANSACTION),
        ("delete", "1", 3, TRANSACTION),
        ("delete", "new", 3, ["dynamodb.PutItem"]),
    ],
)
def test_only_a_change_of_the_number_of_tags_needs_a_transaction(
    index: Index, action: str, tag: str, second: int, writes: list[str]
) -> None:
    send(index, event("push", "alice/web", "1", 2))
    index.calls.clear()
    send(index, event(action, "alice/web", tag, second))
    assert index.calls == READS + writes


STEPS = st.lists(
    st.tuples(st.sampled_from(["push", "delete"]), st.sampled_from("12"), st.sampled_from("abc")),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def shared() -> Any:
    with local_aws():
        index = create_registry_index(create_index)
        index.create_account("alice")
        yield index


@pytest.mark.exhaustive
@settings(max_examples=25)
@given(steps=STEPS, data=st.data())
def test_any_order_and_repetition_gives_the_same_tags(shared: Index, steps: list[Any], data: st.DataObject) -> None:
    name = f"alice/r{len(shared.lines)}"
    events = [event(action, name, tag, second, digit) for second, (action, tag, digit) in enumerate(steps)]
    expected = {}
    for action, tag, digit in steps:
        expected[tag] = digest(digit) if action == "push" else None
    repeated = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=4))]))
    for one in repeated:
        assert send(shared, one).status == 204
    listed = {tag: value for tag, value in expected.items() if value is not None}
    assert tags(shared, name) == listed
    assert count(shared, name) == (len(listed) if any(action == "push" for action, _, _ in steps) else None)


def test_late_event_of_a_deleted_repository_has_no_effect(index: Index) -> None:
    send(index, event("push", "alice/web", "1", 1))
    assert index.request("DELETE", "/v1/repositories/alice/web", basic("alice")).status == 202
    send(index, event("push", "alice/web", "2", 2))
    assert index.request("GET", "/v1/namespaces/alice/repositories/web", basic("alice")).status == 404
    index.push("alice/web", basic("alice"))
    send(index, event("push", "alice/web", "2", 2))
    assert (tags(index), count(index)) == ({}, 0), "a new generation has no tags of the earlier one"
    now = int(time.time()) - START
    send(index, event("push", "alice/web", "1", now), event("push", "alice/web", "1", now))
    assert count(index) == 1


def test_push_of_a_name_that_was_private_creates_a_private_repository(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.push("alice/web", basic("alice"))
    index.request("PUT", "/v1/namespaces/alice/repositories/web", basic("alice"), json={"private": True})
    index.request("DELETE", "/v1/repositories/alice/web", basic("alice"))
    later = int(datetime.now(UTC).timestamp()) - START + 100 * 86_400
    monkeypatch.setattr(time, "time", lambda: START + later + 1.0)
    index = index.restart()
    send(index, event("push", "alice/web", "1", later))
    assert tags(index, auth=basic("alice")) == {"1": digest("a")}
    assert index.request("GET", "/v1/namespaces/alice/repositories/web").status == 404


@pytest.mark.parametrize(("visibility", "status"), [("public", 200), ("private", 404)])
def test_new_repository_has_the_default_visibility(make_index: MakeIndex, visibility: str, status: int) -> None:
    index = create_registry_index(make_index, repository_visibility=visibility)
    index.create_account("alice")
    send(index, event("push", "alice/web", "1", 1))
    assert index.request("GET", "/v1/namespaces/alice/repositories/web").status == status


def test_event_changes_neither_rights_nor_visibility(index: Index) -> None:
    index.create_account("bobby")
    index.push("alice/web", basic("alice"))
    path = "/v1/namespaces/alice/repositories/web"
    index.request("PUT", path, basic("alice"), json={"private": True, "description": "mine"})
    index.request("PUT", f"{path}/collaborators/bobby", basic("alice"), json={"access": "read"})
    before = index.request("GET", path, basic("alice")).json
    send(index, event("push", "alice/web", "1", 1), event("delete", "alice/web", "1", 2))
    after = index.request("GET", path, basic("alice")).json
    assert {**after, "last_pushed": None} == before
    assert index.request("GET", f"{path}/collaborators", basic("alice")).json == [
        {"username": "bobby", "access": "read"}
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"events": 1}',
        b'{"events": [1, null, {}, {"action": []}]}',
        b"[" * 5000,
        json.dumps({"events": [event("push", "alice/web", None, 1)]}).encode(),
        json.dumps({"events": [event("pull", "alice/web", "1", 1)]}).encode(),
        json.dumps({"events": [event("push", "web", "1", 1)]}).encode(),
        json.dumps({"events": [event("push", "alice/a/b", "1", 1)]}).encode(),
        json.dumps({"events": [event("push", "Alice/web", "1", 1)]}).encode(),
        json.dumps({"events": [event("push", "nobody/web", "1", 1)]}).encode(),
        json.dumps({"events": [event("push", "alice/web", "-bad", 1)]}).encode(),
        json.dumps({"events": [event("push", "alice/web", "1", 1) | {"timestamp": "yesterday"}]}).encode(),
        json.dumps({"events": [event("delete", "alice/missing", "1", 1)]}).encode(),
    ],
)
def test_content_without_effect_is_accepted(index: Index, body: bytes) -> None:
    assert index.request("POST", "/registries/events", AUTH, body=body).status == 204
    assert index.request("GET", "/v1/namespaces/alice/repositories").json == []


@pytest.mark.parametrize("size", [True, -1, 1.5, "7", 2**70, None])
def test_strange_size_is_stored_as_unknown(index: Index, size: object) -> None:
    one = event("push", "alice/web", "1", 1)
    one["target"]["size"] = size
    assert send(index, one).status == 204
    (tag,) = index.request("GET", "/v1/namespaces/alice/repositories/web/tags").json
    assert tag["size"] is None


@pytest.mark.parametrize("auth", [None, "Bearer", "Bearer wrong", "Basic x", f"Token {SECRET}", f"Bearer {SECRET}x"])
def test_request_without_the_secret_changes_nothing(index: Index, auth: str | None) -> None:
    before = list(index.tables.tags.scan())
    index.calls.clear()
    for number in range(170):
        assert send(index, event("push", "alice/web", str(number), number), auth=auth).status == 401
    assert list(index.tables.tags.scan()) == before
    assert index.request("GET", "/v1/namespaces/alice/repositories").json == []
    assert not [call for call in index.calls if call.endswith(("PutItem", "UpdateItem", "TransactWriteItems"))]


@pytest.mark.parametrize("operation", ["BatchGetItem", "GetItem", "Query", "TransactWriteItems"])
def test_registry_repeats_an_event_that_a_fault_has_stopped(index: Index, operation: str) -> None:
    one = event("push", "alice/web", "1", 1)
    with index.failing_calls(operation):
        assert send(index, one).status == 503
    assert send(index, one).status == 204
    assert (tags(index), count(index)) == ({"1": digest("a")}, 1)
    assert [e["event"] for e in index.events] == ["repository.pushed"]
    assert index.request("GET", "/v1/namespaces/alice/repositories/web").json["last_pushed"] is not None


@pytest.mark.parametrize("operation", ["UpdateItem", "PutItem"])
def test_registry_repeats_a_push_of_a_known_tag_that_a_fault_has_stopped(index: Index, operation: str) -> None:
    send(index, event("push", "alice/web", "1", 1, "a"))
    one = event("push", "alice/web", "1", 2, "b")
    with index.failing_calls(operation):
        assert send(index, one).status == 503
    assert send(index, one).status == 204
    assert (tags(index), count(index)) == ({"1": digest("b")}, 1)
    assert index.request("GET", "/v1/namespaces/alice/repositories/web").json["last_pushed"].startswith("2023-11-14")


def test_events_at_the_same_time_are_counted_once(index: Index) -> None:
    """Registries repeat an event while its first delivery is being processed."""
    send(index, event("push", "alice/web", "0", 1))
    events = [event("push", "alice/web", str(number % 4), 2 + number % 4) for number in range(8)]
    statuses = run_together(len(events), lambda number: send(index, events[number]).status)
    for one, status in zip(events, statuses, strict=True):
        assert status in (204, 503)
        if status == 503:
            assert send(index, one).status == 204
    assert count(index) == len(tags(index)) == 4


def test_deletion_before_the_creation_is_not_counted(index: Index) -> None:
    send(index, event("delete", "alice/web", "1", 2))
    send(index, event("push", "alice/web", "1", 1))
    assert (tags(index), count(index)) == ({}, 0)
    send(index, event("push", "alice/web", "1", 3))
    assert (tags(index), count(index)) == ({"1": digest("a")}, 1)


def test_listings_show_the_number_of_tags_and_the_last_push_to_everyone(index: Index) -> None:
    send(index, event("push", "alice/web", "1", 1), event("push", "alice/web", "2", 2))
    for auth in (None, basic("alice")):
        (repository,) = index.request("GET", "/v1/namespaces/alice/repositories", auth).json
        assert (repository["tags"], repository["last_pushed"][:10]) == (2, "2023-11-14")
    assert Page(index.request("GET", "/r/alice")).data("tags") == ["2"]


def test_cloud_events_of_zot_are_accepted(index: Index) -> None:
    headers = {"ce-type": "zotregistry.image.updated", "ce-specversion": "1.0", "ce-time": "2023-11-14T22:13:20Z"}
    data = {"name": "alice/web", "reference": "1", "digest": digest("a"), "mediaType": MANIFEST, "manifest": "{}"}
    assert index.request("POST", "/registries/events", AUTH, json=data, headers=headers).status == 204
    assert tags(index) == {"1": digest("a")}
    untimed = {"specversion": "1.0", "type": "zotregistry.image.deleted", "data": data}
    assert index.request("POST", "/registries/events", AUTH, json=untimed).status == 204
    assert tags(index) == {}
    by_digest = {**data, "reference": digest("b")}
    assert index.request("POST", "/registries/events", AUTH, json=by_digest, headers=headers).status == 204
    assert tags(index) == {}


def test_tags_are_paged_by_name_and_by_time(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.repositories.tags.MAX_LISTED_TAGS", 10)
    names = [f"t{n:03}" for n in range(25)]
    send(index, *(event("push", "alice/web", name, 1000 - n) for n, name in enumerate(names)))
    for order in ("name", "time"):
        found: list[str] = []
        path: str | None = f"/v1/namespaces/alice/repositories/web/tags?order={order}"
        pages = 0
        while path is not None:
            response = index.request("GET", path)
            found += [entry["tag"] for entry in response.json]
            link = response.headers.get("link")
            path = link[1 : link.index(">")] if link else None
            pages += 1
        assert (found, pages) == (names, 3), order
    for query in ("order=size", "after=%00", "after=-x", "after=" + "a" * 2000, "order=time&after=/"):
        assert index.request("GET", f"/v1/namespaces/alice/repositories/web/tags?{query}").status == 400, query
    assert index.request("GET", "/v1/namespaces/alice/repositories/none/tags").status == 404


def test_deletion_names_what_remains_in_the_registry(index: Index) -> None:
    send(index, event("push", "alice/web", "1", 1))
    response = index.request("DELETE", "/v1/repositories/alice/web", basic("alice"))
    assert response.headers["x-waybill-remaining"] == "registry.local/alice/web"
