"""What a client and a registry do with an index, spoken to any deployment of it."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.driver import PASSWORD, Response, basic

Send = Callable[[str, str, Mapping[str, str], bytes], Response]


@dataclass(frozen=True)
class Client:
    """Speaks HTTP through `send`."""

    send: Send

    def request(
        self, method: str, path: str, auth: str | None = None, body: Any = None, *, token: bool = False
    ) -> Response:
        headers = {"authorization": auth} if auth else {}
        if token:
            headers["x-docker-token"] = "true"
        return self.send(method, path, headers, b"" if body is None else json.dumps(body).encode())


def login(client: Client) -> str:
    """Registers, signs in, is refused with a wrong password, changes the account. Gives the Authorization header."""
    name = "u" + uuid4().hex[:12]
    form = {"username": name, "password": PASSWORD, "email": f"{name}@example.com"}
    assert client.request("POST", "/v1/users/", body=form).body == b'"User Created"'
    reply = client.request("POST", "/v1/users/", body=form)
    assert (reply.status, reply.body) == (400, b'"Username or email already exists"')
    reply = client.request("GET", "/v1/users/", basic(name))
    assert (reply.status, reply.body) == (200, b'"OK"')
    assert client.request("GET", "/v1/users/", basic(name, "not the password")).status == 401
    reply = client.request("PUT", f"/v1/users/{name}/", basic(name), {"email": f"{name}@example.org"})
    assert (reply.status, reply.body) == (204, b"")
    return basic(name)


def push(client: Client, auth: str, path: str, ids: list[str]) -> None:
    """A push as docker makes it, and the questions that its registry asks meanwhile."""
    reply = client.request("PUT", f"/v1/repositories/{path}/", auth, [{"id": i} for i in ids], token=True)
    assert (reply.status, reply.body) == (200, b'""')
    assert reply.headers["x-docker-endpoints"]
    write = f"Token {reply.token}"
    reply = client.request("GET", f"/v1/repositories/{path}/images", write)
    assert (reply.status, [entry["id"] for entry in reply.json]) == (200, ids)
    reply = client.request("GET", f"/v1/repositories/{path}/layer/{ids[0]}/access", write)
    assert (reply.status, reply.json) == (200, {"access": True})
    assert client.request("PUT", f"/v1/repositories/{path}/auth", write).json == "OK"
    sums = [{"id": i, "checksum": "sha256:" + i} for i in ids]
    reply = client.request("PUT", f"/v1/repositories/{path}/images", auth, sums)
    assert (reply.status, reply.body) == (204, b"")


def pull(client: Client, auth: str | None, path: str, ids: list[str]) -> None:
    """A pull, and the same question again with the token that it gets."""
    reply = client.request("GET", f"/v1/repositories/{path}/images", auth, token=True)
    assert reply.status == 200
    assert reply.json == [{"id": i, "checksum": "sha256:" + i} for i in ids]
    assert client.request("GET", f"/v1/repositories/{path}/images", f"Token {reply.token}").json == reply.json


def search(client: Client, path: str, *, found: bool = True) -> None:
    """A search by the beginning of the repository's name, signed in to nothing."""
    namespace = path.partition("/")[0]
    reply = client.request("GET", f"/v1/search?q={namespace}")
    assert reply.status == 200, reply
    assert (path in [result["name"] for result in reply.json["results"]]) is found, reply


def delete(client: Client, auth: str, path: str) -> None:
    """A deletion: hidden at once, confirmed with the delete token, and the name is free again."""
    reply = client.request("DELETE", f"/v1/repositories/{path}/", auth, token=True)
    assert (reply.status, reply.body) == (202, b'""')
    assert client.request("GET", f"/v1/repositories/{path}/images", auth).status == 404
    assert client.request("PUT", f"/v1/repositories/{path}/auth", f"Token {reply.token}").status == 200
    assert client.request("DELETE", f"/v1/repositories/{path}/", auth, token=True).status == 200


def whole_life(client: Client) -> None:
    """Login, push, pull, search, delete, and the same name again, pushed to more often than a list keeps segments."""
    auth = login(client)
    path = f"{name_of(auth)}/thing"
    ids = [f"{n:064x}" for n in range(1, 4)]
    push(client, auth, path, ids)
    pull(client, None, path, ids)
    search(client, path)
    delete(client, auth, path)
    search(client, path, found=False)
    push(client, auth, path, ids[:1])
    for n in range(100, 120):
        reply = client.request("PUT", f"/v1/repositories/{path}/", auth, [{"id": f"{n:064x}"}])
        assert reply.status == 200, reply
    reply = client.request("GET", f"/v1/repositories/{path}/images", auth)
    assert len(reply.json) == 21


def name_of(auth: str) -> str:
    """Whose header this is."""
    return base64.b64decode(auth.removeprefix("Basic ")).decode().partition(":")[0]
