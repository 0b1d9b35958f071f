"""Measures the assumptions of the design, as ratios: `python -m bench.core`. Each figure is the best of five.

Signing: an access token with an hourly derived key, compared with one plain HMAC. Packing: reading a list of 10,000
images from packed segments, compared with reading one item for each image; and the bytes of both in DynamoDB.
"""

import hashlib
import hmac
import timeit
from collections.abc import Callable

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Grant, TokenScope
from chalicelib.security.access_tokens import AccessTokens
from chalicelib.security.signing import DerivedKeySigner, KmsSigner
from chalicelib.storage.segment_codec import pack, unpack_into
from chalicelib.storage.tables import EmailItem

IMAGES = 10_000
ITEM_BYTES = 64 + 71 + 10 + 8  # of an image in its own item, without the key of the repository: values and names


class _Kms:
    def generate_mac(self, **_: object) -> dict[str, bytes]:
        return {"Mac": bytes(32)}


class _ImageItem(EmailItem):
    """An image in its own item: two strings."""

    class Meta:
        table_name = "bench"
        region = "us-east-1"


def measure(statement: Callable[[], object], number: int) -> float:
    """Return the seconds of one run, the best of five."""
    return min(timeit.repeat(statement, number=number, repeat=5)) / number


def main() -> None:
    """Print one line for each comparison."""
    signer = DerivedKeySigner(KmsSigner(_Kms(), "bench"))
    tokens = AccessTokens(signer, 3600)
    token = tokens.issue(Grant(RepositoryName("foo", "bar"), TokenScope.READ, "0" * 16))
    plain = measure(lambda: hmac.digest(bytes(32), bytes(100), hashlib.sha256), 20_000)
    sign, verify = measure(lambda: signer.sign(1, bytes(100)), 20_000), measure(lambda: tokens.verify(token), 5_000)
    print(f"sign                  {sign * 1e6:6.1f} µs   {sign / plain:5.1f} times a plain HMAC")
    print(f"verify a token        {verify * 1e6:6.1f} µs   {verify / plain:5.1f} times a plain HMAC")

    images = {f"{n:064x}": f"sha256:{n:064x}" for n in range(IMAGES)}
    segments = pack(images)
    raw = [{"address": {"S": key}, "username": {"S": checksum}} for key, checksum in images.items()]

    def unpack() -> None:
        merged: dict[str, str] = {}
        for segment in segments:
            unpack_into(merged, segment)

    packed, items = measure(unpack, 5), measure(lambda: [_ImageItem.from_raw_data(item) for item in raw], 1)
    print(f"read {IMAGES:,} images    {packed * 1e3:6.1f} ms   {packed / items:5.3f} of one item for each image")
    size = sum(map(len, segments)) / IMAGES
    print(f"store one image       {size:6.1f} B    {size / ITEM_BYTES:5.2f} of one item for each image")


if __name__ == "__main__":
    main()
