"""docs/reference/openapi.yaml is valid and agrees with the code."""

import inspect
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from chalicelib.accounts.robots import MAX_ROBOT_LIFETIME, MAX_ROBOT_REPOSITORIES
from chalicelib.accounts.service import MAX_BLOCKED
from chalicelib.api.errors import MethodNotAllowed, headers_of, render_error, status_of
from chalicelib.api.registries import MAX_CATALOG
from chalicelib.api.system import REGISTRY_VERSION
from chalicelib.bootstrap import Services
from chalicelib.domain import errors, identifiers
from chalicelib.domain.errors import DomainError, LinkExpired
from chalicelib.domain.image_list import MAX_IMAGES
from chalicelib.domain.scopes import MAX_SCOPES
from chalicelib.repositories.collaborators import MAX_COLLABORATORS
from chalicelib.repositories.search import MAX_QUERY_LENGTH, MAX_RESULTS_PER_PAGE, RESULTS_PER_PAGE
from chalicelib.repositories.service import MAX_LISTED
from chalicelib.repositories.tags import MAX_LISTED_TAGS
from chalicelib.settings import Settings
from infra.admin import api_reference
from tests.openapi import DOCUMENT, operations, resolved

SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS = [pytest.param(method, path, found, id=f"{method} {path}") for method, path, found in operations()]
ERRORS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, DomainError)
    and kind is not DomainError
    and not issubclass(kind, LinkExpired)  # only pages use it
]


def test_document_is_valid_openapi() -> None:
    validate(DOCUMENT)


def test_document_describes_exactly_the_routes_of_the_api(aws: None) -> None:
    """The names of path variables may differ: API Gateway allows one name for each level of a path."""

    def without_names(path: str) -> str:
        return re.sub(r"\{\w+\}", "{}", path)

    routes = Services(Settings()).routes
    served = {
        (route.method, without_names(route.path))
        for route in routes
        if re.match(r"/(v[12]|token|registries)(/|$)", route.path)
    }
    assert {(method, without_names(path)) for method, path, _ in operations()} == served


def test_operations_have_unique_ids() -> None:
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))


def test_files_of_the_api_reference_are_up_to_date() -> None:
    """`make docs` writes them."""
    assert api_reference.COPY.read_text() == api_reference.SOURCE.read_text()
    assert api_reference.PAGE.read_text() == api_reference.render_reference(DOCUMENT)


def test_document_has_the_version_of_the_project() -> None:
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
def test_patterns_are_those_of_the_code(schema: str, pattern: str) -> None:
    assert SCHEMAS[schema]["pattern"] == f"^{pattern}$"


def test_limits_are_those_of_the_code() -> None:
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
    assert SCHEMAS["LongDescription"]["maxLength"] == identifiers.MAX_LONG_DESCRIPTION_BYTES
    assert SCHEMAS["SearchPage"]["properties"]["page_size"]["maximum"] == MAX_RESULTS_PER_PAGE

    described = {(method, path): operation for method, path, operation in operations()}
    query, size, _ = (parameter["schema"] for parameter in described["GET", "/v1/search"]["parameters"])
    assert (query["maxLength"], size["default"]) == (MAX_QUERY_LENGTH, RESULTS_PER_PAGE)
    repositories = "/v1/namespaces/{namespace}/repositories"
    collaborators = repositories + "/{repository}/collaborators"
    for path, limit in (
        (repositories, MAX_LISTED),
        (collaborators, MAX_COLLABORATORS),
        (repositories + "/{repository}/tags", MAX_LISTED_TAGS),
        ("/v1/users/{username}/blocked", MAX_BLOCKED),
    ):
        assert _json_schema(described["GET", path]["responses"]["200"])["maxItems"] == limit
    assert f"at most {MAX_COLLABORATORS} " in described["PUT", collaborators + "/{username}"]["description"]
    assert f"at most {MAX_BLOCKED} " in described["PUT", "/v1/users/{username}/blocked/{blocked}"]["description"]
    catalog = _json_schema(described["GET", "/v2/_catalog"]["responses"]["200"])
    assert catalog["properties"]["repositories"]["maxItems"] == MAX_CATALOG
    assert described["GET", "/token"]["parameters"][1]["schema"]["maxItems"] == MAX_SCOPES
    robot = described["PUT", "/v1/users/{username}/robots/{robot}"]
    form = _json_schema(robot["requestBody"])["properties"]
    assert f"at most {Settings().max_robots} " in robot["description"]
    assert f"at most {MAX_ROBOT_REPOSITORIES}." in form["repositories"]["description"]
    assert form["expires_in"]["maximum"] == MAX_ROBOT_LIFETIME
    assert f"at most {MAX_IMAGES:,} images" in DOCUMENT["components"]["requestBodies"]["Images"]["description"]
    version = described["GET", "/v1/_ping"]["responses"]["200"]["headers"]["X-Docker-Registry-Version"]
    assert version["schema"]["examples"] == [REGISTRY_VERSION]


def test_document_has_every_error_with_its_status_body_and_headers() -> None:
    described = [
        (int(status), resolved(response))
        for _, _, found in operations()
        for status, response in found["responses"].items()
    ]
    made = [*(_make_error(kind) for kind in ERRORS), MethodNotAllowed(["GET", "PUT"])]
    assert {status for status, _ in described if status >= 400} == {status_of(error) for error in made}
    for error in made:
        body = json.loads(render_error(error).body)
        responses = [response for status, response in described if status == status_of(error)]
        fitting = [response for response in responses if _validator(_json_schema(response)).is_valid(body)]
        assert fitting, error
        for response in fitting:
            headers = {name: header["schema"] for name, header in response.get("headers", {}).items()}
            assert headers.keys() == headers_of(error).keys(), error
            for name, value in headers_of(error).items():
                _validator(headers[name]).validate(value)


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_each_operation_has_the_errors_that_it_can_return(method: str, path: str, operation: Mapping[str, Any]) -> None:
    statuses = set(operation["responses"])
    security = operation.get("security", DOCUMENT["security"])
    if path != "/v1/_ping":
        assert "503" in statuses, "it uses the storage"
    if "requestBody" in operation and path != "/registries/events":  # registries repeat what is not accepted
        assert {"400", "413"} <= statuses, "its body can be malformed or too large"
    if {"basic": []} in security:
        assert {"401", "403", "429"} <= statuses, "credentials can be wrong, inactive or guessed too often"
    if re.search(r"\{(namespace|repository|robot|image)\}", path):
        assert "400" in statuses, "a name in the path can be invalid"


def test_examples_match_their_schemas() -> None:
    examples = list(_find_examples(DOCUMENT))
    assert len(examples) > 20
    for schema, example in examples:
        _validator(schema).validate(example)


def _make_error(kind: type[DomainError]) -> DomainError:
    values = {"message": "a reason", "wait": 2.5}
    return kind(**{name: values[name] for name in inspect.signature(kind).parameters})  # type: ignore[arg-type]


def _json_schema(body: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = resolved(body)["content"]["application/json"]["schema"]
    return resolved(schema)


def _validator(schema: Mapping[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def _find_examples(node: Any) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Yield every example in the document with its schema."""
    if isinstance(node, list):
        for item in node:
            yield from _find_examples(item)
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
            yield from _find_examples(value)
