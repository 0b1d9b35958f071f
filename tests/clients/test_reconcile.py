"""`waybill registries reconcile` with a registry that was killed before it could send its notifications."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.admin_commands import CommandResult, run_local
from tests.clients.conftest import ADMIN_PASSWORD
from tests.clients.registry_programs import Image, Registry, create_image, find_program, run_registry

PASSWORD = "sekret123"
pytestmark = [
    pytest.mark.skipif(
        find_program("docker-registry", "docker-registry") is None, reason="no docker-registry from apt"
    ),
    pytest.mark.skipif(find_program("skopeo", "skopeo") is None, reason="skopeo is not installed"),
]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry with the accounts alice and bobby. New repositories are private."""
    with run_registry(tmp_path, REPOSITORY_VISIBILITY="private") as registry:
        for name in ("alice", "bobby"):
            registry.server.register(name)
            assert registry.log_in(name, PASSWORD).status == 0
        yield registry


def reconcile(registry: Registry, *options: str, url: str = "") -> CommandResult:
    arguments = ("registries", "reconcile", url or f"http://{registry.host}", "--json", *options)
    return run_local(registry.server.base_url, *arguments, password=ADMIN_PASSWORD)


def read_registry(registry: Registry) -> dict[str, dict[str, str]]:
    """Return all tags of the registry with their digests."""
    admin = registry.server.admin
    names = registry.call("GET", "/v2/_catalog", registry.token("registry:catalog:*", auth=admin)["token"]).json()
    content = {}
    for name in names["repositories"]:
        token = registry.token(f"repository:{name}:pull", auth=admin)["token"]
        tags = registry.call("GET", f"/v2/{name}/tags/list", token).json()["tags"] or ()
        heads = {tag: registry.call("HEAD", f"/v2/{name}/manifests/{tag}", token) for tag in tags}
        content[name] = {tag: head.headers["Docker-Content-Digest"] for tag, head in heads.items()}
    return content


def push(registry: Registry, image: Image, name: str) -> None:
    result = registry.push(image.source, name, login=name.partition("/")[0])
    assert result.status == 0, result.output


def test_index_equals_the_registry_after_lost_notifications(registry: Registry, tmp_path: Path) -> None:
    one, two = (create_image(tmp_path / name, name) for name in ("one", "two"))
    for name in ("alice/web:1", "alice/web:2", "alice/gone:1", "bobby/web:latest"):
        push(registry, one, name)
    registry.wait_for_tags("bobby/web", {"latest": one.digest})
    lost = registry.changed("/registries/events", "/nothing")
    with lost.running() as process:
        for login in ("alice", "bobby"):
            assert lost.log_in(login, PASSWORD).status == 0
        push(lost, two, "alice/web:2")
        push(lost, two, "alice/new:1")
        push(lost, two, "bobby/web:3")
        deleted = f"docker://{lost.host}/alice/gone:1"
        assert lost.run("skopeo", "delete", "--tls-verify=false", deleted, login="alice").status == 0
        process.kill()
    expected: dict[str, Any] = read_registry(registry)
    assert {name: registry.tags(name) for name in expected} != expected

    report = reconcile(registry, "--dry-run")
    assert (report.status, report.json["added_tags"], report.json["corrected_tags"]) == (0, 2, 1), report.stderr
    assert {name: registry.tags(name) for name in expected} != expected

    done = reconcile(registry)
    assert (done.status, done.json["removed_tags"]) == (0, 0)
    assert done.json["only_in_index"] == ["alice/gone:1"]
    assert registry.tags("alice/gone") == {"1": one.digest}

    pruned = reconcile(registry, "--prune", "--yes")
    assert pruned.json["removed_tags"] == 1
    assert {name: registry.tags(name) for name in expected} == expected
    again = reconcile(registry, "--prune", "--yes").json
    assert [again[key] for key in ("added_tags", "corrected_tags", "removed_tags", "only_in_index")] == [0, 0, 0, []]
    shown = requests.get(registry.server.url("/v1/namespaces/alice/repositories/new"), timeout=10)
    assert shown.status_code == 404, "a repository that reconcile adds has the visibility of the index"


def test_deleted_repository_is_not_created_again(registry: Registry, tmp_path: Path) -> None:
    image = create_image(tmp_path / "one", "one")
    push(registry, image, "alice/web:1")
    registry.wait_for_tags("alice/web", {"1": image.digest})
    url, auth = registry.server.url("/v1/repositories/alice/web/"), ("alice", PASSWORD)
    deleted = requests.delete(url, auth=auth, timeout=10)
    assert deleted.headers["X-Waybill-Remaining"] == "registry.local/alice/web"
    assert reconcile(registry).json["deleted_in_index"] == ["alice/web"]
    assert registry.tags("alice/web") == {}
    assert registry.pull("alice/web:1").status != 0


def test_nothing_is_removed_after_an_error(registry: Registry, tmp_path: Path) -> None:
    image = create_image(tmp_path / "one", "one")
    push(registry, image, "alice/web:1")
    registry.wait_for_tags("alice/web", {"1": image.digest})
    assert reconcile(registry, "--prune", "--yes", url="http://127.0.0.1:1").status == 1
    blocked = registry.changed("/token", "/other")
    with blocked.running():
        pass
    assert reconcile(registry, "--prune", "--yes", url=f"http://{blocked.host}").status == 1
    assert registry.tags("alice/web") == {"1": image.digest}
