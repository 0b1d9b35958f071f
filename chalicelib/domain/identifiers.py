"""The grammar of names, ids, checksums and addresses. The rules are those of docs/reference/protocol.md, "Fields"."""

import re
from collections.abc import Callable
from typing import Self

from msgspec import Struct

from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.text import is_one_line, is_text, normalize

LIBRARY = "library"
MAX_PASSWORD_BYTES = 72  # bcrypt ignores everything after this; longer passwords are rejected, not cut
MIN_PASSWORD_LENGTH = 5
ROBOT_TOKEN_PREFIX = "wbr_"  # distinguishes a robot's token from a password
MAX_DESCRIPTION_LENGTH = 255
MAX_LONG_DESCRIPTION_BYTES = 25_000
MAX_EMAIL_LENGTH = 254
MAX_HOST_LENGTH = 259  # 253 for the DNS name, and a port

_USERNAME = re.compile(r"[a-z0-9_]{4,30}", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9_-]{2,255}", re.ASCII)
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9_.-]{0,254}", re.ASCII)
_PATH_WORDS = frozenset({"images", "auth", "layer"})  # these names would make a path ambiguous
_RESERVED_NAMES = _PATH_WORDS | {LIBRARY}
_ROBOT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}", re.ASCII)
_IMAGE_ID = re.compile(r"[a-z0-9]{1,64}", re.ASCII)
_CHECKSUM = re.compile(r"(?:[a-z0-9][a-z0-9.+_-]{0,31}:)?[A-Za-z0-9]{1,128}", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])",
    re.ASCII,
)


class RepositoryName(Struct, frozen=True, order=True):
    """The full name of a repository. `str()` gives `namespace/name`, the form used in tokens and tables."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @classmethod
    def of(cls, namespace: str, name: str) -> Self:
        """Return the name with these two parts. Raises InvalidInput."""
        check_namespace(namespace)
        if not _REPOSITORY.fullmatch(name) or name in _PATH_WORDS:
            raise InvalidInput(
                "a repository name must be 1 to 255 characters of a-z, 0-9, -, _ and ., must start with a letter or "
                "digit, and cannot be images, auth or layer"
            )
        return cls(namespace, name)

    @classmethod
    def parse(cls, text: str, default_namespace: str = LIBRARY) -> Self:
        """Parse `namespace/name`, or a name in the default namespace if there is no slash. Raises InvalidInput."""
        namespace, slash, name = text.partition("/")
        return cls.of(namespace, name) if slash else cls.of(default_namespace, namespace)


def check_namespace(text: str) -> str:
    """Return `text` if it is a namespace. Raises InvalidInput."""
    if not is_namespace(text):
        raise InvalidInput("a namespace must be 2 to 255 characters of a-z, 0-9, _ and -")
    return text


def is_namespace(text: str) -> bool:
    """Return whether this is a namespace: 2 to 255 characters of [a-z0-9_-]."""
    return _NAMESPACE.fullmatch(text) is not None


def check_organization(text: str) -> str:
    """Return `text` if an organisation may have this name. Raises InvalidInput."""
    if not is_namespace(text):
        raise InvalidInput("the name of an organisation must be 2 to 255 characters of a-z, 0-9, _ and -")
    if text in _RESERVED_NAMES:
        raise InvalidInput(f"the name of an organisation cannot be one of {', '.join(sorted(_RESERVED_NAMES))}")
    return text


def is_username(text: str) -> bool:
    """Return whether an account may have this name: 4 to 30 characters of [a-z0-9_]."""
    return _USERNAME.fullmatch(text) is not None


def check_username(text: str) -> str:
    """Return `text` if it is a username. Raises InvalidInput."""
    if not is_username(text):
        raise InvalidInput("a username must be 4 to 30 characters of a-z, 0-9 and _")
    return text


def check_password(text: str) -> str:
    """Return `text` in the normal form NFC if it can become a password. Raises InvalidInput."""
    text = normalize(text)
    if len(text) < MIN_PASSWORD_LENGTH:
        raise InvalidInput(f"a password must have at least {MIN_PASSWORD_LENGTH} characters")
    if not is_one_line(text):
        raise InvalidInput("a password cannot contain control characters")
    if len(text.encode()) > MAX_PASSWORD_BYTES:
        raise InvalidInput(f"a password can have at most {MAX_PASSWORD_BYTES} bytes in UTF-8")
    if text.startswith(ROBOT_TOKEN_PREFIX):
        raise InvalidInput(f"a password cannot start with {ROBOT_TOKEN_PREFIX}, because robot tokens do")
    return text


def is_email(text: str) -> bool:
    """Return whether this is a valid email address."""
    return len(text) <= MAX_EMAIL_LENGTH and len(text.partition("@")[0]) <= 64 and _EMAIL.fullmatch(text) is not None


def check_email(text: str) -> str:
    """Return `text` if it is an email address. Raises InvalidInput."""
    if not is_email(text):
        raise InvalidInput("an email must be an address like name@example.com")
    return text


def is_robot(text: str) -> bool:
    """Return whether a robot may have this name: 1 to 40 characters of [a-z0-9-], not starting with a hyphen."""
    return _ROBOT.fullmatch(text) is not None


def check_robot(text: str) -> str:
    """Return `text` if it is the name of a robot. Raises InvalidInput."""
    if not is_robot(text):
        raise InvalidInput("a robot name must be 1 to 40 characters of a-z, 0-9 and -, starting with a letter or digit")
    return text


def loggable_name(text: str, is_name: Callable[[str], bool] = is_username) -> str:
    """Return the text of a form or header if it is a name, else "".

    Any other text may be a password or a robot token that was entered in the wrong field.
    """
    return text if is_name(text) and not text.startswith(ROBOT_TOKEN_PREFIX) else ""


def is_host(text: str) -> bool:
    """Return whether this is `host` or `host:port`, without a scheme. A port is 1 to 65535."""
    match = _HOST.fullmatch(text)
    return len(text) <= MAX_HOST_LENGTH and match is not None and 0 < int(match[1] or 80) < 65536


def check_description(text: str) -> str:
    """Return `text` in the normal form NFC if it is one line of at most 255 characters. Raises InvalidInput."""
    text = normalize(text)
    if len(text) > MAX_DESCRIPTION_LENGTH:
        raise InvalidInput(f"a description can have at most {MAX_DESCRIPTION_LENGTH} characters")
    if not is_one_line(text):
        raise InvalidInput("a description must be one line without control characters")
    return text


def check_long_description(text: str) -> str:
    """Return Markdown in the normal form NFC, with line feeds as line ends. Raises InvalidInput."""
    text = normalize(text.replace("\r\n", "\n").replace("\r", "\n"))
    if not is_text(text):
        raise InvalidInput("a long description cannot contain control characters except tabs and line ends")
    if len(text.encode()) > MAX_LONG_DESCRIPTION_BYTES:
        raise InvalidInput(f"a long description can have at most {MAX_LONG_DESCRIPTION_BYTES} bytes in UTF-8")
    return text


def is_image_id(text: str) -> bool:
    """Return whether this is an image id: 1 to 64 characters of [a-z0-9]. Published examples are not hexadecimal."""
    return _IMAGE_ID.fullmatch(text) is not None


def is_checksum(text: str) -> bool:
    """Return whether this is `sha256:…`, `tarsum+sha256:…`, `tarsum.v1+sha256:…` or a digest without a prefix."""
    return _CHECKSUM.fullmatch(text) is not None
