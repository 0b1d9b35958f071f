"""Tags of current registries, and the notifications that report them."""

import re
from enum import StrEnum

from msgspec import Struct

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


def is_tag(text: str) -> bool:
    """Return whether this is a tag: 1 to 128 characters of [A-Za-z0-9_.-], not starting with a dot or a hyphen."""
    return _TAG.fullmatch(text) is not None


class Tag(Struct, frozen=True):
    """A tag of a repository in a registry.

    Attributes:
        name: the tag, such as `latest`.
        digest: the digest of the manifest, such as `sha256:…`.
        media_type: the media type of the manifest.
        size: the size of the manifest in bytes, or None if unknown.
        pushed: the time of the push in nanoseconds since 1970.
    """

    name: str
    digest: str
    media_type: str
    size: int | None
    pushed: int


class TagAction(StrEnum):
    """What a notification reports."""

    PUSH = "push"
    DELETE = "delete"


class TagEvent(Struct, frozen=True):
    """A notification about one tag.

    Attributes:
        action: whether the tag was pushed or deleted.
        repository: the name as the registry writes it.
        tag: the tag. A deletion has no digest, media type and size.
        actor: the subject of the token that was used, or "".
        client_ip: the address of the client, or "".
    """

    action: TagAction
    repository: str
    tag: Tag
    actor: str = ""
    client_ip: str = ""
