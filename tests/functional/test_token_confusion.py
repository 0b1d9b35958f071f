"""Each secret that the index hands out opens what it is for and nothing else, and nothing of another stage's."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from msgspec.structs import replace

from chalicelib.settings import AccountActivation, Settings
from tests.functional.test_account_pages import HOST, forget_letters, link_in, post
from tests.index import PASSWORD, Index, basic

pytestmark = pytest.mark.exhaustive

WEB = "/v1/repositories/alice/web"
MAILING = Settings(
    account_activation=AccountActivation.EMAIL, email_sender="waybill@example.com", base_url=HOST, bcrypt_cost=4
)
Secrets = dict[str, str]


def stage(**changed: Any) -> tuple[Index, Secrets]:
    """An index where alice has a private repository, with one secret of each kind."""
    index = Index(replace(MAILING, **changed), captures_emails=True)
    alice = index.account("alice")
    secrets = {"write token": index.push("alice/web", alice, "a")}
    ours = "/v1/namespaces/alice/repositories/web"
    assert index.request("PUT", ours, alice, json={"private": True}).status == 204
    secrets["read token"] = index.request("GET", WEB + "/images", alice, token=True).token
    robot = index.request("PUT", "/v1/users/alice/robots/ci", alice, json={"access": "read"})
    secrets["robot's token"] = robot.json["token"]
    index.push("alice/gone", alice, "a")
    secrets["delete token"] = index.request("DELETE", "/v1/repositories/alice/gone", alice, token=True).token
    assert post(index, "/forgotten", email="alice@example.com").status == 200
    secrets["link to a new password"] = link_in(index, "/reset")
    forget_letters(index, "alice")
    assert index.request("PUT", "/v1/users/alice", alice, json={"email": "second@example.com"}).status == 204
    secrets["link to confirm"] = link_in(index, "/confirm")
    secrets["password"] = PASSWORD
    return index, secrets


def _status(method: str, path: str, json: object = None, scheme: str = "Token {}") -> Callable[[Index, str], int]:
    return lambda index, secret: index.request(method, path, scheme.format(secret), json=json).status


def _signed_in(method: str, path: str, json: object = None) -> Callable[[Index, str], int]:
    def offer(index: Index, secret: str) -> int:
        response = index.request(method, path, basic("alice", secret), json=json)
        assert response.status != 429, "delays would hide what is refused"
        for count in list(index.tables.counters.scan()):
            count.delete()
        return response.status

    return offer


def _posted(path: str, **more: str) -> Callable[[Index, str], int]:
    return lambda index, secret: index.request("POST", path, body=urlencode({"link": secret, **more}).encode()).status


def _followed(path: str) -> Callable[[Index, str], int]:
    return lambda index, secret: index.request("GET", f"{path}?{urlencode({'link': secret})}").status


PLACES: dict[str, tuple[Callable[[Index, str], int], set[str]]] = {
    "list, as a token": (_status("GET", WEB + "/images"), {"read token", "write token"}),
    "layer, as a token": (_status("GET", WEB + "/layer/a/access"), {"read token", "write token"}),
    "auth, as a token": (_status("PUT", WEB + "/auth"), {"read token", "write token"}),
    "update, as a token": (_status("PUT", WEB + "/images", [{"id": "b"}]), {"write token"}),
    "push, as a token": (_status("PUT", WEB, []), set()),
    "delete, as a token": (_status("DELETE", WEB), set()),
    "sign in, as a token": (_status("GET", "/v1/users/"), set()),
    "account, as a token": (_status("GET", "/v1/users/alice"), set()),
    "search, as a token": (_status("GET", "/v1/search?q=web"), set()),
    "the deleted list, as a token": (_status("GET", "/v1/repositories/alice/gone/images"), {"delete token"}),
    "the deleted auth, as a token": (_status("PUT", "/v1/repositories/alice/gone/auth"), {"delete token"}),
    "the deleted layer, as a token": (_status("GET", "/v1/repositories/alice/gone/layer/a/access"), set()),
    "list, as Bearer": (_status("GET", WEB + "/images", scheme="Bearer {}"), set()),
    "list, bare": (_status("GET", WEB + "/images", scheme="{}"), set()),
    "list, as Basic undecoded": (_status("GET", WEB + "/images", scheme="Basic {}"), set()),
    "sign in, as a password": (_signed_in("GET", "/v1/users/"), {"password", "robot's token"}),
    "list, as a password": (_signed_in("GET", WEB + "/images"), {"password", "robot's token"}),
    "push, as a password": (_signed_in("PUT", WEB, []), {"password"}),
    "update, as a password": (_signed_in("PUT", WEB + "/images", [{"id": "b"}]), {"password"}),
    "account, as a password": (_signed_in("GET", "/v1/users/alice"), {"password"}),
    "robots, as a password": (_signed_in("GET", "/v1/users/alice/robots"), {"password"}),
    "confirm, shown": (_followed("/confirm"), {"link to confirm"}),
    "reset, shown": (_followed("/reset"), {"link to a new password"}),
    "confirm, pressed": (_posted("/confirm"), {"link to confirm"}),
    "reset, pressed": (_posted("/reset", password="battery staple"), {"link to a new password"}),
}


def opened(index: Index, secrets: Secrets) -> dict[str, set[str]]:
    """Which of the secrets each place takes."""
    return {
        place: {kind for kind, secret in secrets.items() if 200 <= offer(index, secret) < 300}
        for place, (offer, _) in PLACES.items()
    }


def test_each_secret_opens_what_it_is_for_and_nothing_else(aws: None) -> None:
    index, secrets = stage()
    assert opened(index, secrets) == {place: kinds for place, (_, kinds) in PLACES.items()}
    print(f"{len(secrets)} kinds of secrets at {len(PLACES)} places")


@pytest.mark.parametrize("same_key", [False, True])
def test_what_one_stage_has_handed_out_opens_nothing_at_another(aws: None, same_key: bool) -> None:
    """The other has the same people, passwords, repositories and images. Its own key, too, or even the first one's."""
    index, secrets = stage()
    other, others = stage(signing_key=index.settings.key if same_key else "")
    del secrets["password"], others["password"]
    assert opened(other, secrets) == {place: set() for place in PLACES}
    assert opened(other, others) == {place: kinds - {"password"} for place, (_, kinds) in PLACES.items()}


