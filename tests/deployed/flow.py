"""The requests of clients and registries, in a typical order, for any deployment of an index."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from msgspec import Struct

from chalicelib.storage.tables import Tables
from chalicelib.storage.users import UserStore
from tests.index import PASSWORD, Response, basic

Send = Callable[[str, str, Mapping[str, str], bytes], Response]


class Client(Struct, frozen=True):
    """A client of an index.

    Attributes:
        send: sends a request: method, path, headers, body.
        tables: the tables of the index, for changes that are not possible over HTTP.
        list_recipients: returns the addresses to which email was sent, if the index sends email.
        has_single_use_tokens: whether TOKEN_SINGLE_USE is on.
        registry: the service name of a registry that accepts bearer tokens, or an empty text.
        registry_secret: the secret with which the registry sends notifications.
    """

    send: Send
    tables: Tables
    list_recipients: Callable[[], list[str]] | None = None
    has_single_use_tokens: bool = False
    registry: str = ""
    registry_secret: str = ""

    def request(
        self, method: str, path: str, auth: str | None = None, body: Any = None, *, token: bool = False
    ) -> Response:
        headers = {"authorization": auth} if auth else {}
        if token:
            headers["x-docker-token"] = "true"
        return self.send(method, path, headers, b"" if body is None else json.dumps(body).encode())

    def get_json(self, path: str, auth: str | None = None) -> Any:
        """Return the body of a GET that must succeed."""
        response = self.request("GET", path, auth)
        assert response.status == 200, response
        return response.json

    def reset_counters(self) -> None:
        """Delete all rate counters, because all requests come from one client IP."""
        with self.tables.counters.batch_write() as batch:
            for item in self.tables.counters.scan():
                batch.delete(item)

    def make_admin(self, auth: str) -> None:
        """Make an account an administrator, which is not possible over HTTP."""
        UserStore(self.tables).set_admin(username_of(auth), True)


def register(client: Client) -> str:
    """Register, log in, try a wrong password and add an address. Return the Authorization header."""
    client.reset_counters()
    name = "u" + uuid4().hex[:12]
    form = {"username": name, "password": PASSWORD, "email": f"{name}@example.com"}
    assert client.request("POST", "/v1/users/", body=form).body == b'"User Created"'
    response = client.request("POST", "/v1/users/", body=form)
    assert (response.status, response.body) == (400, b'"Username or email already exists"')
    if client.list_recipients:
        assert f"{name}@example.com" in client.list_recipients()
        UserStore(client.tables).set_active(name, True)
    assert client.request("GET", "/v1/users/", basic(name, "not the password")).status == 401
    response = client.request("GET", "/v1/users/", basic(name))
    assert (response.status, response.body) == (200, b'"OK"')
    response = client.request("PUT", f"/v1/users/{name}/", basic(name), {"email": f"{name}@example.org"})
    assert (response.status, response.body) == (204, b"")
    return basic(name)


def push(client: Client, auth: str, path: str, ids: list[str]) -> None:
    """Send the requests of a push by docker, and those of its registry."""

    def start() -> str:
        response = client.request("PUT", f"/v1/repositories/{path}/", auth, [{"id": i} for i in ids], token=True)
        assert (response.status, response.body) == (200, b'""')
        assert response.headers["x-docker-endpoints"]
        return f"Token {response.token}"

    tokens = [start()] * 3
    if client.has_single_use_tokens:
        tokens = [start() for _ in range(3)]
    response = client.request("GET", f"/v1/repositories/{path}/images", tokens[0])
    assert response.status == 200, response
    assert [entry["id"] for entry in response.json] == ids
    response = client.request("GET", f"/v1/repositories/{path}/layer/{ids[0]}/access", tokens[1])
    assert (response.status, response.json) == (200, {"access": True})
    response = client.request("PUT", f"/v1/repositories/{path}/auth", tokens[2])
    assert (response.status, response.body) == (200, b'"OK"')
    if client.has_single_use_tokens:
        assert client.request("PUT", f"/v1/repositories/{path}/auth", tokens[2]).status == 403
    checksums = [{"id": i, "checksum": "sha256:" + i} for i in ids]
    response = client.request("PUT", f"/v1/repositories/{path}/images", auth, checksums)
    assert (response.status, response.body) == (204, b"")


def pull(client: Client, auth: str | None, path: str, ids: list[str]) -> None:
    """Read an image list, then again with the token from the response."""
    response = client.request("GET", f"/v1/repositories/{path}/images", auth, token=True)
    assert response.status == 200
    assert response.json == [{"id": i, "checksum": "sha256:" + i} for i in ids]
    assert client.request("GET", f"/v1/repositories/{path}/images", f"Token {response.token}").json == response.json


def search(client: Client, auth: str | None, path: str, *, is_found: bool = True) -> None:
    """Search for the beginning of a repository's name."""
    results = client.get_json(f"/v1/search?q={path.partition('/')[0]}", auth)["results"]
    assert (path in [result["name"] for result in results]) is is_found, results


