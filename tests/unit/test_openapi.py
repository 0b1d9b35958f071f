"""docs/reference/openapi.yaml is valid, and says what the code does."""

import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from chalicelib.accounts.robots import MAX_ROBOT_LIFETIME, MAX_ROBOT_REPOSITORIES, MAX_ROBOTS
from chalicelib.api.system import REGISTRY_VERSION
from chalicelib.aws import Clients
from chalicelib.domain import errors, identifiers
from chalicelib.domain.errors import DomainError
from chalicelib.domain.image_list import MAX_IMAGES
from chalicelib.repositories.collaborators import MAX_COLLABORATORS
from chalicelib.repositories.search import MAX_QUERY_LENGTH, MAX_RESULTS_PER_PAGE, RESULTS_PER_PAGE
from chalicelib.repositories.service import MAX_LISTED
from chalicelib.settings import Settings
from tests.openapi import DOCUMENT, operations, resolved

SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
CALLS = [pytest.param(method, path, found, id=f"{method} {path}") for method, path, found in operations()]
PAGES_ONLY = errors.LinkExpired
REFUSALS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, DomainError)
    and not issubclass(kind, PAGES_ONLY)
    and kind.status != 500
]


def test_it_is_openapi() -> None:
    validate(DOCUMENT)


def test_it_has_every_route_and_no_other() -> None:
    """Variables may be called otherwise: API Gateway allows one name at each level, whatever the variable holds."""

    def bare(path: str) -> str:
        return re.sub(r"\{\w+\}", "{}", path)

    routes = compose(Settings(), Clients(object(), object()))
    served = {(route.method, bare(route.path)) for route in routes if re.match(r"/v[12](/|$)", route.path)}
    assert {(method, bare(path)) for method, path, _ in operations()} == served


def test_it_is_this_version() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert DOCUMENT["info"]["version"] == project["version"]


@pytest.mark.parametrize(
    ("schema", "pattern"),
    [
        ("Username", identifiers._USERNAME.pattern),
        ("Namespace", identifiers._NAMESPACE.pattern),
        ("RepositoryName", identifiers._REPOSITORY.pattern),
        ("FullRepositoryName", f"(?:{identifiers._NAMESPACE.pattern}/)?{identifiers._REPOSITORY.pattern}"),
        ("RobotName", identifiers._ROBOT.pattern),
        ("ImageId", identifiers._IMAGE_ID.pattern),
        ("Checksum", identifiers._CHECKSUM.pattern),
        ("Email", identifiers._EMAIL.pattern),
    ],
)
def test_its_patterns_are_the_codes(schema: str, pattern: str) -> None:
    assert SCHEMAS[schema]["pattern"] == f"^{pattern}$"


