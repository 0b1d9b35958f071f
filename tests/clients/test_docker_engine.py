"""Docker's daemon with BuildKit, its client, and containerd's `ctr`, with docker-registry and tokens of the index."""

from collections.abc import Iterator

import pytest

from tests.clients.docker_engine import PASSWORD, Engine, describe_missing_programs, push, run_engine
from tests.clients.registry_programs import create_image, find_program, run_registry, wait_until

pytestmark = [
    pytest.mark.skipif(bool(describe_missing_programs()), reason=describe_missing_programs()),
    pytest.mark.skipif(
        find_program("docker-registry", "docker-registry") is None, reason="no docker-registry from apt"
    ),
    pytest.mark.skipif(find_program("skopeo", "skopeo") is None, reason="skopeo is not installed"),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A daemon that has the image `local:1`, and the accounts alice and bobby."""
    folder = tmp_path_factory.mktemp("engine")
    image = create_image(folder / "oci", "docker")
    with run_registry(folder) as registry, run_engine(registry, image) as engine:
        registry.server.register("alice")
        registry.server.register("bobby")
        yield engine


def test_docker_logs_in_pushes_and_pulls(engine: Engine) -> None:
    assert engine.log_in("alice").status == 0
    wrong = engine.log_in("alice", "wrong password", login="wrong")
    assert wrong.status != 0
    assert "wrong username or password" in wrong.output, "docker prints the sentence of the index"
    pushed = push(engine, "alice/web:1", "alice")
    assert pushed.status == 0, pushed.output
    wait_until(lambda: "1" in engine.registry.tags("alice/web"), "the tag is in the index")
    assert push(engine, "bobby/web:1", "alice").status != 0
    assert push(engine, "alice/team/web:1", "alice").status != 0
    target = f"{engine.registry.host}/alice/web:1"
    assert engine.docker("rmi", target).status == 0
    assert engine.docker("pull", target).status == 0


def test_docker_pulls_and_finds_private_repositories_of_its_account(engine: Engine) -> None:
    assert engine.log_in("alice").status == 0
    assert engine.log_in("bobby").status == 0
    assert push(engine, "alice/secret:1", "alice").status == 0
    engine.registry.make_private("alice/secret")
    target = f"{engine.registry.host}/alice/secret:1"
    for login, is_found in (("alice", True), ("bobby", False), ("nobody", False)):
        assert (engine.docker("pull", target, login=login).status == 0) is is_found
    index = engine.registry.server.base_url.removeprefix("http://")
    for login, is_found in (("alice", True), ("bobby", False)):
        assert engine.log_in(login, login=f"{login} search", host=index).status == 0
        found = engine.docker("search", f"{index}/secret", login=f"{login} search")
        assert ("alice/secret" in found.output) is is_found, found.output


def test_buildkit_builds_on_a_private_image_of_its_account(engine: Engine) -> None:
    assert engine.log_in("alice").status == 0
    assert engine.log_in("bobby").status == 0
    assert push(engine, "alice/base:1", "alice").status == 0
    engine.registry.make_private("alice/base")
    base, target = f"{engine.registry.host}/alice/base:1", f"{engine.registry.host}/alice/app:1"
    built = engine.build(base, target, login="alice")
    if "buildx component is missing" in built.output:
        pytest.skip("docker 23 and later need docker-buildx for BuildKit, and it is not installed")
    assert built.status == 0, built.output
    assert engine.docker("push", target, login="alice").status == 0
    wait_until(lambda: "1" in engine.registry.tags("alice/app"), "the tag is in the index")
    refused = engine.build(base, target, login="bobby")
    assert refused.status != 0
    assert "pull access denied" in refused.output, refused.output
    assert engine.build(base, target, login="nobody").status != 0


def test_containerd_pulls_with_and_without_credentials(engine: Engine) -> None:
    assert engine.log_in("alice").status == 0
    for name in ("alice/open:1", "alice/closed:1"):
        assert push(engine, name, "alice").status == 0
    engine.registry.make_private("alice/closed")
    # The transfer service of containerd 2 does not know the snapshotter. With `--local`, ctr pulls, as in containerd 1.
    is_second = "--local" in engine.ctr("images", "pull", "--help").output
    pull = ("images", "pull", "--plain-http", "--snapshotter", "native", *(["--local"] if is_second else []))
    host = engine.registry.host
    opened = engine.ctr(*pull, f"{host}/alice/open:1")
    assert opened.status == 0, opened.output
    closed = engine.ctr(*pull, "--user", f"alice:{PASSWORD}", f"{host}/alice/closed:1")
    assert closed.status == 0, closed.output
    assert engine.ctr(*pull, f"{host}/alice/closed:1").status != 0
    start = len(engine.registry.server.log.read_text())
    assert engine.ctr(*pull, "--user", "alice:wrong password", f"{host}/alice/closed:1").status != 0
    log = engine.registry.server.log.read_text()[start:]
    assert "POST" in log
