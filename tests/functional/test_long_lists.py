"""The longest list: it fits the limits of Lambda, and API Gateway compresses it."""

import gzip
import json

from tests.index import Index

LAMBDA_BYTES = 6 * 1024 * 1024  # the limit of an event and of a response, each as JSON
IMAGES = "/v1/repositories/alice/big/images"


def test_list_of_30000_images_fits_the_limits_of_lambda_and_is_compressed(index: Index) -> None:
    alice = index.create_account("alice")
    images = [{"id": f"{n:064x}", "checksum": f"tarsum.v1+sha256:{n:064x}"} for n in range(30_000)]
    sent = json.dumps(images, separators=(",", ":"))
    assert len(json.dumps({"body": sent})) < LAMBDA_BYTES - 10_000  # the rest is for headers
    assert index.request("PUT", "/v1/repositories/alice/big", alice, body=sent.encode()).status == 200
    plain = index.request("GET", IMAGES)
    assert plain.json == images
    assert "content-encoding" not in plain.headers
    assert len(json.dumps({"body": plain.body.decode()})) < LAMBDA_BYTES - 10_000
    packed = index.request("GET", IMAGES, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2


def test_short_response_is_not_compressed(index: Index) -> None:
    index.push("alice/web", index.create_account("alice"), "a" * 64)
    response = index.request("GET", "/v1/repositories/alice/web/images", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in response.headers
    assert response.json == [{"id": "a" * 64}]
