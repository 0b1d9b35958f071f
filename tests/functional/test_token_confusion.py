"""Each secret is accepted at its own endpoints only, and never by another index."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from chalicelib.domain.choices import AccountActivation
from chalicelib.settings import Settings
from tests.index import PASSWORD, Index, basic

HOST = "https://index.example.com"
WEB = "/v1/repositories/alice/web"
SETTINGS = Settings(
    account_activation=AccountActivation.EMAIL, email_sender="waybill@example.com", base_url=HOST, bcrypt_cost=4
)
Secrets = dict[str, str]


def create_stage(**changed: Any) -> tuple[Index, Secrets]:
    """Create an index where alice has a private repository. Return it with one secret of each kind."""
    index = Index(replace(SETTINGS, **changed), captures_emails=True)
    alice = index.create_account("alice")
    secrets = {"write token": index.push("alice/web", alice, "a")}
    settings = "/v1/namespaces/alice/repositories/web"
    assert index.request("PUT", settings, alice, json={"private": True}).status == 204
    secrets["read token"] = index.request("GET", WEB + "/images", alice, token=True).token
    robot = index.request("PUT", "/v1/users/alice/robots/ci", alice, json={"access": "read"})
    secrets["robot token"] = robot.json["token"]
    index.push("alice/deleted", alice, "a")
    secrets["delete token"] = index.request("DELETE", "/v1/repositories/alice/deleted", alice, token=True).token
    assert index.request("POST", "/forgotten", body=b"email=alice%40example.com").status == 200
    secrets["reset link"] = find_link(index, "/reset")
    index.reset_counters("email")  # allows the next email at once
    assert index.request("PUT", "/v1/users/alice", alice, json={"email": "second@example.com"}).status == 204
    secrets["confirmation link"] = find_link(index, "/confirm")
    secrets["password"] = PASSWORD
    return index, secrets


def find_link(index: Index, page: str) -> str:
    """Return the link for `page` in the last email."""
    match = re.search(rf"{HOST}{page}\?link=(\S+)", index.emails[-1].text)
    assert match is not None
    return match[1]


def _send_header(method: str, path: str, json: object = None, scheme: str = "Token {}") -> Callable[[Index, str], int]:
    return lambda index, secret: index.request(method, path, scheme.format(secret), json=json).status


def _send_password(method: str, path: str, json: object = None) -> Callable[[Index, str], int]:
    def offer(index: Index, secret: str) -> int:
        response = index.request(method, path, basic("alice", secret), json=json)
        assert response.status != 429  # a delay would hide the result
        for count in list(index.tables.counters.scan()):
            count.delete()
        return response.status

    return offer


def _submit(path: str, **more: str) -> Callable[[Index, str], int]:
    return lambda index, secret: index.request("POST", path, body=urlencode({"link": secret, **more}).encode()).status


def _open(path: str) -> Callable[[Index, str], int]:
    return lambda index, secret: index.request("GET", f"{path}?{urlencode({'link': secret})}").status


ENDPOINTS: dict[str, tuple[Callable[[Index, str], int], set[str]]] = {
    "list, as a token": (_send_header("GET", WEB + "/images"), {"read token", "write token"}),
    "layer, as a token": (_send_header("GET", WEB + "/layer/a/access"), {"read token", "write token"}),
    "auth, as a token": (_send_header("PUT", WEB + "/auth"), {"read token", "write token"}),
    "update, as a token": (_send_header("PUT", WEB + "/images", [{"id": "b"}]), {"write token"}),
    "push, as a token": (_send_header("PUT", WEB, []), set()),
    "delete, as a token": (_send_header("DELETE", WEB), set()),
    "login, as a token": (_send_header("GET", "/v1/users/"), set()),
    "account, as a token": (_send_header("GET", "/v1/users/alice"), set()),
    "search, as a token": (_send_header("GET", "/v1/search?q=web"), set()),
    "deleted list, as a token": (_send_header("GET", "/v1/repositories/alice/deleted/images"), {"delete token"}),
    "deleted auth, as a token": (_send_header("PUT", "/v1/repositories/alice/deleted/auth"), {"delete token"}),
    "deleted layer, as a token": (_send_header("GET", "/v1/repositories/alice/deleted/layer/a/access"), set()),
    "list, as Bearer": (_send_header("GET", WEB + "/images", scheme="Bearer {}"), set()),
    "list, bare": (_send_header("GET", WEB + "/images", scheme="{}"), set()),
    "list, as Basic undecoded": (_send_header("GET", WEB + "/images", scheme="Basic {}"), set()),
    "login, as a password": (_send_password("GET", "/v1/users/"), {"password", "robot token"}),
    "list, as a password": (_send_password("GET", WEB + "/images"), {"password", "robot token"}),
    "push, as a password": (_send_password("PUT", WEB, []), {"password"}),
    "update, as a password": (_send_password("PUT", WEB + "/images", [{"id": "b"}]), {"password"}),
    "account, as a password": (_send_password("GET", "/v1/users/alice"), {"password"}),
    "robots, as a password": (_send_password("GET", "/v1/users/alice/robots"), {"password"}),
    "confirm, opened": (_open("/confirm"), {"confirmation link"}),
    "reset, opened": (_open("/reset"), {"reset link"}),
    "confirm, submitted": (_submit("/confirm"), {"confirmation link"}),
    "reset, submitted": (_submit("/reset", password="battery staple"), {"reset link"}),
}


def find_accepted(index: Index, secrets: Secrets) -> dict[str, set[str]]:
    """Return the kinds of secrets that each endpoint accepts."""
    return {
        endpoint: {kind for kind, secret in secrets.items() if 200 <= offer(index, secret) < 300}
        for endpoint, (offer, _) in ENDPOINTS.items()
    }


@pytest.mark.exhaustive
def test_each_secret_is_accepted_at_its_own_endpoints_only(aws: None) -> None:
    index, secrets = create_stage()
    assert find_accepted(index, secrets) == {endpoint: kinds for endpoint, (_, kinds) in ENDPOINTS.items()}
    print(f"{len(secrets)} kinds of secrets at {len(ENDPOINTS)} endpoints")


@pytest.mark.exhaustive
@pytest.mark.parametrize("same_key", [False, True])
def test_secrets_of_one_index_are_rejected_by_another(aws: None, same_key: bool) -> None:
    """The other index has the same accounts and repositories. It has its own key, or the key of the first index."""
    index, secrets = create_stage()
    other, others = create_stage(signing_key=index.settings.key if same_key else "")
    del secrets["password"], others["password"]
    assert find_accepted(other, secrets) == {endpoint: set() for endpoint in ENDPOINTS}
    assert find_accepted(other, others) == {
        endpoint: kinds - {"password"} for endpoint, (_, kinds) in ENDPOINTS.items()
    }


@pytest.mark.exhaustive
def test_part_of_a_secret_is_rejected_in_the_form_of_another(aws: None) -> None:
    index, secrets = create_stage()
    links = {kind: secrets[kind] for kind in ("reset link", "confirmation link")}
    for kind in ("read token", "write token", "delete token"):
        signature, repository, access = secrets[kind].split(",")
        bare = signature.removeprefix("signature=")
        mac = bare.rpartition(".")[2]
        for link in links.values():
            purpose, hour, expiry, subject, link_mac = link.split(".")
            generation, nonce = bare.split(".")[3:5]
            for forged in (
                f"signature={link},{repository},{access}",
                f"signature=1.{hour}.{expiry}.{generation}.{nonce}.{link_mac},{repository},{access}",
                f"{signature},{repository},access=confirm",
            ):
                assert index.request("GET", WEB + "/images", f"Token {forged}").status == 401
            for forged in (
                bare,
                f"{purpose}.{hour}.{expiry}.{subject}.{mac}",
                f"reset.{hour}.{expiry}.{subject}.{mac}",
            ):
                for path in ("/confirm", "/reset"):
                    assert (
                        index.request(
                            "POST", path, body=urlencode({"link": forged, "password": "x" * 9}).encode()
                        ).status
                        == 410
                    )
        for forged in (f"wbr_ci_{mac}", f"wbr_{bare}", f"wbr_ci_{bare}"):
            assert index.request("GET", "/v1/users/", basic("alice", forged)).status == 401
    robot = secrets["robot token"]
    for forged in (robot, robot.removeprefix("wbr_ci_")):
        assert (
            index.request("GET", WEB + "/images", f'Token signature={forged},repository="alice/web",access=read').status
            == 401
        )
    for username in ("alice", "bobby", "ci", "alice/web"):
        index.tables.counters(f"account {username}").delete()
        for password in (robot.removeprefix("wbr_"), robot.upper(), f" {robot}", f"{robot} ", robot.replace("ci", "")):
            assert index.request("GET", "/v1/users/", basic(username, password)).status == 401