def share(client: Client, owner: str, other: str, path: str) -> None:
    """Describe a repository, make it private, share it with another account, and stop sharing it."""
    namespace, _, name = path.partition("/")
    repositories = f"/v1/namespaces/{namespace}/repositories"
    collaborator = f"{repositories}/{name}/collaborators/{username_of(other)}"
    form = {"description": "A thing", "private": True}
    assert client.request("PUT", f"{repositories}/{name}", owner, form).status == 204
    assert [repository["description"] for repository in client.get_json(repositories, owner)] == ["A thing"]
    assert client.request("GET", f"/v1/repositories/{path}/images", other).status == 404
    assert client.request("PUT", collaborator, owner, {"access": "read"}).status == 204
    collaborators = client.get_json(f"{repositories}/{name}/collaborators", owner)
    assert collaborators == [{"username": username_of(other), "access": "read"}]
    assert client.request("GET", f"/v1/repositories/{path}/images", other).status == 200
    assert client.request("PUT", collaborator, owner, {"access": "write"}).status == 204  # changes the role
    search(client, other, path)
    assert client.request("DELETE", collaborator, owner).status == 204
    assert client.request("GET", f"/v1/repositories/{path}/images", other).status == 404


def use_robot(client: Client, auth: str, path: str) -> None:
    """Create, use, list and revoke a robot."""
    robots = f"/v1/users/{username_of(auth)}/robots"
    created = client.request("PUT", f"{robots}/ci", auth, {"access": "read"})
    assert created.status == 201, created
    robot = basic(username_of(auth), created.json["token"])
    assert client.request("GET", f"/v1/repositories/{path}/images", robot).status == 200
    entries = client.get_json(robots, auth)
    assert [(entry["name"], entry["last_used"] is not None) for entry in entries] == [("ci", True)]
    assert client.request("DELETE", f"{robots}/ci", auth).status == 204
    assert client.request("GET", f"/v1/repositories/{path}/images", robot).status == 401


def use_registry(client: Client, auth: str, path: str) -> None:
    """Get a bearer token and the certificate of its key, report a tag as the registry does, and list it."""
    response = client.request("GET", f"/token?service={client.registry}&scope=repository:{path}:pull,push", auth)
    assert response.status == 200, response
    assert response.json["token"].count(".") == 2
    response = client.request("GET", "/token/certificate")
    assert response.body.startswith(b"-----BEGIN CERTIFICATE-----"), response
    target = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": "sha256:" + "0" * 64,
        "size": 1,
        "repository": path,
        "tag": "v1",
    }
    event = {"action": "push", "timestamp": "2025-01-01T00:00:00Z", "target": target}
    response = client.request("POST", "/registries/events", f"Bearer {client.registry_secret}", {"events": [event]})
    assert response.status == 204, response
    namespace, _, name = path.partition("/")
    tags = client.get_json(f"/v1/namespaces/{namespace}/repositories/{name}/tags", auth)
    assert "v1" in json.dumps(tags)


