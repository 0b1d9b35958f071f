"""Hidden facts do not change a response: not its status, headers and body, and not the work for it.

The work is counted in AWS calls and bcrypt computations. `python -m bench.response_times` measures the time.
"""

from typing import Any
from urllib.parse import urlencode

import bcrypt
import pytest
from msgspec.structs import replace

from chalicelib.accounts.mailer import EmailMessage
from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Role
from chalicelib.pages import account as account_pages
from chalicelib.settings import Settings
from tests.clock import Clock
from tests.functional.principals import create_state
from tests.functional.test_permissions import WITHOUT_ACCESS
from tests.index import PASSWORD, Index, Response, basic

WRONG = "wrong horse"
WRONG_CREDENTIALS = b'{"error":"wrong username or password"}'  # the same for all accounts
GET, UPDATE = "dynamodb.GetItem", "dynamodb.UpdateItem"


@pytest.fixture
def populated(index: Index) -> Index:
    """An index with an account in each state, and a robot."""
    for name in ("alice", "deleted", "in_deletion"):
        index.create_account(name)
    index.create_account("inactive", active=False)
    for name in ("deleted", "in_deletion"):
        index.users.start_deletion(name)
    deleted = index.users.get("deleted")
    assert deleted is not None
    index.users.delete(deleted, reserve_name=True)
    index.services.robots.create(index.user("alice"), "deployer", Role.WRITE)
    index.calls.clear()
    return index


