"""What a client and a registry do with an index, spoken to any deployment of it."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from chalicelib.storage.tables import Tables
from chalicelib.storage.users import UserStore
from tests.index import PASSWORD, Response, basic

Send = Callable[[str, str, Mapping[str, str], bytes], Response]


@dataclass(frozen=True)
class Client:
    """Speaks HTTP through `send`. `tables` are the index's own, for what only an operator does; `letters` are the
    addresses that mail went to, where there is mail.
    """

    send: Send
    tables: Tables
    emails: Callable[[], list[str]] | None = None

    def request(
        self, method: str, path: str, auth: str | None = None, body: Any = None, *, token: bool = False
    ) -> Response:
        headers = {"authorization": auth} if auth else {}
        if token:
            headers["x-docker-token"] = "true"
        return self.send(method, path, headers, b"" if body is None else json.dumps(body).encode())

    def read(self, path: str, auth: str | None = None) -> Any:
        """What a GET that succeeds says."""
        response = self.request("GET", path, auth)
        assert response.status == 200, response
        return response.json

    def forget_attempts(self) -> None:
        """As if nobody had tried anything yet: all flows come from one address, and are not about its limits."""
        with self.tables.counters.batch_write() as batch:
            for item in self.tables.counters.scan():
                batch.delete(item)

    def promote(self, auth: str) -> None:
        """Makes an account an administrator: there is no way to become one over HTTP."""
        self.tables.users(name_of(auth)).update([self.tables.users.admin.set(True)])


def login(client: Client) -> str:
    """Registers, signs in, is refused with a wrong password, changes the account. Gives the Authorization header."""
    client.forget_attempts()
    name = "u" + uuid4().hex[:12]
    form = {"username": name, "password": PASSWORD, "email": f"{name}@example.com"}
    assert client.request("POST", "/v1/users/", body=form).body == b'"User Created"'
    response = client.request("POST", "/v1/users/", body=form)
    assert (response.status, response.body) == (400, b'"Username or email already exists"')
    if client.emails:
        assert f"{name}@example.com" in client.emails()
        UserStore(client.tables).set_active(name, True)
    assert client.request("GET", "/v1/users/", basic(name, "not the password")).status == 401
    response = client.request("GET", "/v1/users/", basic(name))
    assert (response.status, response.body) == (200, b'"OK"')
    response = client.request("PUT", f"/v1/users/{name}/", basic(name), {"email": f"{name}@example.org"})
    assert (response.status, response.body) == (204, b"")
    return basic(name)


def push(client: Client, auth: str, path: str, ids: list[str]) -> None:
    """A push as docker makes it, and the questions that its registry asks meanwhile."""
    response = client.request("PUT", f"/v1/repositories/{path}/", auth, [{"id": i} for i in ids], token=True)
    assert (response.status, response.body) == (200, b'""')
    assert response.headers["x-docker-endpoints"]
    write = f"Token {response.token}"
    response = client.request("GET", f"/v1/repositories/{path}/images", write)
    assert (response.status, [entry["id"] for entry in response.json]) == (200, ids)
    response = client.request("GET", f"/v1/repositories/{path}/layer/{ids[0]}/access", write)
    assert (response.status, response.json) == (200, {"access": True})
    assert client.request("PUT", f"/v1/repositories/{path}/auth", write).json == "OK"
    sums = [{"id": i, "checksum": "sha256:" + i} for i in ids]
    response = client.request("PUT", f"/v1/repositories/{path}/images", auth, sums)
    assert (response.status, response.body) == (204, b"")


def pull(client: Client, auth: str | None, path: str, ids: list[str]) -> None:
    """A pull, and the same question again with the token that it gets."""
    response = client.request("GET", f"/v1/repositories/{path}/images", auth, token=True)
    assert response.status == 200
    assert response.json == [{"id": i, "checksum": "sha256:" + i} for i in ids]
    assert client.request("GET", f"/v1/repositories/{path}/images", f"Token {response.token}").json == response.json


def search(client: Client, auth: str | None, path: str, *, found: bool = True) -> None:
    """A search by the beginning of the repository's name."""
    results = client.read(f"/v1/search?q={path.partition('/')[0]}", auth)["results"]
    assert (path in [result["name"] for result in results]) is found, results


