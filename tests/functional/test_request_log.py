"""Every change and every failed sign-in is one event: who, what, from where, and never a secret in it."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.api.messages import Request
from chalicelib.domain.errors import DomainError
from chalicelib.settings import AccountActivation, Settings
from tests.functional.test_faults import failing
from tests.index import Index, Response, basic

SECRETS = ("mark-password", "mark-second", "mark-third", "mark-wrong", "wbr_ci_", "signature=", "link=")


@pytest.fixture
def index(aws: None) -> Index:
    """An index that confirms addresses, with letters kept."""
    settings = Settings(
        account_activation=AccountActivation.EMAIL,
        email_sender="waybill@example.com",
        base_url="https://index.example.com",
        bcrypt_cost=4,
    )
    return Index(settings, captures_emails=True)


def told(index: Index, *fields: str) -> list[tuple[Any, ...]]:
    """The events since the last look, field by field."""
    found = [tuple(event.get(field) for field in ("event", "who", "on", *fields)) for event in index.events]
    index.lines.clear()
    return found


def test_every_change_is_an_event(index: Index) -> None:
    admin, alice = index.account("admin", admin=True), index.account("alice")
    index.account("bobby")
    web, ours = "/v1/repositories/alice/web", "/v1/namespaces/alice/repositories/web"
    people = ours + "/collaborators/bobby"
    form = {"username": "carol", "password": "mark-password", "email": "carol@example.com"}
    for method, path, auth, body, event in (
        ("POST", "/v1/users/", None, form, ("account.registered", None, "carol")),
        ("PUT", "/v1/users/carol", admin, {"active": True}, ("account.changed", "admin", "carol")),
        ("PUT", "/v1/users/alice", alice, {"email": "x@example.com"}, ("account.changed", "alice", "alice")),
        ("PUT", web, alice, [{"id": "a"}], ("repository.pushed", "alice", "alice/web")),
        ("PUT", web + "/images", alice, [{"id": "b"}], ("images.updated", "alice", "alice/web")),
        ("PUT", "/v1/repositories/solo", admin, [], ("repository.pushed", "admin", "solo")),
        ("PUT", ours, alice, {"private": True}, ("repository.changed", "alice", "alice/web")),
        (
            "PUT",
            people,
            alice,
            {"access": "read"},
            ("repository.shared", "alice", "alice/web/bobby"),
        ),
        ("DELETE", people, alice, None, ("repository.unshared", "alice", "alice/web/bobby")),
        ("PUT", "/v1/users/alice/robots/ci", alice, {"access": "read"}, ("robot.created", "alice", "alice/ci")),
        ("DELETE", "/v1/users/alice/robots/ci", alice, None, ("robot.revoked", "alice", "alice/ci")),
        ("DELETE", web, alice, None, ("repository.deleted", "alice", "alice/web")),
        ("DELETE", "/v1/users/alice", alice, None, ("account.deleted", "alice", "alice")),
    ):
        assert index.request(method, path, auth, json=body).status < 300
        assert told(index) == [event]


def test_what_changes_nothing_is_no_event(index: Index) -> None:
    alice, bobby = index.account("alice"), index.account("bobby")
    index.push("alice/web", alice, "a")
    index.lines.clear()
    for method, path, auth, body in (
        ("GET", "/v1/users/", alice, None),
        ("GET", "/v1/repositories/alice/web/images", None, None),
        ("GET", "/v1/search?q=web", None, None),
        ("PUT", "/v1/repositories/alice/web", bobby, []),
        ("DELETE", "/v1/repositories/alice/web", bobby, None),
        ("PUT", "/v1/users/alice", bobby, {"password": "mark-second"}),
        ("POST", "/v1/users/", None, {"username": "alice"}),
    ):
        index.request(method, path, auth, json=body)
    assert len(index.lines) == 7, "a line for each request all the same"
    assert told(index) == []


def test_a_failed_sign_in_is_an_event_wherever_it_is_tried(index: Index) -> None:
    index.account("alice")
    for path in ("/v1/users/", "/v1/search?q=x", "/v1/repositories/alice/web/images"):
        index.request("GET", path, basic("alice", "mark-wrong"))
        assert told(index) == [("login.failed", None, "alice")]
    index.request("PUT", "/v1/repositories/alice/web", basic("My Secret Passphrase", ""), json=[])
    assert told(index) == [("login.failed", None, "")], "a name that is none may be a password in the wrong field"


def test_an_event_says_who_what_where_and_which_request(index: Index) -> None:
    alice = index.account("alice")
    index.request("PUT", "/v1/users/alice/robots/ci", alice, json={"access": "write"})
    token = index.request("PUT", "/v1/users/alice/robots/two", alice, json={"access": "write"}).json["token"]
    index.lines.clear()
    index.push("alice/web", basic("alice", token), "a")
    (event,) = index.events
    assert re.fullmatch(r"[0-9a-f-]{36}", event["request"])
    assert {name: event[name] for name in ("event", "who", "robot", "on", "from", "method", "route", "status")} == {
        "event": "repository.pushed",
        "who": "alice",
        "robot": "two",
        "on": "alice/web",
        "from": "127.0.0.1",
        "method": "PUT",
        "route": "/v1/repositories/{namespace}/{repository}",
        "status": 200,
    }


def test_cloudwatch_makes_metrics_of_what_is_counted_and_no_other_line_pays_for_the_format(index: Index) -> None:
    alice = index.account("alice")
    index.lines.clear()
    for auth in (alice, alice, basic("alice", "mark-wrong")):
        index.request("GET", "/v1/users/", auth)
    mend = failing(index, "GetItem")
    index.request("GET", "/v1/users/", alice)
    mend()
    plain, *counted = map(json.loads, index.lines)
    assert "_aws" not in plain
    for line, metric in zip(counted, ("CachedCredentials", "FailedLogins", "Errors"), strict=True):
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Dimensions"] == [["Stack"]]
        assert directive["Metrics"] == [{"Name": metric, "Unit": "Count"}]
        assert line[metric] == 1, "CloudWatch takes no metric whose value is not there"
        assert line["Stack"] == index.settings.stack


def test_a_compaction_is_counted(index: Index) -> None:
    alice = index.account("alice")
    for n in range(18):
        index.push("alice/web", alice, f"image{n}")
    assert json.loads(index.lines[-1])["CompactedSegments"] == 17


def test_where_a_request_comes_from_is_cloudfronts_word_and_nobody_elses(index: Index) -> None:
    index.account("alice")
    behind = index.restarted(front_proof="only CloudFront knows")
    forged = "198.51.100.1, 203.0.113.9, 192.0.2.77"
    for proof, expected in (("only CloudFront knows", "203.0.113.9"), ("a guess", "127.0.0.1"), ("", "127.0.0.1")):
        headers = {"x-waybill-front": proof, "x-forwarded-for": forged}
        behind.request("GET", "/v1/_ping", headers=headers)
        assert json.loads(behind.lines[-1])["from"] == expected
    behind.request("GET", "/v1/_ping", headers={"x-waybill-front": "only CloudFront knows"})
    assert json.loads(behind.lines[-1])["from"] == "127.0.0.1"


def requests_with_secrets(index: Index) -> Iterator[Response]:
    """Every operation, with marked secrets wherever a secret can be, right and wrong."""
    form = {"username": "alice", "password": "mark-password", "email": "alice@example.com"}
    alice = basic("alice", "mark-password")
    yield index.request("POST", "/v1/users/", json=form)
    yield index.request("POST", "/v1/users/", json=form | {"username": 7})
    yield index.request("POST", "/v1/users/", body=b'{"password": "mark-password", ')
    link = index.emails[-1].text.partition("link=")[2].split()[0]
    yield index.request("GET", f"/confirm?link={link}")
    yield index.request("POST", "/confirm", body=f"link={link}".encode())
    yield index.request("POST", "/confirm", body=f"link={link}".encode())
    index.tables.users("alice").update([index.tables.users.emailed.remove()])
    yield index.request("POST", "/forgotten", body=b"email=alice@example.com")
    link = index.emails[-1].text.partition("link=")[2].split()[0]
    yield index.request("POST", "/reset", body=f"link={link}&password=mark".encode())
    yield index.request("POST", "/reset", body=f"link={link}&password=mark-second".encode())
    yield index.request("POST", "/reset", body=f"link={link}&password=mark-third".encode())
    yield index.request("GET", "/v1/users/", alice)
    alice = basic("alice", "mark-second")
    yield index.request("PUT", "/v1/users/alice", alice, json={"password": "mark-third", "email": 7})
    yield index.request("PUT", "/v1/users/alice", alice, json={"password": "mark-third"})
    alice = basic("alice", "mark-third")
    robot = index.request("PUT", "/v1/users/alice/robots/ci", alice, json={"access": "write"})
    yield robot
    machine = basic("alice", robot.json["token"])
    yield index.request("GET", "/v1/users/", basic("alice", robot.json["token"][:-1]))
    yield index.request("GET", "/v1/users/alice/robots", alice)
    push = index.request("PUT", "/v1/repositories/alice/web", machine, json=[{"id": "a"}], token=True)
    yield push
    write = f"Token {push.token}"
    for method, path, auth in (
        ("GET", "/v1/repositories/alice/web/images", write),
        ("PUT", "/v1/repositories/alice/web/images", write),
        ("PUT", "/v1/repositories/alice/web/auth", write),
        ("GET", "/v1/repositories/alice/other/images", write),
        ("GET", "/v1/repositories/alice/web/images", write[:-5]),
        ("GET", "/v1/repositories/alice/web/layer/a/access", write),
        ("GET", "/v1/users/", write),
        ("GET", "/v1/users/", "Basic mark-password"),
        ("GET", "/v1/users/", "Bearer mark-password"),
        ("GET", "/v1/search?q=web", basic("alice", "mark-wrong")),
        ("DELETE", "/v1/repositories/alice/web", alice),
        ("DELETE", "/v1/users/alice/robots/ci", alice),
        ("DELETE", "/v1/users/alice", alice),
    ):
        yield index.request(method, path, auth, json=[])


@pytest.mark.parametrize("broken", [None, "GetItem", "Query", "TransactWriteItems", "fault"])
def test_no_secret_is_in_any_line_log_error_or_repr(
    index: Index, broken: str | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    initialise = DomainError.__init__

    def overheard(self: DomainError, message: str) -> None:
        initialise(self, message)
        said.append(repr(self) + str(self))

    monkeypatch.setattr(DomainError, "__init__", overheard)
    make = Request.__init__

    def shown(self: Request, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        said.append(repr(self))

    monkeypatch.setattr(Request, "__init__", shown)
    replies: list[Response] = []

    def mend() -> None:
        """Nothing is broken yet."""

    with caplog.at_level(logging.DEBUG):
        for number, response in enumerate(requests_with_secrets(index)):
            replies.append(response)
            if number == 16 and broken is not None:  # with robot, token and repository there
                mend = _break(index, broken, monkeypatch)
    mend()
    assert len(replies) > 25
    refusals = "".join(response.body.decode() for response in replies if response.status >= 400)
    heard = "\n".join([*index.lines, caplog.text, *said, refusals])
    for secret in SECRETS:
        assert secret not in heard, secret


def _break(index: Index, operation: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    if operation != "fault":
        return failing(index, operation)
    monkeypatch.setattr("chalicelib.repositories.image_lists.ImageLists.read", lambda *_: 1 / 0)
    return monkeypatch.undo
