"""Debian's docker-registry with tokens and notifications of the index, used by skopeo, podman and other clients.

Programs that are missing are fetched with apt if possible. The reason for a skipped test is printed.
"""

import itertools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from chalicelib.security.bearer_tokens import BearerTokens
from infra.devserver.token_key import LocalTokenKey
from tests.admin_commands import CommandResult, run_local
from tests.clients.conftest import ADMIN_PASSWORD, wait_for_log
from tests.clients.registry_programs import Image, Registry, create_image, find_program, run_registry

PASSWORD = "sekret123"
pytestmark = [
    pytest.mark.skipif(
        find_program("docker-registry", "docker-registry") is None, reason="no docker-registry from apt"
    ),
    pytest.mark.skipif(find_program("skopeo", "skopeo") is None, reason="skopeo is not installed"),
    pytest.mark.xdist_group("registries"),
]
needs_podman = pytest.mark.skipif(find_program("podman", "podman") is None, reason="podman is not installed")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    """A registry with the accounts alice and bobby. bobby owns a private repository that is shared with carol."""
    with run_registry(tmp_path_factory.mktemp("registry")) as registry:
        for name in ("alice", "bobby", "carol", "dora"):
            registry.server.register(name)
            assert registry.log_in(name, PASSWORD).status == 0
        yield registry


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return create_image(tmp_path_factory.mktemp("image") / "oci", "one")


@pytest.fixture(scope="module")
def private(registry: Registry, image: Image) -> str:
    """A private repository of bobby that carol can read."""
    assert registry.push(image.source, "bobby/secret:1", login="bobby").status == 0
    registry.wait_for_tags("bobby/secret", {"1": image.digest})
    base, auth = registry.server.url("/v1/namespaces/bobby/repositories/secret"), ("bobby", PASSWORD)
    assert requests.put(base, json={"private": True}, auth=auth, timeout=10).status_code == 204
    share = requests.put(f"{base}/collaborators/carol", json={"access": "read"}, auth=auth, timeout=10)
    assert share.status_code == 204
    return "bobby/secret:1"


def run(registry: Registry, *arguments: str) -> CommandResult:
    return run_local(registry.server.base_url, "registries", *arguments, password=ADMIN_PASSWORD)


@pytest.mark.parametrize("program", ["skopeo", pytest.param("podman", marks=needs_podman)])
def test_login_accepts_the_password_only(registry: Registry, program: str) -> None:
    assert registry.log_in("alice", PASSWORD, program=program, login=f"{program} right").status == 0
    wrong = registry.log_in("alice", "wrong password", program=program, login=f"{program} wrong")
    assert wrong.status != 0
    assert "unauthorized" in wrong.output or "invalid username/password" in wrong.output


def test_login_of_an_inactive_account_is_denied(registry: Registry) -> None:
    registry.server.register("frank")
    admin = registry.server.admin
    changed = requests.put(registry.server.url("/v1/users/frank/"), json={"active": False}, auth=admin, timeout=10)
    assert changed.status_code == 204, changed.text
    assert registry.log_in("frank", PASSWORD, login="inactive").status != 0


def test_login_is_throttled_after_wrong_passwords(registry: Registry) -> None:
    registry.server.register("grace")
    url = registry.server.url("/token?service=registry.local")
    statuses = [requests.get(url, auth=("grace", f"wrong {n}"), timeout=30).status_code for n in range(12)]
    assert set(statuses) == {401, 429}
    assert registry.log_in("grace", "wrong again", login="throttled").status != 0


def test_owner_pushes_and_everyone_pulls_a_public_repository(registry: Registry, image: Image) -> None:
    assert registry.push(image.source, "alice/web:1", login="alice").status == 0
    for login in ("", "alice", "bobby"):
        assert registry.pull("alice/web:1", login=login).status == 0
    registry.wait_for_tags("alice/web", {"1": image.digest})


@pytest.mark.parametrize("name", ["bobby/web:1", "library/web:1", "web:1", "missing_account/web:1", "alice/team/web:1"])
def test_push_to_a_foreign_or_impossible_name_is_refused(registry: Registry, image: Image, name: str) -> None:
    result = registry.push(image.source, name, login="alice")
    assert result.status != 0
    assert registry.tags(name.partition(":")[0]) == {}


def test_anonymous_push_is_refused(registry: Registry, image: Image) -> None:
    assert registry.push(image.source, "alice/web:2", login="").status != 0


@pytest.mark.parametrize(("login", "can_pull"), [("bobby", True), ("carol", True), ("dora", False), ("", False)])
def test_private_repository_is_pulled_by_owner_and_collaborator(
    registry: Registry, private: str, image: Image, login: str, can_pull: bool
) -> None:
    assert (registry.pull(private, login=login).status == 0) is can_pull
    if login != "bobby":
        assert registry.push(image.source, private, login=login).status != 0


def test_robot_pulls_and_cannot_push_with_read(registry: Registry, private: str, image: Image) -> None:
    auth, form = ("bobby", PASSWORD), {"access": "read"}
    created = requests.put(registry.server.url("/v1/users/bobby/robots/ci"), json=form, auth=auth, timeout=10)
    assert created.status_code == 201, created.text
    assert registry.log_in("bobby", created.json()["token"], login="robot").status == 0
    assert registry.pull(private, login="robot").status == 0
    assert registry.push(image.source, "bobby/secret:2", login="robot").status != 0


def test_index_of_two_architectures_has_one_tag(registry: Registry, tmp_path: Path) -> None:
    index = create_image(tmp_path / "oci", "multi", architectures=("amd64", "arm64"))
    pushed = registry.push(index.source, "alice/multi:latest", login="alice")
    assert pushed.status == 0, pushed.output
    registry.wait_for_tags("alice/multi", {"latest": index.digest})
    assert registry.pull("alice/multi:latest").status == 0


