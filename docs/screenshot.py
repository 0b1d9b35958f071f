"""Makes the pictures in docs/images: pages of a local server with examples, in headless Chromium.

Run `.venv/bin/python -m docs.screenshot` after a change of the pages. It needs `chromium` and `chromedriver`.
"""

import json
import sys
import tempfile
import time
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.clients.browser import Browser, describe_missing_programs, run_browser
from tests.clients.conftest import ADMIN_PASSWORD, Server, run_server

PICTURES = Path(__file__).parent / "images"
SIZE = (1100, 700)
PASSWORD = "an example password"  # noqa: S105  # pragma: allowlist secret
REGISTRY, SECRET = "registry.example.com", "a secret for the examples"  # pragma: allowlist secret
REPOSITORIES = (  # the account, the repository, its description, and whether it is private
    ("admin", "nginx", "Web server and reverse proxy, official build", False),
    ("admin", "postgres", "Relational database, official build", False),
    ("admin", "redis", "Key-value store, official build", False),
    ("alice", "billing", "Invoices and payments", True),
    ("alice", "redis-tools", "Command-line tools for Redis: dump, restore, latency", False),
    ("alice", "web", "Web server of the shop", False),
    ("bobby", "queue", "Job queue on Redis with retries", False),
)
TAGS = (("latest", 1), ("2.4.1", 1), ("2.4.0", 9), ("2.3.7", 40), ("2.2.0", 130))  # the tag, and its age in days
LONG_DESCRIPTION = """# Web server

Serves the pages of the shop on port 80.

```
docker run -p 80:80 registry.example.com/alice/web
```

- `SHOP_LANGUAGE` sets the language.
- `SHOP_CACHE` names the Redis server.
"""


def main() -> None:
    """Write the pictures."""
    if missing := describe_missing_programs():
        sys.exit(f"screenshot: {missing}; on Debian: apt-get install chromium chromium-driver")
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, run_browser(Path(folder) / "profile") as browser:
        settings = {"REGISTRIES": REGISTRY, "REGISTRY_SECRET": SECRET}
        with run_server(Path(folder), **settings) as server:
            create_examples(server)
            take_pictures(browser, server)


def create_examples(server: Server) -> None:
    """Create accounts, repositories, tags and a long description."""
    for username in ("alice", "bobby"):
        server.register(username, PASSWORD)
    for username, name, description, private in REPOSITORIES:
        namespace = "library" if username == "admin" else username
        form = {"description": description, "private": private}
        _send(server, "PUT", f"/v1/repositories/{namespace}/{name}/", [{"id": "0c0ffee"}], username)
        _send(server, "PUT", f"/v1/namespaces/{namespace}/repositories/{name}", form, username)
    _send(server, "PUT", "/v1/namespaces/alice/repositories/web", {"long_description": LONG_DESCRIPTION}, "alice")
    events = [
        {
            "action": "push",
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86_400 - number)),
            "target": {
                "repository": "alice/web",
                "tag": tag,
                "digest": f"sha256:{sha256(tag.encode()).hexdigest()}",
                "size": 1570 + number,
            },
        }
        for number, (tag, days) in enumerate(TAGS)
    ]
    _send(server, "POST", "/registries/events", {"events": events}, None)


def take_pictures(browser: Browser, server: Server) -> None:
    """Save the front page and a repository in light colors, and the own repositories in dark ones."""
    browser.set_screen(SIZE, "light")
    browser.open(server.url("/"))
    _save(browser, "home")
    browser.open(server.url("/login"))
    browser.enter_text("username", "alice")
    browser.enter_text("password", PASSWORD)
    browser.click("#log-in")
    browser.open(server.url("/r/alice/web"))
    _save(browser, "repository")
    browser.set_screen(SIZE, "dark")
    browser.open(server.url("/account"))
    _save(browser, "account")


def _save(browser: Browser, name: str) -> None:
    browser.save_screenshot(name).replace(PICTURES / f"{name}.png")


def _send(server: Server, method: str, path: str, body: Any, username: str | None) -> None:
    request = Request(server.url(path), json.dumps(body).encode(), method=method)  # noqa: S310
    password = ADMIN_PASSWORD if username == "admin" else PASSWORD
    credentials = b64encode(f"{username}:{password}".encode()).decode()
    request.add_header("Authorization", f"Basic {credentials}" if username else f"Bearer {SECRET}")
    with urlopen(request, timeout=30):  # noqa: S310
        pass


if __name__ == "__main__":
    main()
