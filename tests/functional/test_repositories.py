"""Push, pull and deletion, as in the published documentation and in real clients."""

import pytest

from tests.conftest import MakeIndex
from tests.index import Index, basic

ID = "9e89cc6f0bc3c38722009fe6857087b486531f9a779a0c17e3ed29dae8f12c4f"
CHECKSUM = "b486531f9a779a0c17e3ed29dae8f12c4f9e89cc6f0bc3c38722009fe6857087"
PUBLISHED = [
    {"id": ID, "checksum": CHECKSUM},
    {
        "id": "ertwetewtwe38722009fe6857087b486531f9a779a0c1dfddgfgsdgdsgds",
        "checksum": "34t23f23fc17e3ed29dae8f12c4f9e89cc6f0bsdfgfsdgdsgdsgerwgew",
    },
]
A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.mark.exhaustive
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("library", [False, True])
def test_published_examples_work(index: Index, slash: str, library: bool) -> None:
    owner = index.create_account("foobar", admin=library)
    path, full = ("foobar", "library/foobar") if library else ("foobar/bar", "foobar/bar")
    base = f"/v1/repositories/{path}"

    response = index.request("PUT", base + slash, owner, json=[{"id": ID}], token=True)
    assert (response.status, response.body) == (200, b'""')
    assert response.headers["x-docker-endpoints"] == "localhost:5000"
    assert response.token.endswith(f',repository="{full}",access=write')
    assert response.headers["www-authenticate"] == f"Token {response.token}"
    write = f"Token {response.token}"

    response = index.request("PUT", f"{base}/images{slash}", owner, json=PUBLISHED)
    assert (response.status, response.body) == (204, b"")

    response = index.request("GET", f"{base}/images{slash}", owner)
    assert (response.status, response.json) == (200, PUBLISHED)

    response = index.request("PUT", f"{base}/auth{slash}", write)
    assert (response.status, response.body) == (200, b'"OK"')

    response = index.request("DELETE", base + slash, owner, json="", token=True)
    assert (response.status, response.body) == (202, b'""')
    assert response.token.endswith(f',repository="{full}",access=delete')
    assert response.headers["x-docker-endpoints"] == "localhost:5000"


def test_name_without_a_namespace_is_in_the_library(index: Index) -> None:
    admin = index.create_account("admin", admin=True)
    index.push("solo", admin, A)
    assert index.ids("library/solo") == [A]
    index.push("library/other", admin, B)
    assert index.ids("other") == [B]


def test_library_can_be_read_by_everyone_and_changed_by_administrators(index: Index) -> None:
    admin, alice = index.create_account("admin", admin=True), index.create_account("alice")
    write = f"Token {index.push('solo', admin, A)}"
    assert index.ids("solo") == index.ids("solo", alice) == [A]
    for path in ("solo", "library/solo", "new"):
        assert index.request("PUT", f"/v1/repositories/{path}", alice, json=[]).status == 403
        assert index.request("DELETE", f"/v1/repositories/{path}", alice).status == 403
        assert index.request("PUT", f"/v1/repositories/{path}/images", alice, json=[]).status == 403
    assert index.request("PUT", "/v1/repositories/solo/images", write, json=[{"id": B}]).status == 204


def test_only_the_owner_can_change_a_repository(index: Index) -> None:
    alice, bobby = index.create_account("alice"), index.create_account("bobby")
    index.push("alice/web", alice, A)
    for method, path in (("PUT", ""), ("DELETE", ""), ("PUT", "/images")):
        assert index.request(method, f"/v1/repositories/alice/web{path}", bobby, json=[]).status == 403
        response = index.request(method, f"/v1/repositories/alice/web{path}", json=[])
        assert response.status == 401  # docker asks for a login only after 401
        assert "www-authenticate" in response.headers
    assert index.ids("alice/web", bobby) == [A]


