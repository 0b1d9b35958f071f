"""The grammar of names, ids, checksums and addresses. Every rule's source is docs/protocol.md, 'Fields'."""

import re
from dataclasses import dataclass
from typing import Self

from chalicelib.errors import BadRequest

LIBRARY = "library"
PASSWORD_BYTES = 72  # bcrypt reads no further: a longer password is refused, not cut
PASSWORD_CHARACTERS = 5
ROBOT_TOKEN_PREFIX = "wbr_"  # what tells a robot's token from a password
DESCRIPTION_CHARACTERS = 255
EMAIL_CHARACTERS = 254
HOST_CHARACTERS = 259  # DNS's 253, and a port

_USERNAME = re.compile(r"[a-z0-9_]{4,30}", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9_-]{2,255}", re.ASCII)
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,254}", re.ASCII)
_PATH_WORDS = frozenset({"images", "auth", "layer"})  # names that would make a path ambiguous
_ROBOT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_IMAGE_ID = re.compile(r"[a-z0-9]{1,64}", re.ASCII)
_CHECKSUM = re.compile(r"(?:[a-z0-9][a-z0-9.+_-]{0,31}:)?[A-Za-z0-9]{1,128}", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class RepositoryName:
    """A repository's full name. `str()` gives `namespace/name`, as tokens and tables spell it."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def of(cls, namespace: str, name: str) -> Self:
        """Checks both parts. Raises BadRequest."""
        check_namespace(namespace)
        if not _REPOSITORY.fullmatch(name) or name in _PATH_WORDS:
            raise BadRequest(
                "a repository name is 1 to 255 of a-z, 0-9, -, _ and . with a letter or digit first, "
                "and none of images, auth, layer"
            )
        return cls(namespace, name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """`namespace/name`, or a bare name for the library's. Raises BadRequest."""
        namespace, slash, name = text.partition("/")
        return cls.of(namespace, name) if slash else cls.of(LIBRARY, namespace)


def check_namespace(text: str) -> str:
    """Raises BadRequest."""
    if not _NAMESPACE.fullmatch(text):
        raise BadRequest("a namespace is 2 to 255 of a-z, 0-9, _ and -")
    return text


def is_username(text: str) -> bool:
    """Whether an account may have this name: 4 to 30 of [a-z0-9_]."""
    return _USERNAME.fullmatch(text) is not None


def check_username(text: str) -> str:
    """Raises BadRequest."""
    if not is_username(text):
        raise BadRequest("a username is 4 to 30 of a-z, 0-9 and _")
    return text


def check_password(text: str) -> str:
    """A new password. Raises BadRequest."""
    if len(text) < PASSWORD_CHARACTERS:
        raise BadRequest(f"a password has at least {PASSWORD_CHARACTERS} characters")
    if not text.isprintable():
        raise BadRequest("a password has no control characters")
    if len(text.encode()) > PASSWORD_BYTES:
        raise BadRequest(f"a password has at most {PASSWORD_BYTES} bytes of UTF-8")
    if text.startswith(ROBOT_TOKEN_PREFIX):
        raise BadRequest(f"a password does not begin with {ROBOT_TOKEN_PREFIX}: robots' tokens do")
    return text


def is_email(text: str) -> bool:
    """Whether this is an address that mail can be sent to."""
    return len(text) <= EMAIL_CHARACTERS and len(text.partition("@")[0]) <= 64 and _EMAIL.fullmatch(text) is not None


def check_email(text: str) -> str:
    """Raises BadRequest."""
    if not is_email(text):
        raise BadRequest("an email is an address like name@example.com")
    return text


def is_robot(text: str) -> bool:
    """Whether a robot may have this name: 1 to 40 of [a-z0-9-]."""
    return _ROBOT.fullmatch(text) is not None


def is_host(text: str) -> bool:
    """Whether this is a bare `host[:port]`."""
    return len(text) <= HOST_CHARACTERS and _HOST.fullmatch(text) is not None


def check_robot(text: str) -> str:
    """Raises BadRequest."""
    if not is_robot(text):
        raise BadRequest("a robot's name is 1 to 40 of a-z, 0-9 and -, with a letter or digit first")
    return text


def check_description(text: str) -> str:
    """One line of text. Raises BadRequest."""
    if len(text) > DESCRIPTION_CHARACTERS:
        raise BadRequest(f"a description has at most {DESCRIPTION_CHARACTERS} characters")
    if not text.isprintable():
        raise BadRequest("a description is one line, without control characters")
    return text


def is_image_id(text: str) -> bool:
    """1 to 64 of [a-z0-9]: the published page has ids that are no hex."""
    return _IMAGE_ID.fullmatch(text) is not None


def is_checksum(text: str) -> bool:
    """`sha256:…`, `tarsum+sha256:…`, `tarsum.v1+sha256:…` or a bare digest."""
    return _CHECKSUM.fullmatch(text) is not None
