"""The software bill of materials (SBOM) of the package, as CycloneDX JSON.

The same package gives the same bytes: the serial number is derived from its hash, and the date is that of its files.
"""

import sys
from collections.abc import Iterable
from datetime import datetime
from importlib.metadata import version
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct

from infra import project_version


class Wheel(Struct, frozen=True):
    """A library that pip downloaded for the package."""

    name: str
    version: str
    file: str
    sha256: str


def write_bill_of_materials(zip_sha256: str, wheels: Iterable[Wheel], date: datetime) -> str:
    """Return the bill of the package with this hash: its wheels, Chalice's runtime, and the Python that runs it."""
    # These imports take an eighth of a second that the other commands do not need.
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    def create_hashes(sha256: str) -> list[HashType]:
        return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)]

    def create_library(name: str, version: str, **qualifiers: str) -> Component:
        url = PackageURL("pypi", None, name, version, qualifiers)
        return Component(name=name, version=version, purl=url, bom_ref=url.to_string())

    waybill = Component(
        name="waybill",
        version=project_version(),
        type=ComponentType.APPLICATION,
        bom_ref="waybill",
        hashes=create_hashes(zip_sha256),
    )
    chalice = create_library("chalice", version("chalice"))
    chalice.description = "only its runtime, which `chalice package` copies from the installed library"
    python = Component(
        name="python",
        version=f"{sys.version_info.major}.{sys.version_info.minor}",
        type=ComponentType.PLATFORM,
        bom_ref="python",
        description="part of Lambda, not of the package",
    )
    components = [chalice, python]
    for wheel in wheels:
        component = create_library(wheel.name, wheel.version, file_name=wheel.file)
        component.hashes.update(create_hashes(wheel.sha256))
        components.append(component)
    bill = Bom(
        components=components,
        metadata=BomMetaData(component=waybill, timestamp=date),
        serial_number=uuid5(NAMESPACE_URL, f"sha256:{zip_sha256}"),
    )
    bill.register_dependency(waybill, components)
    return JsonV1Dot6(bill).output_as_string(indent=1) + "\n"
