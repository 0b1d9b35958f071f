"""The v1 client of the package docker-registry-client. It uses the index as a registry: it pings it and deletes."""

import requests
from docker_registry_client import DockerRegistryClient

from tests.clients.conftest import Server


def test_client_can_ping_and_delete_a_repository(server: Server) -> None:
    username, password = server.register("frank")
    url = server.url("/v1/repositories/frank/web/")
    assert requests.put(url, json=[{"id": "a"}], auth=(username, password), timeout=10).status_code == 200
    client = DockerRegistryClient(server.base_url, username=username, password=password, api_version=1)
    assert client.api_version == 1
    assert client._base_client.check_status()  # only the client for one version of the API offers both operations
    client._base_client.delete_repository("frank", "web")
    assert requests.get(url + "images", timeout=10).status_code == 404