def test_push_mounts_layers_of_another_repository(registry: Registry, image: Image) -> None:
    assert registry.push(image.source, "alice/base:1", login="alice").status == 0
    source = f"docker://{registry.host}/alice/base:1"
    target = f"docker://{registry.host}/alice/mounted:1"
    options = ("--src-tls-verify=false", "--dest-tls-verify=false")
    assert registry.run("skopeo", "copy", *options, source, target, login="alice").status == 0
    layer = json.loads((image.folder / "blobs/sha256" / image.digest.partition(":")[2]).read_text())["layers"][0]
    path = f"/v2/alice/mounted2/blobs/uploads/?mount={layer['digest']}&from=alice/base"
    auth = ("alice", PASSWORD)
    scopes = ("repository:alice/mounted2:push,pull", "repository:alice/base:pull")
    assert registry.call("POST", path, registry.token(*scopes, auth=auth)["token"]).status_code == 201
    foreign = registry.token(*scopes, auth=("dora", PASSWORD))
    assert registry.call("POST", path, foreign["token"]).status_code == 401


def test_notifications_keep_the_tags_equal(registry: Registry, image: Image, tmp_path: Path) -> None:
    second = create_image(tmp_path / "two", "two")
    name = "alice/tags"
    for source, tag in ((image, "1"), (image, "latest"), (second, "2"), (second, "latest")):
        assert registry.push(source.source, f"{name}:{tag}", login="alice").status == 0
    registry.wait_for_tags(name, {"1": image.digest, "2": second.digest, "latest": second.digest})
    deletion = registry.run(
        "skopeo", "delete", "--tls-verify=false", f"docker://{registry.host}/{name}:latest", login="alice"
    )
    assert deletion.status == 0, deletion.output
    registry.wait_for_tags(name, {"1": image.digest})  # a deletion by digest removes every tag of the manifest
    collaborator = registry.run(
        "skopeo", "delete", "--tls-verify=false", f"docker://{registry.host}/{name}:1", login="bobby"
    )
    assert collaborator.status != 0
    log = wait_for_log(registry.server, "POST +/registries/events")
    assert "scope=repo" not in log


def test_registry_rejects_tokens_that_are_not_for_the_request(registry: Registry, private: str, image: Image) -> None:
    path, auth = f"/v2/bobby/secret/manifests/{image.digest}", ("bobby", PASSWORD)
    token = registry.token("repository:bobby/secret:pull", auth=auth)["token"]
    assert registry.call("GET", path, token).status_code == 200
    other = registry.token("repository:bobby/other:pull", auth=auth)["token"]
    assert registry.call("GET", path, other).status_code == 401
    stranger = registry.token("repository:bobby/secret:pull", auth=("dora", PASSWORD))["token"]
    assert registry.call("GET", path, stranger).status_code == 401
    header, payload, signature = token.split(".")
    places = itertools.chain(range(0, len(payload), 40), range(len(payload) + 1, len(payload) + len(signature), 40))
    rest = f"{payload}.{signature}"
    for place in places:
        changed = "A" if rest[place] != "A" else "B"
        forged = f"{header}.{rest[:place]}{changed}{rest[place + 1 :]}"
        assert registry.call("GET", path, forged).status_code == 401, place


@needs_podman
def test_podman_pushes_and_pulls(registry: Registry, image: Image) -> None:
    runroot = tempfile.mkdtemp(prefix="waybill-")  # podman accepts at most 50 characters
    podman = ("podman", "--root", str(registry.folder / "podman"), "--runroot", runroot, "--storage-driver", "vfs")
    options = ("--tls-verify=false",)
    target = f"{registry.host}/alice/podman:1"
    loaded = registry.run(*podman, "pull", "-q", image.source, login="alice")
    if loaded.status != 0:
        pytest.skip(f"podman cannot store images here: {loaded.output[-200:]}")
    identifier = loaded.output.split()[-1]
    pushed = registry.run(*podman, "push", *options, identifier, target, login="alice")
    assert pushed.status == 0, pushed.output
    pulled = registry.run(*podman, "pull", *options, target, login="")
    assert pulled.status == 0, pulled.output
    refused = registry.run(*podman, "push", *options, identifier, f"{registry.host}/bobby/podman:1", login="alice")
    assert refused.status != 0


def test_check_accepts_this_registry_and_names_problems(registry: Registry) -> None:
    checked = run(registry, "check", f"http://{registry.host}", "--json")
    assert (checked.status, checked.json["accepts_tokens"]) == (0, True), checked.stderr
    assert run(registry, "check", "http://127.0.0.1:1").is_readable_error


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("service: registry.local", "service: other.local", "service"),
        ("issuer: waybill", "issuer: other", "issuer"),
        ("/token", "/other", "realm"),
        ("/waybill.pem", "/other.pem", "rootcertbundle"),
    ],
)
def test_check_names_the_problem(registry: Registry, old: str, new: str, word: str) -> None:
    other = LocalTokenKey(generate_private_key(65537, 2048))
    (registry.folder / "other.pem").write_text(BearerTokens(other, 3600).get_certificate())
    changed = registry.changed(old, new)
    with changed.running():
        checked = run(registry, "check", f"http://{changed.host}")
    assert checked.is_readable_error
    assert word in checked.stderr


def test_certificate_is_the_one_of_the_index(registry: Registry) -> None:
    printed = run(registry, "certificate")
    assert printed.stdout == requests.get(registry.server.url("/token/certificate"), timeout=10).text
    assert printed.stdout == (registry.folder / "waybill.pem").read_text()
