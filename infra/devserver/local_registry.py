"""A registry next to the local server: its settings, and Debian's docker-registry if it is installed."""

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from chalicelib.settings import Settings
from infra import command_name
from infra.admin.registry_config import RegistryKind, RegistrySettings, render_registry

_DEFAULT_PORT = 5000
_STOP_SECONDS = 10
_INSTALL = "REGISTRY=1 needs docker-registry, which is not installed; install it with: apt-get install docker-registry"


class RegistryStartError(Exception):
    """The registry cannot start. The message is one sentence for a person."""


def add_registry_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with the settings that a registry needs.

    REGISTRY=1 starts a registry on port 5000, and REGISTRY=PORT on another port. REGISTRY_SECRET is random if it is not
    set, because only registries need it.
    """
    variables = dict(environment)
    if variables.get("REGISTRY"):
        variables["REGISTRIES"] = variables.get("REGISTRIES") or "registry.local"
        variables["REGISTRY_ADDRESS"] = variables.get("REGISTRY_ADDRESS") or f"localhost:{_parse_port(variables)}"
    if variables.get("REGISTRIES"):
        variables["REGISTRY_SECRET"] = variables.get("REGISTRY_SECRET") or secrets.token_urlsafe(24)
    return variables


def token_key_path(environment: Mapping[str, str]) -> Path | None:
    """Return the file of the token key, next to DATA; None without DATA."""
    data = environment.get("DATA")
    return Path(f"{data}.token-key.pem") if data else None


def describe_registries(settings: Settings, key_file: Path | None) -> str:
    """Return sentences about the registries and the token key for the greeting."""
    if not settings.registries:
        return ""
    key = (
        "The token key has no file: after a restart, registries need a new certificate. Set DATA to keep the key."
        if key_file is None
        else f"The token key is in {key_file}."
    )
    url = settings.base_url
    return f"Configure a registry with: {command_name()} registries config --local {url} > registry.yml\n{key}"


@contextmanager
def run_registry(environment: Mapping[str, str], settings: Settings, certificate: str) -> Iterator[str]:
    """Run docker-registry until the block ends. Yields a sentence about it, also if it is not installed.

    Its images are in the folder DATA.registry, or in a temporary folder without DATA. Raises RegistryStartError.
    """
    program = shutil.which("docker-registry")
    if program is None:
        yield _INSTALL
        return
    port = _parse_port(environment)
    with tempfile.TemporaryDirectory(prefix="waybill-registry-") as folder:
        data = environment.get("DATA")
        storage = Path(f"{data}.registry").resolve() if data else Path(folder, "images")
        storage.mkdir(exist_ok=True)
        path, file = Path(folder, "waybill.pem"), Path(folder, "registry.yml")
        path.write_text(certificate)
        service, secret = settings.registries[0], settings.registry_secret
        registry = RegistrySettings(settings.base_url, service, secret, str(path), f"127.0.0.1:{port}", str(storage))
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
            stream.write(render_registry(RegistryKind.DISTRIBUTION, registry))
        _check_port(port)
        log = storage.with_name(storage.name + ".log").open("wb")
        command = [program, "serve", str(file)]
        with log, subprocess.Popen(command, stdout=log, stderr=log) as process:  # nosec B603  # the arguments are constants and paths
            try:
                yield (
                    f"docker-registry listens on localhost:{port}; its images are in {storage}.\n"
                    f"Push with: docker login localhost:{port} && docker push localhost:{port}/alice/web"
                )
            finally:
                _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise RegistryStartError(
                f"docker-registry cannot listen on port {port}: {error.strerror}; set REGISTRY to another port"
            ) from error


def _parse_port(environment: Mapping[str, str]) -> int:
    text = environment["REGISTRY"]
    if text == "1":
        return _DEFAULT_PORT
    if not (text.isascii() and text.isdigit() and 1024 <= int(text) < 65536):
        raise RegistryStartError(f"REGISTRY must be 1 or a port from 1024 to 65535, not {text!r}")
    return int(text)
