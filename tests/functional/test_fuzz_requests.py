"""Random events of API Gateway get only responses that docs/reference/openapi.yaml documents, or pages, and no 500.

Texts can be encoded as UTF-8, and lists are not empty, because API Gateway sends no others.
"""

import base64
import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any
from unittest.mock import Mock
from urllib.parse import urlencode

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chalicelib.aws import Clients
from chalicelib.bootstrap import Services
from chalicelib.domain.image_list import parse_image_entries
from chalicelib.settings import Settings
from tests.index import Index, Response, basic
from tests.lambda_events import send
from tests.openapi import DOCUMENT, operations, resolved
from tests.pages import Page

INPUTS, SOAK_INPUTS = 1_000, 10_000
ROUTES = [(route.method, route.path) for route in Services(Settings(), Clients(Mock(), Mock())).routes]
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
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=8,
)
VALID_NAMES = {
    "namespace": "alice",
    "repository": "web",
    "username": "alice",
    "robot": "ci",
    "image": "a" * 64,
    "blocked": "bobby",
    "organization": "ops",
}
CREDENTIAL = st.sampled_from(["anonymous", "alice", "admin", "robot", "read", "write", "delete"])
HEADER = st.sampled_from(["x-docker-token", "content-type", "accept", "content-encoding", "host", "x-forwarded-for"])
MOSTLY = st.sampled_from([True, True, True, False])
REQUEST = st.fixed_dictionaries(
    {
        "route": st.sampled_from(ROUTES),
        "valid": st.fixed_dictionaries(dict.fromkeys(("names", "authorization", "body"), MOSTLY)),
        "names": st.fixed_dictionaries(dict.fromkeys(VALID_NAMES, NAME.filter(bool))),  # an empty name is another path
        "query": st.dictionaries(
            st.sampled_from(["q", "n", "page", "after", "link"]) | TEXT,
            st.lists(TEXT | st.just("7"), min_size=1, max_size=2),
            max_size=3,
        ),
        "headers": st.dictionaries(HEADER | TEXT.map(str.lower), TEXT | st.just("true"), max_size=4),
        "credential": CREDENTIAL,
        "authorization": st.builds("{} {}".format, st.sampled_from(["Basic", "Token", "Bearer", ""]), TEXT)
        | st.binary(max_size=30).map(lambda raw: "Basic " + base64.b64encode(raw).decode()),
        "images": st.lists(IMAGE, max_size=4),
        "form": FORM,
        "body": JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60),
    }
)


@pytest.mark.parametrize(
    "inputs",
    [pytest.param(INPUTS, marks=pytest.mark.exhaustive), pytest.param(SOAK_INPUTS, marks=pytest.mark.soak)],
)
def test_every_request_gets_a_documented_response(index: Index, inputs: int) -> None:
    print(_fuzz(index, inputs))


def test_undocumented_response_is_detected(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted fault needs a valid login, a valid name, and a list with an image."""

    def fail_if_not_empty(entries: Any) -> dict[str, str]:
        images = parse_image_entries(entries)
        return {**images, str(1 / 0): ""} if images else images

    monkeypatch.setattr("chalicelib.api.repositories.parse_image_entries", fail_if_not_empty)
    with pytest.raises(AssertionError, match="status=500"):
        _fuzz(index, INPUTS)


def _fuzz(index: Index, inputs: int) -> str:
    """Send `inputs` requests. Return how many there were, and the number of responses with each status."""
    statuses: Counter[int] = Counter()
    example = ExampleData(index)

    @settings(max_examples=inputs, derandomize=True, database=None, phases=[Phase.generate])
    @given(REQUEST)
    def run(request: dict[str, Any]) -> None:
        method, path = request["route"]
        valid = request["valid"]
        names = VALID_NAMES if valid["names"] else request["names"]
        authorization = (
            example.authorizations[request["credential"]] if valid["authorization"] else request["authorization"]
        )
        if not valid["body"]:
            body = request["body"]
        elif path.startswith("/v1/repositories"):
            body = json.dumps(request["images"]).encode()
        elif path.startswith("/v1"):
            body = json.dumps(request["form"]).encode()
        else:
            body = urlencode(request["form"]).encode()
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
            example.restore()

    run()
    counts = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
    return f"{sum(statuses.values())} requests on {len(ROUTES)} routes: {counts}"


class ExampleData:
    """Accounts, a robot and a repository, and their Authorization headers."""

    def __init__(self, index: Index) -> None:
        self._index = index
        alice, admin = index.create_account("alice"), index.create_account("admin", admin=True)
        index.create_account("bobby")
        self.authorizations = {"anonymous": "", "alice": alice, "admin": admin}
        self._accounts = [*index.tables.users.scan()]
        self.restore()

    def restore(self) -> None:
        """Restore the data after a change, and reset the counters of failed logins.

        Otherwise the requests soon delete all accounts, and delays become the only response.
        """
        tables, alice = self._index.tables, self.authorizations["alice"]
        for table in (tables.counters, tables.robots):
            for item in [*table.scan()]:
                item.delete()
        for account in self._accounts:
            account.save()
        write = self._index.push("alice/web", alice, "a" * 64)
        read = self._index.request("GET", "/v1/repositories/alice/web/images", alice, token=True).token
        robot = self._index.request("PUT", "/v1/users/alice/robots/ci", alice, json={"access": "write"})
        self._index.push("alice/deleted", alice, "b")
        delete = self._index.request("DELETE", "/v1/repositories/alice/deleted", alice, token=True).token
        tokens = {"read": f"Token {read}", "write": f"Token {write}", "delete": f"Token {delete}"}
        self.authorizations |= {"robot": basic("alice", robot.json["token"]), **tokens}


def assert_documented(method: str, path: str, response: Response) -> None:
    """Check the status, the headers and the body against the document, or that the response is a valid page."""
    if response.status == 404 and b"no endpoint has this path" in response.body:
        return  # a name with a slash makes another path, and without REGISTRIES some paths do not exist
    if not path.startswith(("/v", "/token", "/registries")):
        assert response.status in (200, 303, 400, 401, 403, 404, 410, 413, 429), response
        if response.status == 303:
            assert response.headers["location"].startswith("/")
            return
        if "html" in response.headers["content-type"]:  # /openapi.yaml is not a page
            Page(response)
        return
    responses = _find_responses(method, re.sub(r"\{\w+\}", "{}", path))
    assert str(response.status) in responses, response
    described = responses[str(response.status)]
    headers = described.get("headers", {}).items()
    required = {name.lower() for name, header in headers if resolved(header).get("required")}
    assert required <= set(response.headers), response
    if "content" not in described:
        assert response.body == b"", response
        return
    assert response.headers["content-type"] == "application/json"
    _create_validator(method, path, response.status).validate(response.json)


@cache
def _find_responses(method: str, bare_path: str) -> dict[str, Mapping[str, Any]]:
    """Return the responses of an operation by status. The path has `{}` in place of each variable."""
    for described_method, described_path, operation in operations():
        if (described_method, re.sub(r"\{\w+\}", "{}", described_path)) == (method, bare_path):
            return {status: resolved(response) for status, response in operation["responses"].items()}
    raise AssertionError(f"docs/reference/openapi.yaml does not contain {method} {bare_path}")


@cache
def _create_validator(method: str, path: str, status: int) -> Draft202012Validator:
    described = _find_responses(method, re.sub(r"\{\w+\}", "{}", path))[str(status)]
    schema = resolved(described["content"]["application/json"]["schema"])
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})
