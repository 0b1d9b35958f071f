"""The credentials of `waybill login`, in docker's configuration or in docker's credential helper.

The helper protocol is that of https://github.com/docker/docker-credential-helpers: a program
`docker-credential-NAME` with the argument `get`, `store` or `erase`, and JSON on its standard streams. The key is the
URL of the index, so that an index on the same host as a registry has its own entry.
"""

import base64
import binascii
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from infra.client.index_url import IndexUrl
from infra.exit_codes import CommandError
from infra.terminal_text import sanitize

_TIMEOUT_SECONDS = 60  # a helper can ask a person to unlock the keyring
_HELPER = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


class Credentials(Struct, frozen=True):
    """A username with a password or the token of a robot. `repr` omits the password."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"

    @property
    def authorization(self) -> str:
        """The Basic header."""
        return "Basic " + _encode(self)


class CredentialStore:
    """Reads and writes credentials. All methods raise CommandError if the file or the helper cannot be used."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.path = Path(environment.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"

    def get(self, url: IndexUrl) -> Credentials | None:
        """Return the stored credentials."""
        config = self._read()
        if helper := _find_helper(config, url):
            return _get_from_helper(helper, url)
        entry = _section(config, "auths").get(str(url))
        text = entry.get("auth") if isinstance(entry, dict) else None
        if not isinstance(text, str):
            return None
        try:
            username, _, password = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise CommandError(f"the entry of {url} in {self.path} is damaged; log in again") from None
        return Credentials(username, password)

    def save(self, url: IndexUrl, credentials: Credentials) -> str | None:
        """Store credentials. Return the name of the helper, or None if they are in the file without encryption."""
        config = self._read()
        if helper := _find_helper(config, url):
            item = {"ServerURL": str(url), "Username": credentials.username, "Secret": credentials.password}
            _run_helper(helper, "store", json.dumps(item))
            self._erase_from_file(config, url)
            return helper
        config["auths"] = {**_section(config, "auths"), str(url): {"auth": _encode(credentials)}}
        self._write(config)
        return None

    def erase(self, url: IndexUrl) -> bool:
        """Delete credentials. Return whether there were any."""
        config = self._read()
        helper = _find_helper(config, url)
        is_in_helper = helper is not None and _get_from_helper(helper, url) is not None
        if helper is not None and is_in_helper:
            _run_helper(helper, "erase", str(url))
        return self._erase_from_file(config, url) or is_in_helper

    def _erase_from_file(self, config: dict[str, Any], url: IndexUrl) -> bool:
        """Delete credentials from the file, also if a helper has been configured since they were stored."""
        auths = _section(config, "auths")
        if str(url) not in auths:
            return False
        config["auths"] = {key: entry for key, entry in auths.items() if key != str(url)}
        self._write(config)
        return True

    def _read(self) -> dict[str, Any]:
        try:
            config = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise CommandError(f"cannot read {self.path}: {error.strerror}") from error
        except ValueError:
            config = None
        if not isinstance(config, dict):
            raise CommandError(f"{self.path} is not a JSON object; correct it or move it away")
        return config

    def _write(self, config: Mapping[str, Any]) -> None:
        try:
            write_private_file(self.path, json.dumps(config, indent="\t") + "\n")
        except OSError as error:
            raise CommandError(f"cannot write {self.path}: {error.strerror}") from error


def write_private_file(path: Path, text: str) -> None:
    """Replace a file that only its owner can read. The old file remains if this fails. Raises OSError."""
    path = path.resolve()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # its mode is 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise


def _encode(credentials: Credentials) -> str:
    return base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()


def _section(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = config.get(name)
    return section if isinstance(section, dict) else {}


def _find_helper(config: Mapping[str, Any], url: IndexUrl) -> str | None:
    helpers = _section(config, "credHelpers")
    name = helpers.get(str(url)) or helpers.get(url.host) or config.get("credsStore")
    if name is not None and not (isinstance(name, str) and (name == "" or _HELPER.fullmatch(name))):
        raise CommandError("docker's configuration names a credential helper that is not the name of a program")
    return name or None


def _get_from_helper(helper: str, url: IndexUrl) -> Credentials | None:
    output = _run_helper(helper, "get", str(url), is_missing_allowed=True)
    if output is None:
        return None
    try:
        item = msgspec.json.decode(output, type=dict[str, str])
        return Credentials(item["Username"], item["Secret"])
    except (msgspec.MsgspecError, KeyError):
        raise CommandError(f"docker-credential-{helper} returned something that is not a credential") from None


def _run_helper(helper: str, action: str, text: str, *, is_missing_allowed: bool = False) -> str | None:
    """Return the output of a helper, or None if it has no such credentials and this is allowed.

    An error contains the message of the helper, except for the action `store`.
    """
    program = f"docker-credential-{helper}"
    try:
        process = subprocess.run(  # nosec B603  # the name is checked, and the secret is on standard input
            [program, action], input=text, capture_output=True, encoding="utf-8", timeout=_TIMEOUT_SECONDS, check=False
        )
    except FileNotFoundError:
        raise CommandError(f"docker's configuration names {program}, but it is not installed") from None
    except (OSError, subprocess.TimeoutExpired, UnicodeError) as error:
        raise CommandError(f"{program} does not work: {type(error).__name__}") from None
    if process.returncode == 0:
        return process.stdout
    message = sanitize(" ".join((process.stdout + process.stderr).split()))
    if is_missing_allowed and "credentials not found" in message:
        return None
    if action == "store":  # the helper could repeat the password, also in another spelling
        message = ""
    raise CommandError(f"{program} cannot {action} the credentials: {message[:200] or f'status {process.returncode}'}")