def test_its_limits_are_the_codes() -> None:
    words = sorted(identifiers._PATH_WORDS)
    assert SCHEMAS["RepositoryName"]["not"]["enum"] == words
    assert SCHEMAS["FullRepositoryName"]["not"]["pattern"] == f"^(?:.*/)?(?:{'|'.join(words)})$"
    password = SCHEMAS["Password"]
    assert (password["minLength"], password["maxLength"]) == (
        identifiers.MIN_PASSWORD_LENGTH,
        identifiers.MAX_PASSWORD_BYTES,
    )
    assert password["pattern"] == f"^(?!{identifiers.ROBOT_TOKEN_PREFIX})"
    assert SCHEMAS["Email"]["maxLength"] == identifiers.MAX_EMAIL_LENGTH
    assert SCHEMAS["Description"]["maxLength"] == identifiers.MAX_DESCRIPTION_LENGTH
    assert SCHEMAS["SearchPage"]["properties"]["page_size"]["maximum"] == MAX_RESULTS_PER_PAGE

    found = {(method, path): operation for method, path, operation in operations()}
    query, size, _ = (parameter["schema"] for parameter in found["GET", "/v1/search"]["parameters"])
    assert (query["maxLength"], size["default"]) == (MAX_QUERY_LENGTH, RESULTS_PER_PAGE)
    below = "/v1/namespaces/{namespace}/repositories"
    for path, at_most in (
        (below, MAX_LISTED),
        (below + "/{repository}/collaborators", MAX_COLLABORATORS),
    ):
        assert _json(found["GET", path]["responses"]["200"])["maxItems"] == at_most
    assert (
        f"{MAX_COLLABORATORS} at most" in found["PUT", below + "/{repository}/collaborators/{username}"]["description"]
    )
    robot = found["PUT", "/v1/users/{username}/robots/{robot}"]
    form = _json(robot["requestBody"])["properties"]
    assert f"{MAX_ROBOTS} at most" in robot["description"]
    assert f"at most {MAX_ROBOT_REPOSITORIES};" in form["repositories"]["description"]
    assert form["expires_in"]["maximum"] == MAX_ROBOT_LIFETIME
    assert f"at most {MAX_IMAGES:,} images" in DOCUMENT["components"]["requestBodies"]["Images"]["description"]
    version = found["GET", "/v1/_ping"]["responses"]["200"]["headers"]["X-Docker-Registry-Version"]
    assert version["schema"]["examples"] == [REGISTRY_VERSION]


def test_it_has_each_refusal_with_its_status_body_and_headers() -> None:
    described = [
        (int(status), resolved(response))
        for _, _, found in operations()
        for status, response in found["responses"].items()
    ]
    assert {status for status, _ in described if status >= 400} == {kind.status for kind in REFUSALS}
    for kind in REFUSALS:
        error = _made(kind)
        body = error.message if error.quoted else {"error": error.message}
        replies = [response for status, response in described if status == error.status]
        fitting = [response for response in replies if _validator(_json(response)).is_valid(body)]
        assert fitting, kind
        for response in fitting:
            headers = {name: header["schema"] for name, header in response.get("headers", {}).items()}
            assert headers.keys() == error.response_headers().keys(), kind
            for name, value in error.response_headers().items():
                _validator(headers[name]).validate(value)


@pytest.mark.parametrize(("method", "path", "found"), CALLS)
def test_each_call_has_the_refusals_that_its_kind_can_meet(method: str, path: str, found: Mapping[str, Any]) -> None:
    told = set(found["responses"])
    takes = found.get("security", DOCUMENT["security"])
    if not path.startswith(("/v1/_ping", "/v2")):
        assert "503" in told, "it asks the store"
    if "requestBody" in found:
        assert {"400", "413"} <= told, "its body may be broken, or too large"
    if {"basic": []} in takes:
        assert {"401", "403", "429"} <= told, "credentials may be wrong, an account's that is not active, or guessed"
    if re.search(r"\{(namespace|repository|robot|image)\}", path):
        assert "400" in told, "a name may be none"


def test_its_examples_are_what_it_says() -> None:
    examined = list(_examples(DOCUMENT))
    assert len(examined) > 20
    for schema, example in examined:
        _validator(schema).validate(example)


def _made(kind: type[DomainError]) -> DomainError:
    given = {"message": "a reason", "wait": 2.5}
    return kind(**{name: given[name] for name in inspect.signature(kind).parameters})  # type: ignore[arg-type]


def _json(body: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = resolved(body)["content"]["application/json"]["schema"]
    return resolved(schema)


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def _examples(node: Any) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Every example in the document with the schema that it is of."""
    if isinstance(node, list):
        for item in node:
            yield from _examples(item)
    if not isinstance(node, dict):
        return
    examples = node.get("examples", [])
    if isinstance(examples, list):
        yield from ((node, example) for example in examples)
    elif "schema" in node:
        yield from ((node["schema"], example["value"]) for example in examples.values())
    if "example" in node:
        yield (node["schema"], node["example"])
    for key, value in node.items():
        if key not in ("example", "examples"):
            yield from _examples(value)