def share(client: Client, owner: str, other: str, path: str) -> None:
    """A private repository, described, listed, shared with another account and taken from it again."""
    namespace, _, name = path.partition("/")
    below = f"/v1/namespaces/{namespace}/repositories"
    collaborator = f"{below}/{name}/collaborators/{name_of(other)}"
    form = {"description": "A thing", "private": True}
    assert client.request("PUT", f"{below}/{name}", owner, form).status == 204
    assert [shown["description"] for shown in client.read(below, owner)] == ["A thing"]
    assert client.request("GET", f"/v1/repositories/{path}/images", other).status == 404
    assert client.request("PUT", collaborator, owner, {"access": "read"}).status == 204
    people = client.read(f"{below}/{name}/collaborators", owner)
    assert people == [{"username": name_of(other), "access": "read"}]
    assert client.request("GET", f"/v1/repositories/{path}/images", other).status == 200
    search(client, other, path)
    assert client.request("DELETE", collaborator, owner).status == 204
    assert client.request("GET", f"/v1/repositories/{path}/images", other).status == 404


def use_robot(client: Client, auth: str, path: str) -> None:
    """A robot from its making to its end."""
    robots = f"/v1/users/{name_of(auth)}/robots"
    made = client.request("PUT", f"{robots}/ci", auth, {"access": "read"})
    assert made.status == 201, made
    robot = basic(name_of(auth), made.json["token"])
    assert client.request("GET", f"/v1/repositories/{path}/images", robot).status == 200
    listed = client.read(robots, auth)
    assert [(shown["name"], shown["last_used"] is not None) for shown in listed] == [("ci", True)]
    assert client.request("DELETE", f"{robots}/ci", auth).status == 204
    assert client.request("GET", f"/v1/repositories/{path}/images", robot).status == 401


def leave(client: Client, auth: str) -> None:
    """An account removes itself, and everything that it has."""
    assert client.request("DELETE", f"/v1/users/{name_of(auth)}/", auth).status == 204
    assert client.request("GET", "/v1/users/", auth).status == 401


def delete(client: Client, auth: str, path: str) -> None:
    """A deletion: hidden at once, confirmed with the delete token, and the name is free again."""
    response = client.request("DELETE", f"/v1/repositories/{path}/", auth, token=True)
    assert (response.status, response.body) == (202, b'""')
    assert client.request("GET", f"/v1/repositories/{path}/images", auth).status == 404
    assert client.request("PUT", f"/v1/repositories/{path}/auth", f"Token {response.token}").status == 200
    assert client.request("DELETE", f"/v1/repositories/{path}/", auth, token=True).status == 200


def whole_life(client: Client) -> None:
    """Login, push, pull, search, sharing, robots, deletion, and the same name again, pushed to more often than a list
    keeps segments; then accounts leave.
    """
    auth, other = login(client), login(client)
    path = f"{name_of(auth)}/thing"
    ids = [f"{n:064x}" for n in range(1, 4)]
    push(client, auth, path, ids)
    pull(client, None, path, ids)
    search(client, None, path)
    use_robot(client, auth, path)
    share(client, auth, other, path)
    client.promote(other)
    search(client, other, path)
    delete(client, auth, path)
    search(client, auth, path, found=False)
    push(client, auth, path, ids[:1])
    for n in range(100, 120):
        response = client.request("PUT", f"/v1/repositories/{path}/", auth, [{"id": f"{n:064x}"}])
        assert response.status == 200, response
    assert len(client.read(f"/v1/repositories/{path}/images", auth)) == 21
    leave(client, auth)
    leave(client, other)


def name_of(auth: str) -> str:
    """Whose header this is."""
    return base64.b64decode(auth.removeprefix("Basic ")).decode().partition(":")[0]
