"""Parsing of posted forms, and the check that a page of this index has sent them."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from chalicelib.api.errors import status_of
from chalicelib.api.messages import Request
from chalicelib.domain.errors import DomainError, InvalidInput, PermissionDenied, TooLarge

MAX_FORM_BYTES = 4096  # the longest link has about 1,100
_MAX_FORM_FIELDS = 16
_OWN_SITE = ("same-origin", "none")


def decode_form(request: Request, max_bytes: int = MAX_FORM_BYTES) -> dict[str, str]:
    """Return the fields of a posted form. The size is checked before it is parsed. Raises InvalidInput and TooLarge."""
    if len(request.body) > max_bytes:
        raise TooLarge(f"this form can have at most {max_bytes} bytes")
    try:
        fields = parse_qs(
            request.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FORM_FIELDS
        )
    except ValueError:  # includes UnicodeDecodeError
        raise InvalidInput(
            f"the form is invalid: it must be UTF-8 and have at most {_MAX_FORM_FIELDS} fields"
        ) from None
    if any(len(values) > 1 for values in fields.values()):
        raise InvalidInput("the form is invalid: it contains a field more than once")
    return {name: value.replace("\r\n", "\n") for name, (value,) in fields.items()}


def require_choice(fields: Mapping[str, str], name: str, choices: Sequence[tuple[str, str]]) -> str:
    """Return the field of a select element whose options are `choices`: values and labels. Raises InvalidInput."""
    value, allowed = fields.get(name, ""), [value for value, _ in choices]
    if value not in allowed:
        raise InvalidInput(f"{name} must be one of {', '.join(allowed)}")
    return value


def check_form_error(error: DomainError) -> DomainError:
    """Return an error that the form can show. Raise one that is not the fault of the request."""
    if status_of(error) >= 500:
        raise error
    return error


def require_own_origin(headers: Mapping[str, str], base_url: str) -> None:
    """Raise PermissionDenied unless a browser states that a page of this index has posted the form.

    Sec-Fetch-Site decides if the browser sends it. Older browsers send only Origin. A client that sends neither is
    rejected.

    Args:
        headers: the headers of the request.
        base_url: the URL of the index.
    """
    site, origin, host = headers.get("sec-fetch-site"), headers.get("origin", ""), headers.get("host", "")
    scheme = base_url.partition("://")[0]
    is_own = origin.lower() in (base_url.lower(), f"{scheme}://{host}".lower()) if site is None else site in _OWN_SITE
    if not is_own:
        raise PermissionDenied("a page of another site has sent this form; open the page of this index and try again")
