"""Validation of the items of an export, before they are written.

An item that the product cannot read would crash commands, searches or logins later. So each item is parsed with the
model of its table, and its values must follow the rules of `chalicelib/domain/identifiers.py`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from pynamodb.exceptions import AttributeDeserializationError
from pynamodb.models import Model

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.identifiers import (
    RepositoryName,
    check_description,
    check_long_description,
    check_namespace,
    check_organization,
    is_email,
    is_robot,
    is_username,
)
from chalicelib.domain.search_terms import TermRank
from chalicelib.security.passwords import MAX_BCRYPT_COST, is_acceptable_hash
from chalicelib.storage.collaborators import MEMBER_SUFFIX
from chalicelib.storage.image_lists import HEAD
from chalicelib.storage.segment_codec import CorruptSegmentError, unpack_into
from chalicelib.storage.tables import (
    CollaboratorItem,
    CounterItem,
    EmailItem,
    ImagesItem,
    RepositoryItem,
    RobotItem,
    TagItem,
    TermItem,
    UserItem,
)
from chalicelib.storage.tags import LONG_DESCRIPTION, NO_GENERATION

_WRONG_TYPE = (AttributeDeserializationError, ValueError, TypeError, KeyError)
_GENERATION = re.compile(r"[0-9a-f]{16}", re.ASCII)
_SEGMENT = re.compile(r"segment/[0-9a-f]{16}/[0-9a-f]{20}/[0-9a-f]{4,8}(?:\.[0-9a-f]{4})*", re.ASCII)
_TOKEN_HASH_BYTES = 32
_ROLES = ("read", "write", "admin")
_ROLE_KEYS = ("repository", "account", "organization")


def validate_item(table: str, item: Mapping[str, Any]) -> None:
    """Raise ValueError if an item of a table, in DynamoDB's JSON with bytes as bytes, cannot be used."""
    model, check = _TABLES[table]
    attributes = {attribute.attr_name: attribute for attribute in model.get_attributes().values()}
    for name in item:
        if name not in attributes:
            raise ValueError(f"an item of {table} cannot have the attribute {name!r}")
    for name, attribute in attributes.items():
        if name not in item and not attribute.null and attribute.default is None:
            raise ValueError(f"an item of {table} needs the attribute {name!r}")
    try:
        parsed = model.from_raw_data(dict(item))
    except _WRONG_TYPE as error:
        wrong = ", ".join(repr(name) for name in item if not _is_parseable(model, {name: item[name]}))
        raise ValueError(f"an item of {table} has a wrong type in {wrong}: {error}") from error
    try:
        check(parsed)
    except InvalidInput as error:
        raise ValueError(f"an item of {table} is invalid: {error.message}") from error


def _is_parseable(model: type[Model], item: dict[str, Any]) -> bool:
    try:
        model.from_raw_data(item)
    except _WRONG_TYPE:
        return False
    return True


def _require(condition: object, problem: str) -> None:
    if not condition:
        raise ValueError(problem)


def _check_user(item: UserItem) -> None:
    if item.tombstone:
        check_namespace(item.username)
        return
    _require(item.created is not None, f"the account {item.username} needs the attribute 'created'")
    if item.organization:
        check_organization(item.username)
        _require(item.password_hash is None, f"the organisation {item.username} cannot have a password")
        _require((item.administrators or 0) > 0, f"the organisation {item.username} needs an administrator")
        return
    _require(is_username(item.username), f"{item.username!r} is not a username")
    _require(
        item.password_hash is not None and is_acceptable_hash(item.password_hash),
        f"the password hash of {item.username} must be a bcrypt hash with a cost of at most {MAX_BCRYPT_COST}",
    )
    for email in item.emails or ():
        _require(is_email(email), f"{email!r} is not an email address")


def _check_email(item: EmailItem) -> None:
    _require(is_email(item.address), f"{item.address!r} is not an email address")
    _require(is_username(item.username), f"{item.username!r} is not a username")


def _check_counter(item: CounterItem) -> None:
    _require(int(item.expires) >= 0, "a counter must expire after 1970")


def _check_robot(item: RobotItem) -> None:
    check_namespace(item.username)
    _require(is_robot(item.name), f"{item.name!r} is not the name of a robot")
    _require(len(item.token_hash) == _TOKEN_HASH_BYTES, f"the token hash of {item.name} must have 32 bytes")
    _require(item.role in _ROLES[:2], f"the role of a robot must be read or write, not {item.role!r}")
    for name in item.repositories or ():
        _parse_name(name)


def _check_repository(item: RepositoryItem) -> None:
    RepositoryName.of(item.namespace, item.name)
    check_description(item.description or "")
    _require(_GENERATION.fullmatch(item.generation), f"the generation of {item.name} must have 16 hexadecimal digits")


def _check_collaborator(item: CollaboratorItem) -> None:
    kind, _, name = item.of.partition(" ")
    _require(kind in _ROLE_KEYS, f"the key {item.of!r} must start with one of {', '.join(_ROLE_KEYS)}")
    if kind == "organization" or item.entry.endswith(MEMBER_SUFFIX):
        check_organization(name if kind == "organization" else item.entry.removesuffix(MEMBER_SUFFIX))
    else:
        _parse_name(name if kind == "repository" else item.entry)
        _require(item.generation, f"the item {item.of!r}, {item.entry!r} needs the attribute 'generation'")
    username = name if kind == "account" else item.entry
    _require(is_username(username), f"{username!r} is not a username")
    _require(item.role in _ROLES, f"the role must be read, write or admin, not {item.role!r}")


def _check_images(item: ImagesItem) -> None:
    _parse_name(item.repository)
    if item.segment == HEAD:
        _require(_GENERATION.fullmatch(item.generation or ""), "the generation must have 16 hexadecimal digits")
        return
    _require(_SEGMENT.fullmatch(item.segment), f"{item.segment!r} is not the key of a segment")
    try:
        unpack_into({}, item.packed or b"")
    except CorruptSegmentError as error:
        raise ValueError(f"the image list of {item.repository} is damaged: {error}") from error


def _check_term(item: TermItem) -> None:
    _require(item.entry.count(" ") == 2, f"{item.entry!r} is not the key of a search term")
    _parse_name(item.entry.rpartition(" ")[2])
    _require(int(item.rank) in tuple(TermRank), f"the rank must be one of {', '.join(map(str, map(int, TermRank)))}")
    check_description(item.description or "")


def _check_tag(item: TagItem) -> None:
    _parse_name(item.repository)
    if item.tag == LONG_DESCRIPTION:
        check_long_description(item.text or "")
    is_early_deletion = bool(item.deleted) and item.generation == NO_GENERATION
    _require(
        is_early_deletion or _GENERATION.fullmatch(item.generation), "the generation must have 16 hexadecimal digits"
    )


def _parse_name(text: str) -> RepositoryName:
    _require("/" in text, f"{text!r} is not the full name of a repository")
    return RepositoryName.parse(text)


_TABLES: dict[str, tuple[type[Model], Callable[[Any], None]]] = {
    "users": (UserItem, _check_user),
    "emails": (EmailItem, _check_email),
    "counters": (CounterItem, _check_counter),
    "robots": (RobotItem, _check_robot),
    "repositories": (RepositoryItem, _check_repository),
    "collaborators": (CollaboratorItem, _check_collaborator),
    "images": (ImagesItem, _check_images),
    "terms": (TermItem, _check_term),
    "tags": (TagItem, _check_tag),
}
