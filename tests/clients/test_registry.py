"""A whole push, pull and delete: client, index and a registry that asks the index about every request."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.clients.conftest import Server
from tests.clients.stand_in_registry import Registry

LAYERS = [os.urandom(32).hex() for _ in range(3)]  # the base first


@pytest.fixture
def registry(server: Server) -> Iterator[Registry]:
    registry = Registry(server.address)
    yield registry
    registry.close()


class Docker:
    """The steps that a daemon takes, with Basic to the index and the index's token to the registry."""

    def __init__(self, server: Server, registry: Registry, auth: tuple[str, str] | None) -> None:
        self.server, self.registry, self.auth = server, registry, auth

    def index(self, method: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(
            method,
            self.server.url(path),
            auth=self.auth,
            json=body,
            headers={"X-Docker-Token": "true"},
            timeout=10,
        )

    def registry_call(self, method: str, path: str, token: str, body: Any = None) -> requests.Response:
        url = f"http://{self.registry.host}{path}"
        return requests.request(method, url, headers={"Authorization": f"Token {token}"}, json=body, timeout=10)


@pytest.mark.parametrize("repository", ["carol/multi", "library/multi"])
def test_push_pull_delete(server: Server, registry: Registry, repository: str) -> None:
    owner = server.admin if repository.startswith("library/") else server.register("carol")
    path = f"/v1/repositories/{repository.removeprefix('library/')}"
    docker = Docker(server, registry, owner)

    pushed = docker.index("PUT", f"{path}/", [{"id": layer} for layer in LAYERS] + [{"id": LAYERS[-1], "Tag": "v1"}])
    write = pushed.headers["X-Docker-Token"]
    for parent, layer in zip(["", *LAYERS], LAYERS, strict=False):
        assert docker.registry_call("PUT", f"/v1/images/{layer}/layer", write, {"parent": parent}).status_code == 200
    tag = docker.registry_call("PUT", f"/v1/repositories/{repository}/tags/v1", write, LAYERS[-1])
    assert tag.status_code == 200
    checksums = [{"id": layer, "checksum": f"tarsum+sha256:{layer}"} for layer in LAYERS]
    done = docker.index("PUT", f"{path}/images", checksums)
    assert (done.status_code, done.content) == (204, b"")
    assert sum(asked.endswith("/images") for asked in registry.asked) == 4
    assert sum(asked.endswith("/access") for asked in registry.asked) == 2

    pulled = Docker(server, registry, None).index("GET", f"{path}/images")
    read = pulled.headers["X-Docker-Token"]
    assert pulled.json() == checksums
    tags = docker.registry_call("GET", f"/v1/repositories/{repository}/tags", read).json()
    image = tags["v1"]
    while image:
        got = docker.registry_call("GET", f"/v1/images/{image}/layer", read)
        assert got.status_code == 200
        image = json.loads(got.content)["parent"]
    assert docker.registry_call("PUT", f"/v1/images/{LAYERS[0]}/layer", read, {"parent": ""}).status_code == 401

    deleted = docker.index("DELETE", f"{path}/", "")
    assert deleted.status_code == 202
    assert docker.registry_call("GET", f"/v1/images/{LAYERS[0]}/layer", read).status_code == 401
    tombstone = docker.registry_call("DELETE", f"/v1/repositories/{repository}/", deleted.headers["X-Docker-Token"])
    assert tombstone.status_code == 200
    assert docker.index("DELETE", f"{path}/").status_code == 200


def test_a_child_of_an_image_elsewhere_is_refused(server: Server, registry: Registry) -> None:
    docker = Docker(server, registry, server.register("david"))
    write = docker.index("PUT", "/v1/repositories/david/web/", [{"id": LAYERS[0]}]).headers["X-Docker-Token"]
    refused = docker.registry_call("PUT", f"/v1/images/{LAYERS[0]}/layer", write, {"parent": LAYERS[1]})
    assert refused.status_code == 403


def test_an_invented_token_is_refused(server: Server, registry: Registry) -> None:
    docker = Docker(server, registry, server.register("erika"))
    write = docker.index("PUT", "/v1/repositories/erika/web/", [{"id": LAYERS[0]}]).headers["X-Docker-Token"]
    for token in (write.replace("erika/web", "library/multi"), write.replace("write", "delete"), "signature=x", ""):
        assert docker.registry_call("DELETE", "/v1/repositories/erika/web/", token).status_code == 401
