"""One host for the registry and the index, with nginx and the configuration that `waybill registries config` prints."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from msgspec import Struct

from tests.admin_commands import run_local
from tests.clients.conftest import ADMIN_PASSWORD
from tests.clients.docker_engine import describe_missing_programs, push, run_engine
from tests.clients.registry_programs import (
    Image,
    Registry,
    create_image,
    find_program,
    run_registry,
    wait_until,
)
from tests.ports import find_free_port

PASSWORD = "sekret123"
pytestmark = [
    pytest.mark.skipif(
        find_program("docker-registry", "docker-registry") is None, reason="no docker-registry from apt"
    ),
    pytest.mark.skipif(find_program("nginx", "nginx") is None, reason="nginx is not installed"),
    pytest.mark.skipif(find_program("skopeo", "skopeo") is None, reason="skopeo is not installed"),
    pytest.mark.skipif(find_program("podman", "podman") is None, reason="podman is not installed"),
]


class OneHost(Struct, frozen=True, eq=False):
    """A registry and an index with one address."""

    registry: Registry
    host: str
    image: Image


@pytest.fixture(scope="module")
def one_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneHost]:
    """One host on which alice and bobby have a public and a private repository each."""
    folder = tmp_path_factory.mktemp("host")
    image, port = create_image(folder / "oci", "one"), find_free_port()
    host = f"localhost:{port}"
    environment = {"PODMAN_SEARCH": "catalog", "REGISTRY_ADDRESS": host}
    with run_registry(folder, **environment) as registry, _run_nginx(registry, port):
        for name in ("alice", "bobby"):
            registry.server.register(name)
            assert registry.log_in(name, PASSWORD, host=host).status == 0
            for repository in (f"{name}/open-web", f"{name}/secret-web"):
                assert registry.push(image.source, f"{repository}:1", login=name, host=host).status == 0
                registry.wait_for_tags(repository, {"1": image.digest})
            registry.make_private(f"{name}/secret-web")
        yield OneHost(registry, host, image)


@contextmanager
def _run_nginx(registry: Registry, port: int) -> Iterator[None]:
    """Run nginx with the printed configuration until the block ends."""
    arguments = ("registries", "config", "--proxy", "nginx", "--address", registry.host)
    printed = run_local(registry.server.base_url, *arguments, password=ADMIN_PASSWORD)
    assert printed.status == 0, printed.stderr
    folder, program = registry.folder, find_program("nginx", "nginx")
    assert program is not None
    server = printed.stdout.replace("listen 80", f"listen 127.0.0.1:{port}")
    paths = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;\n"
        f"events {{}}\nhttp {{ access_log off; {paths}\n{server}\n}}\n"
    )
    process = subprocess.Popen([program, "-c", str(config), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: _is_up(port), "nginx")
        yield
    finally:
        process.terminate()
        process.wait()


def _is_up(port: int) -> bool:
    try:
        requests.get(f"http://localhost:{port}/v1/_ping", timeout=5)
    except requests.ConnectionError:
        return False
    return True


def search(one_host: OneHost, query: str, login: str) -> set[str]:
    """Return what podman finds on the host."""
    command = ("podman", "search", "--tls-verify=false", "--format", "{{.Name}}", f"{one_host.host}/{query}")
    result = one_host.registry.run(*command, login=login)
    assert result.status == 0, result.output
    return {line.removeprefix(f"{one_host.host}/") for line in result.output.split()}


@pytest.mark.parametrize("query", ["", "web"])
@pytest.mark.parametrize(
    ("login", "private"), [("alice", {"alice/secret-web"}), ("bobby", {"bobby/secret-web"}), ("nobody", set())]
)
def test_podman_search_finds_what_the_account_can_read(
    one_host: OneHost, query: str, login: str, private: set[str]
) -> None:
    assert search(one_host, query, login) == {"alice/open-web", "bobby/open-web"} | private


def test_one_login_is_enough_for_push_and_pull(one_host: OneHost, tmp_path: Path) -> None:
    registry, host = one_host.registry, one_host.host
    image = create_image(tmp_path / "oci", "two")
    assert registry.push(image.source, "alice/secret-web:2", login="alice", host=host).status == 0
    assert registry.pull("alice/secret-web:2", login="alice", host=host).status == 0
    assert registry.pull("alice/secret-web:2", login="bobby", host=host).status != 0
    assert registry.pull("alice/secret-web:2", host=host).status != 0
    listed = registry.run(
        "skopeo", "list-tags", "--tls-verify=false", f"docker://{host}/alice/secret-web", login="alice"
    )
    assert listed.status == 0
    assert '"2"' in listed.output


@pytest.mark.skipif(bool(describe_missing_programs()), reason=describe_missing_programs())
def test_one_login_of_docker_is_enough_for_push_pull_and_search(one_host: OneHost) -> None:
    host = one_host.host
    with run_engine(one_host.registry, one_host.image) as engine:
        for login in ("alice", "bobby"):
            assert engine.log_in(login, host=host).status == 0
        pushed = push(engine, "alice/secret-web:3", "alice", host)
        assert pushed.status == 0, pushed.output
        assert push(engine, "alice/secret-web:4", "bobby", host).status != 0
        target = f"{host}/alice/secret-web:3"
        assert engine.docker("rmi", target).status == 0
        for login, is_allowed in (("alice", True), ("bobby", False), ("nobody", False)):
            assert (engine.docker("pull", target, login=login).status == 0) is is_allowed
            found = engine.docker("search", f"{host}/secret", login=login)
            assert ("alice/secret-web" in found.output) is is_allowed, found.output


def test_pages_and_docker_search_are_on_the_same_host(one_host: OneHost) -> None:
    base = f"http://{one_host.host}"
    found = requests.get(f"{base}/v1/search?q=web", auth=("alice", PASSWORD), timeout=10).json()
    assert {item["name"] for item in found["results"]} == {"alice/open-web", "alice/secret-web", "bobby/open-web"}
    assert requests.get(f"{base}/", timeout=10).headers["Content-Type"].startswith("text/html")
    challenge = requests.get(f"{base}/v2/", timeout=10)
    assert (challenge.status_code, "Bearer" in challenge.headers["WWW-Authenticate"]) == (401, True)
