"""Makes docs/images/search.png: the search page of a local server with examples, in headless Chromium.

Run `.venv/bin/python docs/screenshot.py` after a change of the pages. It needs `chromium`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "search.png"
SIZE = (1000, 710)
PASSWORD = "an example password"  # noqa: S105  # pragma: allowlist secret
REPOSITORIES = (  # the account, the repository and its description
    ("admin", "redis", "Key-value store, official build"),
    ("alice", "redis-tools", "Command-line tools for Redis: dump, restore, latency"),
    ("alice", "web", "Web server of the shop"),
    ("bobby", "queue", "Job queue on Redis with retries"),
)


def main() -> None:
    """Write the picture."""
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("screenshot: this script needs chromium; on Debian: apt-get install chromium")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    with serve() as url, tempfile.TemporaryDirectory() as profile:
        create_examples(url)
        command = [
            *(chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(f"--user-data-dir={profile}", f"--window-size={SIZE[0]},{SIZE[1]}"),
            *(f"--screenshot={PICTURE}", f"{url}/?q=redis"),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=120)  # noqa: S603


@contextmanager
def serve() -> Iterator[str]:
    """Run a local server, and yield its URL."""
    environment = {**os.environ, "PORT": "0", "BCRYPT_COST": "4", "ADMIN_PASSWORD": PASSWORD}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "infra", "serve"]
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT)  # noqa: S603
        try:
            yield _wait_for_url(process, log)
        finally:
            process.terminate()
            process.wait()


def _wait_for_url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    while process.poll() is None:
        if match := re.search(r"listens on (http://\S+)", log.read_text()):
            return match[1]
        time.sleep(0.1)
    sys.exit("screenshot: the local server did not start")


def create_examples(url: str) -> None:
    """Create accounts and repositories."""
    for username in ("alice", "bobby"):
        form = {"username": username, "password": PASSWORD, "email": f"{username}@example.com"}
        _send("POST", f"{url}/v1/users/", form)
    for username, name, description in REPOSITORIES:
        namespace = "library" if username == "admin" else username
        _send("PUT", f"{url}/v1/repositories/{namespace}/{name}/", [{"id": "0c0ffee"}], username)
        _send("PUT", f"{url}/v1/namespaces/{namespace}/repositories/{name}", {"description": description}, username)


def _send(method: str, url: str, body: Any, username: str | None = None) -> None:
    request = Request(url, json.dumps(body).encode(), method=method)  # noqa: S310
    if username is not None:
        request.add_header("Authorization", "Basic " + b64encode(f"{username}:{PASSWORD}".encode()).decode())
    with urlopen(request, timeout=30):  # noqa: S310
        pass


if __name__ == "__main__":
    main()
