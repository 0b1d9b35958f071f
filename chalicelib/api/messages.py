"""Requests and responses, independent of the web framework."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct, field

from chalicelib.domain.identifiers import LIBRARY, RepositoryName

JSON = "application/json"


class Request(Struct, frozen=True, kw_only=True):
    """A request. `repr` omits the query, the headers and the body, because they can contain secrets.

    Attributes:
        method: GET, HEAD, PUT, POST or DELETE.
        id: the request id that a user can quote.
        client_ip: the address of the client.
        parameters: the variables of the path.
        query: the parameters of the query; the last one of each name.
        repeated_query: the parameters of the query, all of each name.
        headers: the headers; the names are in lower case.
        body: the body as bytes.
    """

    method: str
    id: str = ""
    client_ip: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    repeated_query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Request({self.method} {dict(self.parameters)} id={self.id!r})"

    @property
    def repository(self) -> RepositoryName:
        """The repository in the path. A name without a namespace is in `library`. Raises InvalidInput."""
        namespace, name = self.parameters["namespace"], self.parameters.get("repository")
        return RepositoryName.of(LIBRARY, namespace) if name is None else RepositoryName.of(namespace, name)

    @property
    def wants_token(self) -> bool:
        """Whether the client requests an access token."""
        return self.headers.get("x-docker-token", "").strip().lower() == "true"


class Response(Struct, frozen=True):
    """A response. `repr` omits the headers and the body, because they can contain tokens."""

    status: int
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Response({self.status})"


def json_response(status: int, value: Any, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with `value` as JSON."""
    return Response(status, msgspec.json.encode(value).decode(), {"Content-Type": JSON, **(headers or {})})
