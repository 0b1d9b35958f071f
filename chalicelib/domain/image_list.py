"""The image list of a repository: parsing, merging and limits.

A list maps image ids to checksums, in the order in which the ids first appeared. An empty string means that no
checksum is known.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from chalicelib.domain.errors import InvalidInput, TooLarge
from chalicelib.domain.identifiers import is_checksum, is_image_id

MAX_IMAGES = 30_000


class ImageEntry(Struct, frozen=True):
    """One entry of a list as clients send it. They also send `Tag`, which only the registry needs."""

    id: str
    checksum: str | None = None


def parse_image_entries(entries: Iterable[ImageEntry]) -> dict[str, str]:
    """Return the list that a client sent. Docker sends an id once for each of its tags.

    Raises InvalidInput for a malformed id or checksum, or for two checksums of one id. Raises TooLarge.
    """
    images: dict[str, str] = {}
    for entry in entries:
        if not is_image_id(entry.id):
            raise InvalidInput("an image id must be 1 to 64 characters of a-z and 0-9")
        checksum = entry.checksum or ""
        if checksum and not is_checksum(checksum):
            raise InvalidInput(
                "a checksum must be sha256:…, tarsum+sha256:…, tarsum.v1+sha256:… or a digest without a prefix"
            )
        if checksum and images.get(entry.id, checksum) not in ("", checksum):
            raise InvalidInput(f"image {entry.id} appears twice with different checksums")
        images[entry.id] = checksum or images.get(entry.id, "")
    check_image_count(images)
    return images


def find_changes(existing: Mapping[str, str], images: Mapping[str, str]) -> dict[str, str]:
    """Return the entries of `images` that are new or have a checksum that differs from `existing`."""
    return {
        image_id: checksum
        for image_id, checksum in images.items()
        if image_id not in existing or (checksum and existing[image_id] != checksum)
    }


def merge_images(existing: Mapping[str, str], images: Mapping[str, str]) -> dict[str, str]:
    """Return `existing` with `images` added. Ids keep their place; a new checksum replaces an old or missing one."""
    merged = dict(existing)
    for image_id, checksum in images.items():
        merged[image_id] = checksum or merged.get(image_id, "")
    return merged


def check_image_count(images: Mapping[str, str]) -> None:
    """Raise TooLarge if the list has more than MAX_IMAGES entries."""
    if len(images) > MAX_IMAGES:
        raise TooLarge(f"a repository can have at most {MAX_IMAGES} images; this request would make it {len(images)}")


def encode_image_list(images: Mapping[str, str]) -> str:
    """Return the list as JSON: `[{"id": …, "checksum": …}, …]`, without `checksum` where none is known.

    The text is assembled directly, because no character of an id or a checksum needs escaping in JSON. An object for
    each of 30,000 images would double the time.
    """
    entries = (
        f'{{"id":"{image_id}","checksum":"{checksum}"}}' if checksum else f'{{"id":"{image_id}"}}'
        for image_id, checksum in images.items()
    )
    return f"[{','.join(entries)}]"
