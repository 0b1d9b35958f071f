"""Anything at all as an event of API Gateway's: each reply is one that docs/reference/openapi.yaml has, or a page; none a 500.

Text is what UTF-8 can carry and lists have something in them, for API Gateway sends no others.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chalicelib.aws import Clients
from chalicelib.settings import Settings
from tests.index import Index, Response, basic
from tests.lambda_events import send
from tests.openapi import DOCUMENT, operations, resolved
from tests.pages import Page

INPUTS, INPUTS_OF_SOAK = 1_000, 10_000
ROUTES = [(route.method, route.path) for route in compose(Settings(), Clients(object(), object()))]
TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
NAME = st.sampled_from(["alice", "web", "library", "bobby", "a" * 64, "ci", "images", ".."]) | TEXT
IMAGE_ID = st.sampled_from(["a" * 64, "b", "c0ffee", "B"])
CHECKSUM = st.sampled_from(["sha256:" + "a" * 64, "0ff", "x y"]) | st.none()
IMAGE = st.fixed_dictionaries({"id": IMAGE_ID}, optional={"checksum": CHECKSUM, "Tag": TEXT})
FORM = st.fixed_dictionaries(
    {},
    optional={
        "username": NAME,
        "password": st.just("correct horse") | TEXT,
        "email": st.sampled_from(["a@example.com", "alice@example.com"]) | TEXT,
        "active": st.booleans() | TEXT,
        "admin": st.booleans(),
        "access": st.sampled_from(["read", "write", "admin"]) | TEXT,
        "repositories": st.lists(NAME | st.just("alice/web"), max_size=3) | st.none(),
        "expires_in": st.integers() | st.floats() | st.none(),
        "description": TEXT | st.none(),
        "private": st.booleans() | st.none(),
    },
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
OWN = {"namespace": "alice", "repository": "web", "username": "alice", "robot": "ci", "image": "a" * 64}
WHO = st.sampled_from(["nobody", "alice", "admin", "robot", "read", "write", "delete"])
HEADER = st.sampled_from(["x-docker-token", "content-type", "accept", "content-encoding", "host", "x-forwarded-for"])
MOSTLY = st.sampled_from([True, True, True, False])
REQUEST = st.fixed_dictionaries(
    {
        "route": st.sampled_from(ROUTES),
        "fitting": st.fixed_dictionaries(dict.fromkeys(("names", "authorization", "body"), MOSTLY)),
        "names": st.fixed_dictionaries(dict.fromkeys(OWN, NAME)),
        "query": st.dictionaries(
            st.sampled_from(["q", "n", "page", "after", "link"]) | TEXT,
            st.lists(TEXT | st.just("7"), min_size=1, max_size=2),
            max_size=3,
        ),
        "headers": st.dictionaries(HEADER | TEXT.map(str.lower), TEXT | st.just("true"), max_size=4),
        "who": WHO,
        "authorization": st.builds("{} {}".format, st.sampled_from(["Basic", "Token", "Bearer", ""]), TEXT)
        | st.binary(max_size=30).map(lambda raw: "Basic " + base64.b64encode(raw).decode()),
        "images": st.lists(IMAGE, max_size=4),
        "form": FORM,
        "body": ANYTHING.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60),
    }
)


@pytest.mark.parametrize(
    "inputs",
    [pytest.param(INPUTS, marks=pytest.mark.exhaustive), pytest.param(INPUTS_OF_SOAK, marks=pytest.mark.soak)],
)
def test_whatever_comes_gets_a_reply_that_is_documented(index: Index, inputs: int) -> None:
    print(_fuzzed(index, inputs))


def test_a_reply_that_is_not_documented_would_be_seen(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault behind a sign-in, a name, and a list with an image in it: so far in the fuzzer has to get by itself."""

    def broken(entries: Any) -> dict[str, str]:
        found = parse_image_entries(entries)
        return {**found, str(1 / 0): ""} if found else found

    monkeypatch.setattr("chalicelib.api.repositories.checked", broken)
    with pytest.raises(AssertionError, match="status=500"):
        _fuzzed(index, INPUTS)