def test_a_secret_in_another_s_clothes_opens_nothing(aws: None) -> None:
    """Cut out of what it came in, or put into what another comes in."""
    index, secrets = stage()
    links = {kind: secrets[kind] for kind in ("link to a new password", "link to confirm")}
    for kind in ("read token", "write token", "delete token"):
        signature, repository, access = secrets[kind].split(",")
        bare = signature.removeprefix("signature=")
        mac = bare.rpartition(".")[2]
        for link in links.values():
            purpose, epoch, expiry, subject, link_mac = link.split(".")
            generation, nonce = bare.split(".")[3:5]
            for forged in (
                f"signature={link},{repository},{access}",
                f"signature=1.{epoch}.{expiry}.{generation}.{nonce}.{link_mac},{repository},{access}",
                f"{signature},{repository},access=confirm",
            ):
                assert index.request("GET", WEB + "/images", f"Token {forged}").status == 401
            for forged in (
                bare,
                f"{purpose}.{epoch}.{expiry}.{subject}.{mac}",
                f"reset.{epoch}.{expiry}.{subject}.{mac}",
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
    robot = secrets["robot's token"]
    for forged in (robot, robot.removeprefix("wbr_ci_")):
        assert (
            index.request("GET", WEB + "/images", f'Token signature={forged},repository="alice/web",access=read').status
            == 401
        )
    for username in ("alice", "bobby", "ci", "alice/web"):
        index.tables.counters(f"account {username}").delete()
        for password in (robot.removeprefix("wbr_"), robot.upper(), f" {robot}", f"{robot} ", robot.replace("ci", "")):
            assert index.request("GET", "/v1/users/", basic(username, password)).status == 401
