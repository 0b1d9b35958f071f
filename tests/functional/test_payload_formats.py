"""A long image list passes through the function in both payload formats of an HTTP API.

`pytest --payload-format 2.0` runs all tests with the other format.
"""

import gzip
import json

import pytest

from tests.conftest import MakeIndex
from tests.lambda_events import HttpApiGateway, PayloadFormat

IMAGES = 30_000
LAMBDA_LIMIT = 6 * 1024 * 1024  # for the response of the function, with base64


@pytest.mark.parametrize("payload_format", ["1.0", "2.0"])
def test_list_of_30000_images_arrives_complete_and_compressed(
    make_index: MakeIndex, payload_format: PayloadFormat
) -> None:
    index = make_index()
    alice = index.create_account("alice")
    ids = [f"{n:064x}" for n in range(IMAGES)]
    index.push("alice/web", alice, *ids)
    gateway = HttpApiGateway(index.app, payload_format)
    headers = {"authorization": alice, "accept-encoding": "gzip"}
    response = gateway.handle("GET", "/v1/repositories/alice/web/images", headers)
    assert response.status == 200
    assert response.headers["Content-Encoding"] == "gzip"
    assert [entry["id"] for entry in json.loads(gzip.decompress(response.body))] == ids
    assert len(response.body) * 4 / 3 < LAMBDA_LIMIT