def _fuzzed(index: Index, inputs: int) -> str:
    """Sends so many requests; says how many, and what came back."""
    statuses: Counter[int] = Counter()
    people = People(index)

    @settings(max_examples=inputs, derandomize=True, database=None, phases=[Phase.generate])
    @given(REQUEST)
    def run(request: dict[str, Any]) -> None:
        method, path = request["route"]
        fitting = request["fitting"]
        names = OWN if fitting["names"] else request["names"]
        authorization = people.authorizations[request["who"]] if fitting["authorization"] else request["authorization"]
        if not fitting["body"]:
            body = request["body"]
        elif path.startswith("/v1/repositories"):
            body = json.dumps(request["images"]).encode()
        else:
            body = (
                json.dumps(request["form"]).encode() if path.startswith("/v1") else urlencode(request["form"]).encode()
            )
        response = send(
            index,
            method,
            path,
            parameters={name: names[name] for name in re.findall(r"\{(\w+)\}", path)},
            query=request["query"],
            headers={**request["headers"], **({"authorization": authorization} if authorization else {})},
            body=body,
        )
        statuses[response.status] += 1
        assert_documented(method, path, response)
        if response.status == 429 or (method in ("PUT", "DELETE") and response.status < 300):
            people.restore()

    run()
    told = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return f"{sum(statuses.values())} requests on {len(ROUTES)} routes: {told}"


class People:
    """Who asks, and the headers that they ask with. A fuzzer soon has everybody removed, and nothing left to find."""

    def __init__(self, index: Index) -> None:
        self._index = index
        alice, admin = index.account("alice"), index.account("admin", admin=True)
        index.account("bobby")
        self.authorizations = {"nobody": "", "alice": alice, "admin": admin}
        self._accounts = [*index.tables.users.scan()]
        self.restore()

    def restore(self) -> None:
        """Puts accounts, robot and repository back, and forgets wrong passwords: delays would answer all else."""
        tables, alice = self._index.tables, self.authorizations["alice"]
        for table in (tables.counters, tables.robots):
            for item in [*table.scan()]:
                item.delete()
        for account in self._accounts:
            account.save()
        write = self._index.push("alice/web", alice, "a" * 64)
        read = self._index.request("GET", "/v1/repositories/alice/web/images", alice, token=True).token
        robot = self._index.request("PUT", "/v1/users/alice/robots/ci", alice, json={"access": "write"})
        self._index.push("alice/gone", alice, "b")
        delete = self._index.request("DELETE", "/v1/repositories/alice/gone", alice, token=True).token
        tokens = {"read": f"Token {read}", "write": f"Token {write}", "delete": f"Token {delete}"}
        self.authorizations |= {"robot": basic("alice", robot.json["token"]), **tokens}


def assert_documented(method: str, path: str, response: Response) -> None:
    """The status, the content type, the headers and the body are the call's; of a page, that it is one."""
    if not path.startswith("/v"):
        assert response.status in (200, 400, 404, 410, 413), response
        Page(response)
        return
    replies = _described(method, re.sub(r"\{\w+\}", "{}", path))
    assert str(response.status) in replies, response
    described = replies[str(response.status)]
    wanted = {name.lower() for name, header in described.get("headers", {}).items() if resolved(header).get("required")}
    assert wanted <= set(response.headers), response
    if "content" not in described:
        assert response.body == b"", response
        return
    assert response.headers["content-type"] == "application/json"
    _validator(method, path, response.status).validate(response.json)


@cache
def _described(method: str, bare_path: str) -> dict[str, Mapping[str, Any]]:
    """By status, the replies of a call whose variables have lost their names."""
    for found_method, found_path, found in operations():
        if (found_method, re.sub(r"\{\w+\}", "{}", found_path)) == (method, bare_path):
            return {status: resolved(response) for status, response in found["responses"].items()}
    raise AssertionError(f"docs/reference/openapi.yaml has no {method} {bare_path}")


@cache
def _validator(method: str, path: str, status: int) -> Draft202012Validator:
    described = _described(method, re.sub(r"\{\w+\}", "{}", path))[str(status)]
    schema = resolved(described["content"]["application/json"]["schema"])
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})
