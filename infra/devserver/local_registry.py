"""A registry next to the local server: its settings, and Debian's docker-registry if it is installed."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from threading import Event, Thread

from msgspec import Struct

from chalicelib.settings import Settings
from infra import command_name
from infra.admin.registry_config import RegistryKind, RegistrySettings, render_registry
from infra.devserver.output import print_line
from infra.terminal_text import sanitize

_DEFAULT_PORT = 5000
_START_SECONDS = 30
_POLL_SECONDS = 0.05
_STOP_SECONDS = 10
_MAX_LOG_CHARACTERS = 300
_INSTALL = "REGISTRY=1 needs docker-registry, which is not installed; install it with: apt-get install docker-registry"


class RegistryStartError(Exception):
    """The registry cannot start. The message is one sentence for a person."""


class LocalRegistry(Struct, frozen=True):
    """The result of the start.

    Attributes:
        note: a sentence for people.
        address: the address for `docker login`, or None if docker-registry is not installed.
    """

    note: str
    address: str | None = None


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
    """Return sentences about other registries and the token key for the greeting."""
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
def run_registry(environment: Mapping[str, str], settings: Settings, certificate: str) -> Iterator[LocalRegistry]:
    """Run docker-registry until the block ends. The block starts when it answers, or if it is not installed.

    Its images are in the folder DATA.registry, or in a temporary folder without DATA. If it ends before the block, a
    line on standard error says so. Raises RegistryStartError.
    """
    program = shutil.which("docker-registry")
    if program is None:
        yield LocalRegistry(_INSTALL)
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
        log = storage.with_name(storage.name + ".log")
        with _run([program, "serve", str(file)], port, log):
            note = f"docker-registry listens on localhost:{port}. Its images are in {storage}. Its log is {log}."
            yield LocalRegistry(note, f"localhost:{port}")


@contextmanager
def _run(command: list[str], port: int, log: Path) -> Iterator[None]:
    """Run the program until the block ends. The block starts when it answers. Raises RegistryStartError."""
    # distribution reads each variable REGISTRY_… as a part of its configuration; podman uses REGISTRY_AUTH_FILE.
    variables = {name: value for name, value in os.environ.items() if not name.startswith("REGISTRY")}
    is_stopping = Event()
    with (
        log.open("wb") as stream,
        subprocess.Popen(  # nosec B603  # the arguments are constants and paths
            command,
            env=variables,
            stdout=stream,
            stderr=stream,
            process_group=0,  # Ctrl-C ends only the server, which then ends the registry
        ) as process,
    ):
        try:
            _wait_until_ready(process, port, log)
            Thread(target=_report_end, args=(process, is_stopping, log), name="registry", daemon=True).start()
            yield
        finally:
            is_stopping.set()
            _stop(process)


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _is_ready(port):
        if process.poll() is not None:
            lines = log.read_text(errors="replace").split("\n")
            reason = next((line for line in reversed(lines) if line.strip()), f"status {process.returncode}")
            raise RegistryStartError(f"docker-registry cannot start: {sanitize(reason)[:_MAX_LOG_CHARACTERS]}")
        if time.monotonic() > deadline:
            raise RegistryStartError(f"docker-registry does not answer on port {port} within {_START_SECONDS} seconds")
        time.sleep(_POLL_SECONDS)


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=_START_SECONDS)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status in (200, 401)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _report_end(process: "subprocess.Popen[bytes]", is_stopping: Event, log: Path) -> None:
    """Wait for the end of the program, and report it unless the server has ended it."""
    status = process.wait()
    if not is_stopping.is_set():
        print_line(
            f"docker-registry has stopped with status {status}, so pushes and pulls fail. Its log is {log}. "
            "Restart the server to start it again.",
            sys.stderr,
        )


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
                f"docker-registry cannot listen on port {port}: {error.strerror}; set REGISTRY to another port, or "
                "stop Debian's service with: systemctl disable --now docker-registry"
            ) from error


def _parse_port(environment: Mapping[str, str]) -> int:
    text = environment["REGISTRY"]
    if text == "1":
        return _DEFAULT_PORT
    if not (text.isascii() and text.isdigit() and 1024 <= int(text) < 65536):
        raise RegistryStartError(f"REGISTRY must be 1 or a port from 1024 to 65535, not {text!r}")
    return int(text)
