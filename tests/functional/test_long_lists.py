"""A list as long as lists get, through the limits of what stands before and behind the function."""

import gzip
import json

from tests.index import Index

LAMBDA_BYTES = 6 * 1024 * 1024  # of a request's event, and of a reply, each as JSON
IMAGES = "/v1/repositories/alice/big/images"


def test_30000_images_fit_into_lambdas_request_and_reply_and_go_out_gzipped(index: Index) -> None:
    alice = index.account("alice")
    images = [{"id": f"{n:064x}", "checksum": f"tarsum.v1+sha256:{n:064x}"} for n in range(30_000)]
    sent = json.dumps(images, separators=(",", ":"))
    assert len(json.dumps({"body": sent})) < LAMBDA_BYTES - 10_000, "with room for headers"
    assert index.request("PUT", "/v1/repositories/alice/big", alice, body=sent.encode()).status == 200
    plain = index.request("GET", IMAGES)
    assert plain.json == images
    assert "content-encoding" not in plain.headers
    assert len(json.dumps({"body": plain.body.decode()})) < LAMBDA_BYTES - 10_000
    packed = index.request("GET", IMAGES, headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2


def test_a_short_reply_goes_out_as_it_is(index: Index) -> None:
    index.push("alice/web", index.account("alice"), "a" * 64)
    response = index.request("GET", "/v1/repositories/alice/web/images", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in response.headers
    assert response.json == [{"id": "a" * 64}]
