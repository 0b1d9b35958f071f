"""One style for all errors about the types of a JSON body: `access must be read or write, not "owner"`."""

import re
from typing import Any, get_args

_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]+)`, got `(?P<given>[^`]+)`(?: - at `(?P<path>[^`]+)`)?")
_ENUM = re.compile(
    r"Invalid enum value (?P<quote>['\"]?)(?P<given>.*?)(?P=quote)(?: - at `(?P<path>[^`]+)`)?", re.DOTALL
)
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]+)`(?: - at `(?P<path>[^`]+)`)?")
_NAMES = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_MAX_SHOWN = 40  # characters of a wrong value


def describe_type_error(message: str, kind: Any) -> str:
    """Return the message for a ValidationError of msgspec. `kind` is the type of the body."""
    if match := _EXPECTED.fullmatch(message):
        wanted = " or ".join(_NAMES.get(name, name) for name in match["wanted"].split(" | ") if name != "null")
        return f"{_name_of(match['path'])} must be {wanted}, not {_NAMES.get(match['given'], match['given'])}"
    if match := _ENUM.fullmatch(message):
        field = (match["path"] or "").removeprefix("$.")
        allowed = [str(choice) for choice in get_args(getattr(kind, "__annotations__", {}).get(field))]
        choices = " or ".join(filter(None, [", ".join(allowed[:-1]), *allowed[-1:]])) or "one of the documented values"
        return f"{_name_of(match['path'])} must be {choices}, not {match['given'][:_MAX_SHOWN]!r}"
    if match := _MISSING.fullmatch(message):
        place = f" in {_name_of(match['path'])}" if match["path"] else ""
        return f"{match['field']} is missing{place}"
    return f"the body is invalid: {message}"


def _name_of(path: str | None) -> str:
    """Return the field for msgspec's path: `access` for `$.access`."""
    return "the body" if path in (None, "$") else str(path).removeprefix("$").removeprefix(".")
