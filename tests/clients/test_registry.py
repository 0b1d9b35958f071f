"""A complete push, pull and deletion: a client, the index, and a registry that checks each request with the index."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.clients.conftest import Server
from tests.clients.stand_in_registry import Registry

LAYERS = [os.urandom(32).hex() for _ in range(3)]  # the first is the base


@pytest.fixture
def registry(server: Server) -> Iterator[Registry]:
    registry = Registry(server.base_url)
    yield registry
    registry.close()


class Docker:
    """The requests of a daemon: Basic credentials for the index, and the token of the index for the registry."""

    def __init__(self, server: Server, registry: Registry, auth: tuple[str, str] | None) -> None:
        self.server, self.registry, self.auth = server, registry, auth

    def call_index(self, method: str, path: str, body: Any = None) -> requests.Response:
        headers = {"X-Docker-Token": "true"}
        return requests.request(method, self.server.url(path), auth=self.auth, json=body, headers=headers, timeout=10)

    def call_registry(self, method: str, path: str, token: str, body: Any = None) -> requests.Response:
        url = f"http://{self.registry.host}{path}"
        return requests.request(method, url, headers={"Authorization": f"Token {token}"}, json=body, timeout=10)

    def start_push(self, repository: str) -> str:
        """Create a repository with the first layer, and return the write token."""
        response = self.call_index("PUT", f"/v1/repositories/{repository}/", [{"id": LAYERS[0]}])
        return response.headers["X-Docker-Token"]


@pytest.mark.parametrize("repository", ["carol/multi", "library/multi"])
def test_push_pull_and_delete(server: Server, registry: Registry, repository: str) -> None:
    owner = server.admin if repository.startswith("library/") else server.register("carol")
    path = f"/v1/repositories/{repository.removeprefix('library/')}"
    docker = Docker(server, registry, owner)

    push = docker.call_index("PUT", f"{path}/", [{"id": layer} for layer in LAYERS] + [{"id": LAYERS[-1], "Tag": "v1"}])
    write_token = push.headers["X-Docker-Token"]
    for parent, layer in zip(["", *LAYERS], LAYERS, strict=False):
        upload = docker.call_registry("PUT", f"/v1/images/{layer}/layer", write_token, {"parent": parent})
        assert upload.status_code == 200
    tag = docker.call_registry("PUT", f"/v1/repositories/{repository}/tags/v1", write_token, LAYERS[-1])
    assert tag.status_code == 200
    checksums = [{"id": layer, "checksum": f"tarsum+sha256:{layer}"} for layer in LAYERS]
    end = docker.call_index("PUT", f"{path}/images", checksums)
    assert (end.status_code, end.content) == (204, b"")
    assert sum(check.endswith("/images") for check in registry.checks) == 4
    assert sum(check.endswith("/access") for check in registry.checks) == 2

    pull = Docker(server, registry, None).call_index("GET", f"{path}/images")
    read_token = pull.headers["X-Docker-Token"]
    assert pull.json() == checksums
    image = docker.call_registry("GET", f"/v1/repositories/{repository}/tags", read_token).json()["v1"]
    while image:
        download = docker.call_registry("GET", f"/v1/images/{image}/layer", read_token)
        assert download.status_code == 200
        image = json.loads(download.content)["parent"]
    layer = f"/v1/images/{LAYERS[0]}/layer"
    assert docker.call_registry("PUT", layer, read_token, {"parent": ""}).status_code == 401

    deletion = docker.call_index("DELETE", f"{path}/", "")
    assert deletion.status_code == 202
    delete_token = deletion.headers["X-Docker-Token"]
    assert docker.call_registry("GET", layer, read_token).status_code == 401
    assert docker.call_registry("DELETE", f"/v1/repositories/{repository}/", delete_token).status_code == 200
    assert docker.call_index("DELETE", f"{path}/").status_code == 200


def test_image_with_a_parent_in_another_repository_is_rejected(server: Server, registry: Registry) -> None:
    docker = Docker(server, registry, server.register("david"))
    token = docker.start_push("david/web")
    upload = docker.call_registry("PUT", f"/v1/images/{LAYERS[0]}/layer", token, {"parent": LAYERS[1]})
    assert upload.status_code == 403


def test_forged_token_is_rejected(server: Server, registry: Registry) -> None:
    docker = Docker(server, registry, server.register("erika"))
    token = docker.start_push("erika/web")
    for forged in (token.replace("erika/web", "library/multi"), token.replace("write", "delete"), "signature=x", ""):
        assert docker.call_registry("DELETE", "/v1/repositories/erika/web/", forged).status_code == 401
