"""Errors about the types of a body have one style, and name the allowed values."""

import msgspec
import pytest

from chalicelib.api.http import decode_body
from chalicelib.api.messages import Request
from chalicelib.api.namespaces import CollaboratorForm, RepositoryForm
from chalicelib.api.robots import RobotForm
from chalicelib.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        (CollaboratorForm, {"access": "owner"}, "access must be read, write or admin, not 'owner'"),
        (RobotForm, {"access": "admin"}, "access must be read or write, not 'admin'"),
        (RobotForm, {"access": "x" * 99}, f"access must be read or write, not '{'x' * 40}'"),
        (RobotForm, {"access": "it's"}, 'access must be read or write, not "it\'s"'),
        (RobotForm, {"access": 1}, "access must be a string, not a whole number"),
        (RobotForm, {}, "access is missing"),
        (RobotForm, {"access": "read", "repositories": "web"}, "repositories must be an array, not a string"),
        (RobotForm, {"access": "read", "repositories": [1]}, "repositories[0] must be a string, not a whole number"),
        (RobotForm, {"access": "read", "expires_in": 1.5}, "expires_in must be a whole number, not a number"),
        (RepositoryForm, {"private": "yes"}, "private must be true or false, not a string"),
        (RepositoryForm, {"description": None, "private": []}, "private must be true or false, not an array"),
        (RepositoryForm, [], "the body must be an object, not an array"),
        (RepositoryForm, "text", "the body must be an object, not a string"),
    ],
)
def test_error_names_the_field_and_what_is_allowed(kind: type, body: object, message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        decode_body(Request(method="PUT", body=msgspec.json.encode(body)), kind)
    assert raised.value.message == message
