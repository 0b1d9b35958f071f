"""What cannot be told from outside: by status, headers and body, nor by the work that an answer takes.

Work is counted here, in calls and in bcrypts; `python -m bench.response_times` measures the time.
"""

from typing import Any
from urllib.parse import urlencode

import bcrypt
import pytest
from msgspec.structs import replace

from chalicelib.accounts.mailer import EmailMessage
from chalicelib.bootstrap import Services
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Role
from chalicelib.pages import account as account_pages
from chalicelib.settings import Settings
from tests.functional.callers import world
from tests.index import PASSWORD, Index, Response, basic

pytestmark = pytest.mark.exhaustive

WRONG = "wrong horse"
GET, BATCH_GET, TRANSACT = "dynamodb.GetItem", "dynamodb.BatchGetItem", "dynamodb.TransactWriteItems"


@pytest.fixture
def peopled(index: Index) -> Index:
    """Somebody of each kind, and one robot."""
    for name in ("alice", "removed", "leaving"):
        index.account(name)
    index.account("inactive", active=False)
    for name in ("removed", "leaving"):
        index.users.start_deletion(name)
    removed = index.users.get("removed")
    assert removed is not None
    index.users.remove(removed, reserve_name=True)
    Services(index.settings, index.aws).robots.create("alice", "deployer", Role.WRITE)
    index.calls.clear()
    return index


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cost of every bcrypt, whether one is made or checked."""
    costs: list[str] = []
    check, make = bcrypt.checkpw, bcrypt.hashpw

    def checkpw(password: bytes, stored: bytes) -> bool:
        costs.append(stored[:7].decode())
        return check(password, stored)

    def hashpw(password: bytes, salt: bytes) -> bytes:
        costs.append(salt[:7].decode())
        return make(password, salt)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    monkeypatch.setattr(bcrypt, "hashpw", hashpw)
    return costs


def failed(index: Index, username: str, password: str) -> tuple[Response, list[str]]:
    """The reply of a container that has seen nobody yet, and its calls."""
    index.calls.clear()
    response = index.restarted().request("GET", "/v1/users/", basic(username, password))
    return response, list(index.calls)


@pytest.mark.parametrize("username", ["alice", "nobody", "inactive", "removed", "leaving", "deployer"])
def test_a_failed_sign_in_is_the_same_work_whoever_it_was_for(peopled: Index, hashed: list[str], username: str) -> None:
    response, calls = failed(peopled, username, WRONG)
    assert (response.status, response.json) == (401, {"error": "wrong username or password"})
    assert set(response.headers) == {"content-type", "www-authenticate"}
    assert calls == [GET, BATCH_GET, TRANSACT]
    assert hashed == ["$2b$04$"], "the first in a container, too"


@pytest.mark.parametrize("username", ["alice", "nobody", "inactive", "removed", "leaving"])
@pytest.mark.parametrize("robot", ["deployer", "unheard-of"])
def test_a_robot_s_wrong_token_is_the_same_work_whoever_it_was_for(
    peopled: Index, hashed: list[str], username: str, robot: str
) -> None:
    response, calls = failed(peopled, username, f"wbr_{robot}_{'0' * 64}")
    assert (response.status, response.json) == (401, {"error": "wrong username or password"})
    assert (calls, hashed) == ([GET, GET], [])


def test_what_is_said_of_an_account_takes_its_password(peopled: Index) -> None:
    """That one is not active, or is leaving, is for those alone who know its password."""
    for username in ("inactive", "leaving"):
        assert failed(peopled, username, PASSWORD)[0].json == "Account is not Active"
    assert failed(peopled, "removed", PASSWORD)[0].json == {"error": "wrong username or password"}


WITHOUT_ACCESS = (
    "anonymous",
    "wrong password",
    "stranger",
    "inactive",
    "robot of other repositories",
    "expired robot",
    "revoked robot",
)
V1, OURS, PAGE = "/v1/repositories/owner/{}", "/v1/namespaces/owner/repositories/{}", "/r/owner/{}"
ATTEMPTS: list[tuple[str, str, Any]] = [
    ("GET", V1 + "/images", None),
    ("HEAD", V1 + "/images", None),
    ("PUT", V1 + "/images", [{"id": "b", "checksum": "sha256:ab"}]),
    ("PUT", V1 + "/images", [{"id": "BAD"}]),
    ("PUT", V1 + "/images", "nonsense"),
    ("PUT", V1, [{"id": "b"}]),
    ("PUT", V1, []),
    ("PUT", V1, "nonsense"),
    ("DELETE", V1, None),
    ("GET", V1 + f"/layer/{'a' * 64}/access", None),
    ("GET", V1 + "/layer/b/access", None),
    ("PUT", V1 + "/auth", None),
    ("GET", OURS, None),
    ("HEAD", OURS, None),
    ("PUT", OURS, {"description": "mine"}),
    ("PUT", OURS, {"private": False}),
    ("PUT", OURS, {}),
    ("PUT", OURS, {"private": "nonsense"}),
    ("GET", OURS + "/collaborators", None),
    ("PUT", OURS + "/collaborators/newcomer", {"access": "read"}),
    ("PUT", OURS + "/collaborators/nobody", {"access": "read"}),
    ("PUT", OURS + "/collaborators/newcomer", {"access": "nonsense"}),
    ("DELETE", OURS + "/collaborators/reader", None),
    ("DELETE", OURS + "/collaborators/nobody", None),
    ("GET", PAGE, None),
    ("HEAD", PAGE, None),
    ("GET", "/v1/search?q={}", None),
    ("GET", "/?q={}", None),
]


def test_what_is_private_cannot_be_told_from_what_is_missing(index: Index) -> None:
    """By whoever may not read it, in any operation: status, headers, body, and the calls that the answer takes."""
    made, tried = world(index, "private"), 0
    lonely = RepositoryName("owner", "lonely")
    index.request("PUT", f"/v1/repositories/{lonely}", basic("owner"), json=[{"id": "b"}])
    index.request("PUT", f"/v1/namespaces/owner/repositories/{lonely.name}", basic("owner"), json={"private": True})
    index.request("PUT", "/v1/repositories/owner/gone", basic("owner"), json=[{"id": "b"}])
    index.request("DELETE", "/v1/repositories/owner/gone", basic("owner"))

    def attempt(principal: str, method: str, path: str, body: Any, name: str) -> tuple[Response, list[str]]:
        for count in list(index.tables.counters.scan()):
            count.delete()
        index.calls.clear()
        response = index.request(method, path.format(name), made.authorization(principal), json=body)
        return replace(response, body=response.body.replace(name.encode(), b"it")), list(index.calls)

    for principal in WITHOUT_ACCESS:
        attempt(principal, "GET", V1 + "/images", None, "missing")  # remembers who it is, and notes a robot's use
        for method, path, body in ATTEMPTS:
            asked = (principal, method, path, body)
            missing = attempt(*asked, "missing")
            assert "dynamodb.Query" not in missing[1] or "?q=" in path, "a list takes longer to read the longer it is"
            for name in (made.repository(principal).name, lonely.name, "gone"):
                assert attempt(*asked, name) == missing, (*asked, name)
                tried += 1
    print(f"{tried} attempts on what is private or deleted, each beside one on what is missing")
    assert tried == len(WITHOUT_ACCESS) * len(ATTEMPTS) * 3


class Clock:
    """Stands for the module `time`: sleeping and sending take the seconds that they say."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class SlowMailbox(list[EmailMessage]):
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def send(self, message: EmailMessage) -> None:
        self._clock.sleep(0.3)
        self.append(message)


def test_asking_for_a_letter_is_answered_after_the_same_time_whoever_has_the_address(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the wait that other tests do without
    clock = Clock()
    monkeypatch.setattr(account_pages, "time", clock)
    mailing = Settings(email_sender="waybill@example.com", base_url="https://index.example.com", bcrypt_cost=4)
    index = Index(mailing, captures_emails=True)
    index.emails = index._mailer = SlowMailbox(clock)  # type: ignore[assignment]
    index = index.restarted()
    for name in ("alice", "inactive"):
        index.account(name, active=name == "alice")
    for page in ("/forgotten", "/confirm"):
        for name in ("alice", "alice", "nobody", "inactive"):
            began = clock.now
            body = urlencode({"email": f"{name}@example.com"}).encode()
            assert index.request("POST", page, body=body).status == 200
            assert clock.now - began == pytest.approx(account_pages.ANSWERED_AFTER_SECONDS)
    assert [message.to for message in index.emails] == ["alice@example.com"]
