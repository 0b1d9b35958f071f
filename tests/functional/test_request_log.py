"""The request log: one event for each change and each failed login, metrics, client IPs, and no secrets."""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Any

import pytest

from chalicelib.api.messages import Request
from chalicelib.domain.choices import AccountActivation
from chalicelib.domain.errors import DomainError
from chalicelib.settings import Settings
from tests.index import Index, Response, basic
from tests.web_session import WebSession

SECRETS = ("mark-password", "mark-second", "mark-third", "mark-wrong", "wbr_ci_", "signature=", "?link=")


@pytest.fixture
def index(aws: None) -> Index:
    """An index that confirms email addresses."""
    settings = Settings(
        account_activation=AccountActivation.EMAIL,
        email_sender="waybill@example.com",
        base_url="https://index.example.com",
        bcrypt_cost=4,
    )
    return Index(settings, captures_emails=True)


def take_events(index: Index) -> list[tuple[Any, ...]]:
    """Return the events since the last call as (event, actor, target)."""
    events = [tuple(event.get(field) for field in ("event", "actor", "target")) for event in index.events]
    index.lines.clear()
    return events


def test_each_change_is_an_event(index: Index) -> None:
    admin, alice = index.create_account("admin", admin=True), index.create_account("alice")
    index.create_account("bobby")
    web, settings = "/v1/repositories/alice/web", "/v1/namespaces/alice/repositories/web"
    collaborator = settings + "/collaborators/bobby"
    form = {"username": "carol", "password": "mark-password", "email": "carol@example.com"}
    for method, path, auth, body, event in (
        ("POST", "/v1/users/", None, form, ("account.registered", None, "carol")),
        ("PUT", "/v1/users/carol", admin, {"active": True}, ("account.changed", "admin", "carol")),
        ("PUT", "/v1/users/alice", alice, {"email": "x@example.com"}, ("account.changed", "alice", "alice")),
        ("PUT", web, alice, [{"id": "a"}], ("repository.pushed", "alice", "alice/web")),
        ("PUT", web + "/images", alice, [{"id": "b"}], ("images.updated", "alice", "alice/web")),
        ("PUT", "/v1/repositories/solo", admin, [], ("repository.pushed", "admin", "library/solo")),
        ("PUT", settings, alice, {"private": True}, ("repository.changed", "alice", "alice/web")),
        (
            "PUT",
            collaborator,
            alice,
            {"access": "read"},
            ("repository.shared", "alice", "alice/web/bobby"),
        ),
        ("DELETE", collaborator, alice, None, ("repository.unshared", "alice", "alice/web/bobby")),
        ("PUT", "/v1/users/alice/robots/ci", alice, {"access": "read"}, ("robot.created", "alice", "alice/ci")),
        ("DELETE", "/v1/users/alice/robots/ci", alice, None, ("robot.revoked", "alice", "alice/ci")),
        ("DELETE", web, alice, None, ("repository.deleted", "alice", "alice/web")),
        ("DELETE", "/v1/users/alice", alice, None, ("account.deleted", "alice", "alice")),
    ):
        assert index.request(method, path, auth, json=body).status < 300
        assert take_events(index) == [event]


def test_request_without_a_change_is_not_an_event(index: Index) -> None:
    alice, bobby = index.create_account("alice"), index.create_account("bobby")
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
    assert len(index.lines) == 7  # one line for each request
    assert take_events(index) == []


def test_failed_login_is_an_event_at_each_endpoint(index: Index) -> None:
    index.create_account("alice")
    for path in ("/v1/users/", "/v1/search?q=x", "/v1/repositories/alice/web/images"):
        index.request("GET", path, basic("alice", "mark-wrong"))
        assert take_events(index) == [("login.failed", None, "alice")]
    index.request("PUT", "/v1/repositories/alice/web", basic("My Secret Passphrase", ""), json=[])
    assert take_events(index) == [("login.failed", None, "")]  # the text could be a password in the wrong field


@pytest.mark.parametrize("text", ["My Secret Passphrase", f"wbr_ci_{'a' * 64}"], ids=["password", "token"])
@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/account/block", "blocked"),
        ("/account/unblock", "blocked"),
        ("/account/organizations", "name"),
        ("/account/robots", "name"),
        ("/organizations/ops/members", "username"),
        ("/organizations/ops/members/remove", "username"),
        ("/organizations/ops/robots", "name"),
        ("/r/alice/web/share", "username"),
        ("/r/alice/web/unshare", "username"),
        ("/login", "username"),
    ],
)
def test_secret_in_the_wrong_field_of_a_form_is_not_logged(index: Index, path: str, field: str, text: str) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, "a")
    assert index.request("PUT", "/v1/organizations/ops", alice).status == 201
    browser = WebSession.logged_in(index, "alice")
    token = browser.form_token
    index.lines.clear()
    browser.send("POST", path, form_token=token, **{"access": "read", "days": "30", "password": "x", field: text})
    assert len(index.lines) == 1
    assert text.lower() not in index.lines[0].lower()


