"""`waybill registries rotate`: the key of bearer tokens is replaced without an interruption."""

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.admin_commands import run
from tests.conftest import MakeIndex
from tests.index import Index
from tests.registries import create_registry_index, get_token

NEXT_KEY = rsa.generate_private_key(65537, 2048)  # before conftest.py gives all keys of moto the same value


@pytest.fixture
def index(make_index: MakeIndex, monkeypatch: pytest.MonkeyPatch) -> Index:
    """An index with registries. The next key that moto creates is another one."""
    index = create_registry_index(make_index)
    monkeypatch.setattr(rsa, "generate_private_key", lambda *_, **__: NEXT_KEY)
    return index


def certificate(index: Index) -> str:
    response = index.restart().request("GET", "/token/certificate")
    assert response.status == 200
    return response.body.decode()


def test_rotation_keeps_the_key_until_it_is_finished(index: Index) -> None:
    before = certificate(index)
    token = get_token(index).json["token"]
    started = run(index, "registries", "rotate", "start", "--json")
    assert started.status == 0, started.stderr
    present, following = started.json["certificates"]
    assert present == before == certificate(index)
    assert following != present
    assert run(index, "registries", "rotate", "start").stdout.strip() == (present + following).strip()
    finished = run(index, "registries", "rotate", "finish", "--yes", "--json")
    assert finished.status == 0, finished.stderr
    assert certificate(index) == following
    new = index.restart()
    assert new.request("GET", "/v2/", f"Bearer {get_token(new).json['token']}").status == 200
    assert new.request("GET", "/v2/", f"Bearer {token}").status == 401, "the index accepts only its present key"
    key = index.aws.kms.describe_key(KeyId=finished.json["previous_key"])["KeyMetadata"]
    assert key["KeyState"] == "Enabled", "the old key is kept"
    assert run(index, "registries", "rotate", "finish", "--yes").is_readable_error


def test_interrupted_finish_can_be_repeated(index: Index) -> None:
    assert run(index, "registries", "rotate", "start").status == 0
    with index.failing_calls("DeleteAlias"):
        assert run(index, "registries", "rotate", "finish", "--yes").status != 0
    assert run(index, "registries", "rotate", "finish", "--yes").status == 0
    assert run(index, "registries", "rotate", "finish", "--yes").is_readable_error


def test_rotation_without_a_key_or_a_start_is_rejected(index: Index, make_index: MakeIndex) -> None:
    assert run(index, "registries", "rotate", "finish", "--yes").is_readable_error
    assert run(make_index(), "registries", "rotate", "start").is_readable_error


def test_finish_asks_first(index: Index) -> None:
    before = certificate(index)
    assert run(index, "registries", "rotate", "start").status == 0
    assert run(index, "registries", "rotate", "finish", stdin="n\n").status == 1
    assert certificate(index) == before