def use_pages(client: Client, auth: str, administrator: str, path: str) -> None:
    """Log in to the pages, read and describe a repository, list the accounts as an administrator, and log out."""
    namespace, _, name = path.partition("/")
    form = {"long_description": "# A thing"}
    assert client.request("PUT", f"/v1/namespaces/{namespace}/repositories/{name}", auth, form).status == 204
    own_site = {"sec-fetch-site": "same-origin"}
    for account, pages in (
        (auth, ("/account", f"/r/{path}", f"/r/{path}/settings")),
        (administrator, ("/accounts", "/audit")),
    ):
        login = urlencode({"username": username_of(account), "password": PASSWORD}).encode()
        response = client.send("POST", "/login", own_site, login)
        assert response.status == 303, response
        cookie = {"cookie": response.headers["set-cookie"].partition(";")[0], **own_site}
        for page in pages:
            response = client.send("GET", page, cookie, b"")
            assert response.status == 200, response
        token = response.body.decode().partition('name="form_token" value="')[2].partition('"')[0]
        assert client.send("POST", "/logout", cookie, urlencode({"form_token": token}).encode()).status == 303
        assert client.send("GET", "/account", cookie, b"").status == 303, "the session has ended"


def use_organization(client: Client, auth: str, other: str) -> None:
    """Create an organisation, let a member and a robot push to it, and delete it."""
    name = f"team-{username_of(auth)}"
    path = f"/v1/organizations/{name}"
    assert client.request("PUT", path, auth).status == 201
    member = f"{path}/members/{username_of(other)}"
    assert client.request("PUT", member, auth, {"access": "write"}).status == 204
    assert client.request("PUT", f"/v1/repositories/{name}/thing", other, [{"id": "a"}]).status == 200
    robot = client.request("PUT", f"{path}/robots/ci", auth, {"access": "write"})
    assert robot.status == 201, robot
    token = json.loads(robot.body)["token"]
    assert client.request("PUT", f"/v1/repositories/{name}/thing", basic(name, token), [{"id": "b"}]).status == 200
    assert len(client.get_json(f"{path}/members", other)) == 2
    assert client.request("DELETE", member, other).status == 204
    assert client.request("DELETE", path, auth).status == 204


def delete_account(client: Client, auth: str) -> None:
    """Delete an account with its repositories."""
    assert client.request("DELETE", f"/v1/users/{username_of(auth)}/", auth).status == 204
    assert client.request("GET", "/v1/users/", auth).status == 401


def delete(client: Client, auth: str, path: str) -> None:
    """Delete a repository, and confirm the deletion with the delete token."""
    response = client.request("DELETE", f"/v1/repositories/{path}/", auth, token=True)
    assert (response.status, response.body) == (202, b'""')
    assert client.request("GET", f"/v1/repositories/{path}/images", auth).status == 404
    assert client.request("PUT", f"/v1/repositories/{path}/auth", f"Token {response.token}").status == 200
    assert client.request("DELETE", f"/v1/repositories/{path}/", auth, token=True).status == 200


def run_all(client: Client) -> None:
    """Use every operation of the function's role at least once, those for registries only if there is one.

    The second push is repeated so often that the image list is compacted.
    """
    auth, other = register(client), register(client)
    path = f"{username_of(auth)}/thing"
    ids = [f"{n:064x}" for n in range(1, 4)]
    push(client, auth, path, ids)
    pull(client, None, path, ids)
    search(client, None, path)
    use_robot(client, auth, path)
    if client.registry:
        use_registry(client, auth, path)
    share(client, auth, other, path)
    client.make_admin(other)
    search(client, other, path)
    use_pages(client, auth, other, path)
    use_organization(client, auth, other)
    delete(client, auth, path)
    search(client, auth, path, is_found=False)
    push(client, auth, path, ids[:1])
    for n in range(100, 120):
        response = client.request("PUT", f"/v1/repositories/{path}/", auth, [{"id": f"{n:064x}"}])
        assert response.status == 200, response
    assert len(client.get_json(f"/v1/repositories/{path}/images", auth)) == 21
    delete_account(client, auth)
    delete_account(client, other)


def username_of(auth: str) -> str:
    """Return the username in an Authorization header."""
    return base64.b64decode(auth.removeprefix("Basic ")).decode().partition(":")[0]