def test_event_has_actor_target_client_and_request(index: Index) -> None:
    alice = index.create_account("alice")
    index.request("PUT", "/v1/users/alice/robots/ci", alice, json={"access": "write"})
    token = index.request("PUT", "/v1/users/alice/robots/two", alice, json={"access": "write"}).json["token"]
    index.lines.clear()
    index.push("alice/web", basic("alice", token), "a")
    (event,) = index.events
    assert re.fullmatch(r"[0-9A-Za-z=-]{16,36}", event["request"])
    assert {
        name: event[name] for name in ("event", "actor", "robot", "target", "client_ip", "method", "route", "status")
    } == {
        "event": "repository.pushed",
        "actor": "alice",
        "robot": "two",
        "target": "alice/web",
        "client_ip": "127.0.0.1",
        "method": "PUT",
        "route": "/v1/repositories/{namespace}/{repository}",
        "status": 200,
    }


def test_only_lines_of_failed_logins_have_the_metric_format(index: Index) -> None:
    alice = index.create_account("alice")
    index.lines.clear()
    for auth in (alice, alice, basic("alice", "mark-wrong")):
        index.request("GET", "/v1/users/", auth)
    with index.failing_calls("GetItem"):
        index.request("GET", "/v1/users/", alice)
    *others, failed, unavailable = map(json.loads, index.lines)
    assert not any("_aws" in line for line in (*others, unavailable))
    (directive,) = failed["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Stack"]]
    assert directive["Metrics"] == [{"Name": "FailedLogins", "Unit": "Count"}]
    assert failed["FailedLogins"] == 1  # CloudWatch needs the value of each metric
    assert failed["Stack"] == index.settings.stack


def test_compacted_segments_are_counted(index: Index) -> None:
    alice = index.create_account("alice")
    for n in range(18):
        index.push("alice/web", alice, f"image{n}")
    assert json.loads(index.lines[-1])["CompactedSegments"] == 17


def test_client_ip_is_that_of_the_gateway_and_not_a_header(index: Index) -> None:
    index.request("GET", "/v1/_ping", headers={"x-forwarded-for": "203.0.113.9"}, client_ip="198.51.100.7")
    assert json.loads(index.lines[-1])["client_ip"] == "198.51.100.7"


def requests_with_secrets(index: Index) -> Iterator[Response]:
    """Send requests for each operation, with marked secrets, both right and wrong, in all places for secrets."""
    form = {"username": "alice", "password": "mark-password", "email": "alice@example.com"}
    alice = basic("alice", "mark-password")
    yield index.request("POST", "/v1/users/", json=form)
    yield index.request("POST", "/v1/users/", json=form | {"username": 7})
    yield index.request("POST", "/v1/users/", body=b'{"password": "mark-password", ')
    link = index.emails[-1].text.partition("link=")[2].split()[0]
    yield index.request("GET", f"/confirm?link={link}")
    yield index.request("POST", "/confirm", body=f"link={link}".encode())
    yield index.request("POST", "/confirm", body=f"link={link}".encode())
    index.reset_counters("email")
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


@pytest.mark.parametrize(
    "failure",
    [
        None,
        pytest.param("GetItem", marks=pytest.mark.exhaustive),
        pytest.param("Query", marks=pytest.mark.exhaustive),
        pytest.param("TransactWriteItems", marks=pytest.mark.exhaustive),
        "exception",
    ],
)
def test_secrets_are_in_no_log_line_error_or_repr(
    index: Index, failure: str | None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[str] = []
    init_error, init_request = DomainError.__init__, Request.__init__

    def record_error(self: DomainError, message: str) -> None:
        init_error(self, message)
        recorded.append(repr(self) + str(self))

    monkeypatch.setattr(DomainError, "__init__", record_error)

    def record_request(self: Request, *args: Any, **kwargs: Any) -> None:
        init_request(self, *args, **kwargs)
        recorded.append(repr(self))

    monkeypatch.setattr(Request, "__init__", record_request)
    with caplog.at_level(logging.DEBUG), ExitStack() as failing:
        responses: list[Response] = []
        for number, response in enumerate(requests_with_secrets(index)):
            responses.append(response)
            if number == 16:  # the robot, the token and the repository exist
                failing.enter_context(_fail(index, failure, monkeypatch))
    assert len(responses) > 25
    errors = "".join(response.body.decode() for response in responses if response.status >= 400)
    text = "\n".join([*index.lines, caplog.text, *recorded, errors])
    for secret in SECRETS:
        assert secret not in text, secret


def _fail(index: Index, failure: str | None, monkeypatch: pytest.MonkeyPatch) -> AbstractContextManager[None]:
    if failure is None:
        return nullcontext()
    if failure == "exception":
        monkeypatch.setattr("chalicelib.repositories.image_lists.ImageLists.read", lambda *_: 1 / 0)
        return nullcontext()
    return index.failing_calls(failure)