@pytest.fixture
def bcrypt_costs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cost of each bcrypt computation."""
    costs: list[str] = []
    real_checkpw, real_hashpw = bcrypt.checkpw, bcrypt.hashpw

    def checkpw(password: bytes, stored: bytes) -> bool:
        costs.append(stored[:7].decode())
        return real_checkpw(password, stored)

    def hashpw(password: bytes, salt: bytes) -> bytes:
        costs.append(salt[:7].decode())
        return real_hashpw(password, salt)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    monkeypatch.setattr(bcrypt, "hashpw", hashpw)
    return costs


def log_in(index: Index, username: str, password: str) -> tuple[Response, list[str]]:
    """Return the response of a new container, and its calls."""
    index.calls.clear()
    response = index.restart().request("GET", "/v1/users/", basic(username, password))
    return response, list(index.calls)


def test_failed_login_needs_the_same_work_for_each_account(populated: Index, bcrypt_costs: list[str]) -> None:
    for username in ("alice", "nobody", "inactive", "deleted", "in_deletion", "deployer"):
        bcrypt_costs.clear()
        populated.reset_counters()
        response, calls = log_in(populated, username, WRONG)
        assert (response.status, response.body) == (401, WRONG_CREDENTIALS), username
        assert set(response.headers) == {"content-type", "www-authenticate"}, username
        assert calls == [GET, UPDATE, UPDATE, UPDATE], username  # the network, the account, and both
        assert bcrypt_costs == ["$2b$04$"], username  # also for the first request of a container


def test_wrong_robot_token_needs_the_same_work_for_each_account(populated: Index, bcrypt_costs: list[str]) -> None:
    for username in ("alice", "nobody", "inactive", "deleted", "in_deletion"):
        for robot in ("deployer", "missing"):
            response, calls = log_in(populated, username, f"wbr_{robot}_{'0' * 64}")
            assert (response.status, response.body) == (401, WRONG_CREDENTIALS), (username, robot)
            assert (calls, bcrypt_costs) == ([GET, GET], []), (username, robot)


def test_state_of_an_account_is_shown_only_for_its_password(populated: Index) -> None:
    for username in ("inactive", "in_deletion"):
        assert log_in(populated, username, PASSWORD)[0].json == "Account is not Active"
    assert log_in(populated, "deleted", PASSWORD)[0].status == 401


V1, NAMESPACES, PAGE = "/v1/repositories/owner/{}", "/v1/namespaces/owner/repositories/{}", "/r/owner/{}"
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
    ("GET", NAMESPACES, None),
    ("HEAD", NAMESPACES, None),
    ("PUT", NAMESPACES, {"description": "mine"}),
    ("PUT", NAMESPACES, {"private": False}),
    ("PUT", NAMESPACES, {}),
    ("PUT", NAMESPACES, {"private": "nonsense"}),
    ("GET", NAMESPACES + "/collaborators", None),
    ("PUT", NAMESPACES + "/collaborators/newcomer", {"access": "read"}),
    ("PUT", NAMESPACES + "/collaborators/nobody", {"access": "read"}),
    ("PUT", NAMESPACES + "/collaborators/newcomer", {"access": "nonsense"}),
    ("DELETE", NAMESPACES + "/collaborators/reader", None),
    ("DELETE", NAMESPACES + "/collaborators/nobody", None),
    ("GET", PAGE, None),
    ("HEAD", PAGE, None),
    ("GET", "/v1/search?q={}", None),
    ("GET", "/?q={}", None),
]


@pytest.mark.exhaustive
def test_private_and_missing_repositories_have_the_same_responses(index: Index) -> None:
    """For principals without access, in each operation: status, headers, body and AWS calls."""
    state, compared = create_state(index, "private"), 0
    unshared = RepositoryName("owner", "unshared")
    index.request("PUT", f"/v1/repositories/{unshared}", basic("owner"), json=[{"id": "b"}])
    index.request("PUT", f"/v1/namespaces/owner/repositories/{unshared.name}", basic("owner"), json={"private": True})
    index.request("PUT", "/v1/repositories/owner/deleted", basic("owner"), json=[{"id": "b"}])
    index.request("DELETE", "/v1/repositories/owner/deleted", basic("owner"))

    def attempt(principal: str, method: str, path: str, body: Any, name: str) -> tuple[Response, list[str]]:
        index.reset_counters()
        index.calls.clear()
        response = index.request(method, path.format(name), state.authorization(principal), json=body)
        return replace(response, body=response.body.replace(name.encode(), b"it")), list(index.calls)

    for principal in WITHOUT_ACCESS:
        attempt(principal, "GET", V1 + "/images", None, "missing")  # caches the login, and records the use of a robot
        for method, path, body in ATTEMPTS:
            request = (principal, method, path, body)
            missing = attempt(*request, "missing")
            assert "dynamodb.Query" not in missing[1] or "?q=" in path  # a list takes time according to its length
            for name in (state.repository(principal).name, unshared.name, "deleted"):
                assert attempt(*request, name) == missing, (*request, name)
                compared += 1
    print(f"{compared} responses for a private or deleted repository equal those for a missing one")
    assert compared == len(WITHOUT_ACCESS) * len(ATTEMPTS) * 3


class SlowMailbox(list[EmailMessage]):
    """A mailer that takes 0.3 seconds for each message."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def send(self, message: EmailMessage) -> None:
        self._clock.sleep(0.3)
        self.append(message)


def test_request_for_an_email_takes_the_same_time_for_each_address(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # of the fixture that removes the delay
    clock = Clock()
    monkeypatch.setattr(account_pages, "time", clock)
    settings = Settings(email_sender="waybill@example.com", base_url="https://index.example.com", bcrypt_cost=4)
    mailbox = SlowMailbox(clock)
    index = Index(settings, mailer=mailbox)
    for name in ("alice", "inactive"):
        index.create_account(name, active=name == "alice")
    for page in ("/forgotten", "/confirm"):
        for name in ("alice", "alice", "nobody", "inactive"):
            start = clock.now
            body = urlencode({"email": f"{name}@example.com"}).encode()
            assert index.request("POST", page, body=body).status == 200
            assert clock.now - start == pytest.approx(account_pages.EMAIL_REQUEST_SECONDS)
    assert [message.to for message in mailbox] == ["alice@example.com"]
