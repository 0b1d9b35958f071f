"""A client for the API of a registry (distribution, zot), with bearer tokens."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import click
from msgspec import Struct

_TIMEOUT_SECONDS = 30
_MANIFEST_TYPES = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    )
)
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_NEXT = re.compile(r'<([^>]+)>\s*;\s*rel="?next"?')
MAX_BODY_BYTES = 20_000_000


class RegistryError(click.ClickException):
    """The registry cannot be used. The message is one sentence for a person."""


class Challenge(Struct, frozen=True):
    """What a registry says about its token endpoint."""

    scheme: str
    realm: str
    service: str
    date: str = ""


class Answer(Struct, frozen=True):
    """A response of the registry. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body. Raises RegistryError."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise RegistryError(f"the registry answered {self.status} with a body that is not JSON") from None


class Manifest(Struct, frozen=True):
    """A tag as the registry has it."""

    digest: str
    media_type: str
    size: int | None


class RegistryClient:
    """Calls one registry.

    Args:
        url: the URL of the registry, such as https://registry.example.com.
        get_token: returns a bearer token for a scope, or None for requests without a token.
    """

    def __init__(self, url: str, get_token: Callable[[str], str] | None = None) -> None:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise RegistryError(
                "the registry must be a URL such as https://registry.example.com or http://localhost:5000"
            )
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._get_token = get_token

    def request(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, scope: str | None = None
    ) -> Answer:
        """Return the response. Raises RegistryError if the registry does not answer."""
        sent = dict(headers or {})
        if scope is not None and self._get_token is not None:
            sent["Authorization"] = f"Bearer {self._get_token(scope)}"
        kind = HTTPSConnection if self._is_secure else HTTPConnection
        connection = kind(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, path, headers=sent)
            response: HTTPResponse = connection.getresponse()
            body = response.read(MAX_BODY_BYTES)
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
        except (OSError, HTTPException) as error:
            raise RegistryError(f"the registry at {self._host} does not answer: {error}") from error
        finally:
            connection.close()

    def read_challenge(self) -> Challenge:
        """Return the challenge of `/v2/`. Raises RegistryError if the registry does not ask for a token."""
        answer = self.request("GET", "/v2/")
        header = answer.headers.get("www-authenticate", "")
        scheme, _, rest = header.partition(" ")
        values = dict(_CHALLENGE.findall(rest))
        if answer.status != 401 or not header:
            raise RegistryError(
                f"the registry answers {answer.status} without a challenge; configure `auth: token` as `waybill "
                "registries config` prints it"
            )
        return Challenge(scheme, values.get("realm", ""), values.get("service", ""), answer.headers.get("date", ""))

    def list_repositories(self) -> Iterator[str]:
        """Yield the names of all repositories."""
        for answer in self._pages("/v2/_catalog?n=500", "registry:catalog:*"):
            yield from answer.json().get("repositories") or ()

    def list_tags(self, repository: str) -> list[str]:
        """Return the tags of a repository."""
        path, scope = f"/v2/{quote(repository)}/tags/list?n=500", f"repository:{repository}:pull"
        tags: list[str] = []
        for answer in self._pages(path, scope, missing_is_empty=True):
            tags += answer.json().get("tags") or []
        return tags

    def read_manifest(self, repository: str, tag: str) -> Manifest | None:
        """Return what a tag points to, or None if it does not exist."""
        path, scope = f"/v2/{quote(repository)}/manifests/{quote(tag)}", f"repository:{repository}:pull"
        answer = self.request("HEAD", path, {"Accept": _MANIFEST_TYPES}, scope)
        if answer.status == 404:
            return None
        if answer.status != 200 or "docker-content-digest" not in answer.headers:
            raise RegistryError(f"the registry answered {answer.status} for the tag {repository}:{tag}")
        length = answer.headers.get("content-length", "")
        return Manifest(
            answer.headers["docker-content-digest"],
            answer.headers.get("content-type", "").partition(";")[0],
            int(length) if length.isdigit() else None,
        )

    def _pages(self, path: str, scope: str, *, missing_is_empty: bool = False) -> Iterator[Answer]:
        next_path: str | None = path
        while next_path is not None:
            answer = self.request("GET", next_path, scope=scope)
            if answer.status == 404 and missing_is_empty:
                return
            if answer.status != 200:
                raise RegistryError(f"the registry answered {answer.status} for {next_path.partition('?')[0]}")
            yield answer
            match = _NEXT.search(answer.headers.get("link", ""))
            parts = urlsplit(match[1]) if match else None
            next_path = None if parts is None else f"{parts.path}?{parts.query}"


def fetch_token(realm: str, service: str, scope: str, authorization: str | None = None) -> Answer:
    """Return the response of a token endpoint."""
    parts = urlsplit(realm)
    client = RegistryClient(f"{parts.scheme}://{parts.netloc}")
    query = urlencode({"service": service, "scope": scope} if scope else {"service": service})
    headers = {} if authorization is None else {"Authorization": authorization}
    return client.request("GET", f"{parts.path}?{query}", headers)