def test_inactive_account_is_rejected(index: Index) -> None:
    auth = index.create_account("alice", active=False)
    for method, path in (("PUT", ""), ("DELETE", ""), ("PUT", "/images"), ("GET", "/images")):
        response = index.request(method, f"/v1/repositories/alice/web{path}", auth, json=[])
        assert (response.status, response.body) == (403, b'"Account is not Active"')


def test_token_is_sent_only_on_request(index: Index) -> None:
    alice = index.create_account("alice")
    for response in (
        index.request("PUT", "/v1/repositories/alice/web", alice, json=[]),
        index.request("GET", "/v1/repositories/alice/web/images"),
        index.request("PUT", "/v1/repositories/alice/web/images", alice, json=[]),
        index.request("DELETE", "/v1/repositories/alice/web", alice),
    ):
        assert "x-docker-token" not in response.headers
        assert "www-authenticate" not in response.headers
        assert response.headers["x-docker-endpoints"] == "localhost:5000"


def test_several_registry_endpoints_are_joined(make_index: MakeIndex) -> None:
    index = make_index(registry_endpoints=("r1.example.com", "r2.example.com:5000"))
    response = index.request("PUT", "/v1/repositories/alice/web", index.create_account("alice"), json=[])
    assert response.headers["x-docker-endpoints"] == "r1.example.com, r2.example.com:5000"


def test_anonymous_pull_gets_a_token_and_a_wrong_password_does_not(index: Index) -> None:
    index.push("alice/web", index.create_account("alice"), A)
    path = "/v1/repositories/alice/web/images"
    for auth in (None, "Basic Og=="):
        response = index.request("GET", path, auth, token=True)
        assert response.status == 200
        assert response.token.endswith("access=read")
    assert index.request("GET", path, basic("alice", "wrong horse"), token=True).status == 401


def test_tags_are_accepted_and_not_returned(index: Index) -> None:
    alice = index.create_account("alice")
    body = [{"id": A}, {"id": B, "Tag": "latest"}, {"id": B, "Tag": "v1"}]
    assert index.request("PUT", "/v1/repositories/alice/web/", alice, json=body).status == 200
    assert index.request("GET", "/v1/repositories/alice/web/images").json == [{"id": A}, {"id": B}]


def test_push_merges_images(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, A, B)
    path = "/v1/repositories/alice/web/images"
    assert index.request("PUT", path, alice, json=[{"id": B, "checksum": "sha256:" + C}]).status == 204
    index.push("alice/web", alice, C, B)
    assert index.request("PUT", path, alice, json=[]).status == 204
    assert index.request("GET", path).json == [{"id": A}, {"id": B, "checksum": "sha256:" + C}, {"id": C}]
    assert index.request("PUT", path, alice, json=[{"id": B, "checksum": "sha256:" + A}]).status == 204
    assert index.request("GET", path).json[1] == {"id": B, "checksum": "sha256:" + A}


def test_empty_push_creates_an_empty_repository(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice)
    assert index.ids("alice/web") == []
    index.push("alice/web", alice, A)
    assert index.ids("alice/web") == [A]


def test_missing_repository_is_404_in_each_operation(index: Index) -> None:
    alice = index.create_account("alice")
    for method, path in (("GET", "/images"), ("PUT", "/images"), ("DELETE", ""), ("GET", f"/layer/{A}/access")):
        assert index.request(method, f"/v1/repositories/alice/gone{path}", alice, json=[]).status == 404


def test_deleted_repository_can_be_read_with_the_delete_token_only(index: Index) -> None:
    alice = index.create_account("alice")
    write = f"Token {index.push('alice/web', alice, A)}"
    base = "/v1/repositories/alice/web"
    read = f"Token {index.request('GET', base + '/images', token=True).token}"

    response = index.request("DELETE", base, alice, token=True)
    assert response.status == 202
    delete = f"Token {response.token}"

    for auth in (None, alice, read, write):
        assert index.request("GET", base + "/images", auth).status == 404
    assert index.request("PUT", base + "/images", write, json=[{"id": B}]).status == 404
    assert index.request("PUT", base + "/auth", write).status == 404
    assert index.request("DELETE", base, alice).status == 202  # no registry has presented the delete token

    assert index.request("GET", base + "/images", delete).json == [{"id": A}]
    assert index.request("PUT", base + "/auth", delete).body == b'"OK"'
    response = index.request("DELETE", base, alice, token=True)
    assert (response.status, response.body) == (200, b'""')
    assert "x-docker-token" not in response.headers
    assert index.request("GET", base + "/images", delete).status == 200  # a token can be used several times


