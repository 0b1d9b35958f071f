"""The PyPI package docker-registry-client, its v1 half: it takes the index for a registry, pings it and deletes."""

import requests
from docker_registry_client import DockerRegistryClient

from tests.clients.conftest import Server


def test_ping_and_delete(server: Server) -> None:
    username, password = server.register("frank")
    path = server.url("/v1/repositories/frank/web/")
    assert requests.put(path, json=[{"id": "a"}], auth=(username, password), timeout=10).status_code == 200
    client = DockerRegistryClient(server.address, username=username, password=password, api_version=1)
    assert client.api_version == 1
    assert client._base_client.check_status()
    client._base_client.delete_repository("frank", "web")
    assert requests.get(path + "images", timeout=10).status_code == 404
