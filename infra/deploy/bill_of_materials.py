"""What is in the zip, for programs that look up known weaknesses: a software bill of materials, as CycloneDX JSON.

The same zip makes the same bytes: the bill's number comes from the zip's hash, and its date is that of the zip's files.
"""

import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@dataclass(frozen=True, slots=True)
class Wheel:
    """A library as it was fetched for the zip."""

    name: str
    version: str
    file: str
    sha256: str


def bill_of_materials(zip_sha256: str, wheels: Iterable[Wheel], date: datetime) -> str:
    """The bill of the zip with this hash: the wheels in it, Chalice's runtime, and the Python that runs it."""
    # An eighth of a second that the other commands need not spend.
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from packageurl import PackageURL

    def hashed(sha256: str) -> list[HashType]:
        return [HashType(alg=HashAlgorithm.SHA_256, content=sha256)]

    def library(name: str, version: str, **more: str) -> Component:
        url = PackageURL("pypi", None, name, version, more)
        return Component(name=name, version=version, purl=url, bom_ref=url.to_string())

    waybill = Component(
        name="waybill",
        version=tomllib.loads(PROJECT.read_text())["project"]["version"],
        type=ComponentType.APPLICATION,
        bom_ref="waybill",
        hashes=hashed(zip_sha256),
    )
    chalice = library("chalice", version("chalice"))
    chalice.description = "its runtime alone, which `chalice package` copies from where it is installed"
    python = Component(
        name="python",
        version=f"{sys.version_info.major}.{sys.version_info.minor}",
        type=ComponentType.PLATFORM,
        bom_ref="python",
        description="Lambda's own, beneath the zip and not in it",
    )
    components = [chalice, python]
    for wheel in wheels:
        component = library(wheel.name, wheel.version, file_name=wheel.file)
        component.hashes.update(hashed(wheel.sha256))
        components.append(component)
    bill = Bom(
        components=components,
        metadata=BomMetaData(component=waybill, timestamp=date),
        serial_number=uuid5(NAMESPACE_URL, f"sha256:{zip_sha256}"),
    )
    bill.register_dependency(waybill, components)
    return JsonV1Dot6(bill).output_as_string(indent=1) + "\n"