def test_tokens_are_invalid_after_deletion_even_if_the_name_is_used_again(index: Index) -> None:
    alice = index.create_account("alice")
    base = "/v1/repositories/alice/web"
    write = f"Token {index.push('alice/web', alice, A)}"
    read = f"Token {index.request('GET', base + '/images', token=True).token}"
    delete = f"Token {index.request('DELETE', base, alice, token=True).token}"
    index.push("alice/web", alice, B)
    assert index.ids("alice/web") == [B]  # without the earlier list
    for auth in (read, write, delete):
        assert index.request("GET", base + "/images", auth).status == 401
        assert index.request("PUT", base + "/auth", auth).status == 403
    assert index.request("PUT", base + "/images", write, json=[{"id": C}]).status == 401
    assert index.ids("alice/web") == [B]


def test_deletion_and_creation_leave_no_old_items(index: Index) -> None:
    alice = index.create_account("alice")
    for _ in range(3):
        for image_id in (A, B, C):
            index.push("alice/web", alice, image_id)
        assert index.request("DELETE", "/v1/repositories/alice/web", alice).status == 202
    index.push("alice/web", alice, A)
    stored = list(index.tables.images.query("alice/web"))
    assert [item.segment.split("/")[0] for item in stored] == ["head", "segment"]
    assert index.tables.repositories.get("alice", "web").created


def test_items_of_a_deleted_repository_expire(index: Index) -> None:
    alice = index.create_account("alice")
    index.push("alice/web", alice, A)
    index.push("alice/web", alice, B)
    index.request("DELETE", "/v1/repositories/alice/web", alice)
    assert all(item.expires for item in index.tables.images.query("alice/web"))
    assert index.request("PUT", "/v1/repositories/alice/web", alice, json=[]).status == 200
    assert [item.expires for item in index.tables.images.query("alice/web")] == [None]


def test_head_has_the_status_and_headers_of_get(index: Index) -> None:
    index.push("alice/web", index.create_account("alice"), A)
    path = "/v1/repositories/alice/web/images"
    head, get = index.request("HEAD", path), index.request("GET", path)
    assert (head.status, head.headers) == (get.status, get.headers)


def test_list_has_at_most_30000_images(index: Index) -> None:
    alice = index.create_account("alice")
    many = [{"id": f"{n:064x}", "checksum": f"tarsum.v1+sha256:{n:064x}"} for n in range(30_000)]
    path = "/v1/repositories/alice/big"
    assert index.request("PUT", path, alice, json=many).status == 200
    response = index.request("GET", path + "/images")
    assert response.json == many
    assert len(response.body) < 5_600_000  # a response of Lambda holds 6 MB, and quotes count twice
    for response in (
        index.request("PUT", path + "/images", alice, json=[{"id": "one0more"}]),
        index.request("PUT", "/v1/repositories/alice/other", alice, json=[*({"id": i["id"]} for i in many), {"id": A}]),
    ):
        assert response.status == 413
        assert "30000" in response.json["error"]
    assert len(index.ids("alice/big")) == 30_000
    assert index.request("GET", "/v1/repositories/alice/other/images").status == 404


def test_long_ids_are_limited_by_their_size(index: Index) -> None:
    alice = index.create_account("alice")
    long = [{"id": f"z{n:063}", "checksum": "y" * 100} for n in range(25_000)]
    response = index.request("PUT", "/v1/repositories/alice/big", alice, json=long)
    assert response.status == 413
    assert index.request("PUT", "/v1/repositories/alice/big", alice, json=long[:20_000]).status == 200
    assert len(index.ids("alice/big")) == 20_000
