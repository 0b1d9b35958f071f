"""What the core's design rests on, as ratios in one run: `make bench`. Each figure is the best of five.

Signing: an access token under an epoch's key beside one bare HMAC. Packing: reading a list of 10,000 images from packed
segments beside reading the same list as an item each, and the bytes that both take in DynamoDB.
"""

import hashlib
import hmac
import timeit

from chalicelib.domain.identifiers import RepositoryName
from chalicelib.domain.roles import Grant, TokenScope
from chalicelib.security.access_tokens import AccessTokens
from chalicelib.security.signing import DerivedKeySigner, KmsSigner
from chalicelib.storage.segment_codec import pack, unpack_into
from chalicelib.storage.tables import EmailItem

IMAGES = 10_000


class _Kms:
    def generate_mac(self, **_: object) -> dict[str, bytes]:
        return {"Mac": bytes(32)}


class _Item(EmailItem):
    """An image as an item of its own would be: two strings."""

    class Meta:
        table_name = "bench"
        region = "us-east-1"


def best(statement: object, number: int) -> float:
    """Seconds for one run, the best of five."""
    return min(timeit.repeat(statement, number=number, repeat=5)) / number  # type: ignore[arg-type]


def main() -> None:
    """Prints one line for each comparison."""
    signer = DerivedKeySigner(KmsSigner(_Kms(), "bench"))
    tokens = AccessTokens(signer, 3600)
    token = tokens.issue(Grant(RepositoryName("foo", "bar"), TokenScope.READ, "0" * 16))
    bare = best(lambda: hmac.digest(bytes(32), bytes(100), hashlib.sha256), 20_000)
    sign, check = best(lambda: signer.sign(1, bytes(100)), 20_000), best(lambda: tokens.verify(token), 5_000)
    print(f"signer       {sign * 1e6:6.1f} µs   {sign / bare:5.1f} x a bare HMAC")
    print(f"check token  {check * 1e6:6.1f} µs   {check / bare:5.1f} x a bare HMAC")

    images = {f"{n:064x}": f"sha256:{n:064x}" for n in range(IMAGES)}
    segments = pack(images)
    raw = [{"address": {"S": key}, "username": {"S": checksum}} for key, checksum in images.items()]

    def unpack() -> None:
        merged: dict[str, str] = {}
        for segment in segments:
            unpack_into(merged, segment)

    packed, items = best(unpack, 5), best(lambda: [_Item.from_raw_data(item) for item in raw], 1)
    print(f"read {IMAGES}   {packed * 1e3:6.1f} ms   {packed / items:5.3f} of an item each")
    size = sum(map(len, segments)) / IMAGES
    print(f"store an image {size:4.1f} B    {size / (64 + 71 + 10 + 8):5.2f} of an item each, without its keys")


if __name__ == "__main__":
    main()
