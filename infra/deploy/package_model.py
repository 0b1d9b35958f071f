"""The result of a build."""

from pathlib import Path
from typing import Any

from msgspec import Struct


class PackageError(Exception):
    """The package cannot be built. The message gives the reason."""


class Package(Struct, frozen=True):
    """A package. Sizes are in bytes.

    Attributes:
        zip: the function's code.
        sha256: the hash of `zip`, as hexadecimal digits.
        sbom: the bill of materials.
        template: the template of the service stack.
        architecture: the processor.
        untrimmed: the zip from Chalice, or None for a published release.
    """

    zip: Path
    sha256: str
    sbom: Path
    template: dict[str, Any]
    architecture: str
    untrimmed: Path | None = None

    @property
    def size(self) -> int:
        """The size of `zip`."""
        return self.zip.stat().st_size

    @property
    def untrimmed_size(self) -> int:
        """The size of `untrimmed`, or 0."""
        return self.untrimmed.stat().st_size if self.untrimmed else 0
