"""Makes the pictures in docs/images: pages of a local server with examples, in headless Chromium.

Run `.venv/bin/python -m docs.screenshot` after a change of the pages. It needs `chromium` and `chromedriver`.
"""

import json
import signal
import sys
import tempfile
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from tests.clients.browser import Browser, describe_missing_programs, run_browser
from tests.clients.conftest import ADMIN_PASSWORD, Server, run_server

PICTURES = Path(__file__).parent / "images"
SIZE = (1100, 700)
PASSWORD = "an example password"  # noqa: S105  # pragma: allowlist secret
BASE_URL = "https://index.example.com"
REGISTRY, SECRET = "registry.example.com", "a secret for the examples"  # pragma: allowlist secret
REPOSITORIES = (  # the account, the repository, its description, whether it is private, and its age in days
    ("admin", "nginx", "Web server and reverse proxy, official build", False, 340),
    ("admin", "postgres", "Relational database, official build", False, 250),
    ("admin", "redis", "Key-value store, official build", False, 21),
    ("alice", "billing", "Invoices and payments", True, 75),
    ("alice", "redis-tools", "Command-line tools for Redis: dump, restore, latency", False, 12),
    ("alice", "web", "Web server of the shop", False, 135),
    ("bobby", "queue", "Job queue on Redis with retries", False, 48),
)
PUSHES = (  # the repository, a tag, and its age in days
    ("alice/billing", "1.8", 3),
    ("alice/redis-tools", "0.2", 11),
    ("library/nginx", "1.27", 5),
    ("library/postgres", "17", 16),
    ("library/redis", "7.4", 2),
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
        data = Path(folder) / "data.jsonl"
        with run_server(Path(folder), DATA=str(data), **settings) as server:
            create_examples(server)
            server.stop(signal.SIGINT)
        set_times_of_creation(data)
        with run_server(Path(folder), DATA=str(data), BASE_URL=BASE_URL, **settings) as server:
            take_pictures(browser, f"http://localhost:{server.port}")


def create_examples(server: Server) -> None:
    """Create accounts, repositories, tags and a long description."""
    for username in ("alice", "bobby"):
        server.register(username, PASSWORD)
    for username, name, description, private, _ in REPOSITORIES:
        namespace = "library" if username == "admin" else username
        form = {"description": description, "private": private}
        _send(server, "PUT", f"/v1/repositories/{namespace}/{name}/", [], username)
        _send(server, "PUT", f"/v1/namespaces/{namespace}/repositories/{name}", form, username)
    _send(server, "PUT", "/v1/namespaces/alice/repositories/web", {"long_description": LONG_DESCRIPTION}, "alice")
    pushes = [*(("alice/web", tag, days) for tag, days in TAGS), *PUSHES]
    events = [
        {
            "action": "push",
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - days * 86_400 - number)),
            "target": {
                "repository": repository,
                "tag": tag,
                "digest": f"sha256:{sha256(tag.encode()).hexdigest()}",
                "size": 1570 + number,
            },
        }
        for number, (repository, tag, days) in enumerate(pushes)
    ]
    _send(server, "POST", "/registries/events", {"events": events}, None)


def set_times_of_creation(data: Path) -> None:
    """Make the repositories in a data file as old as REPOSITORIES says."""
    now = datetime.now(UTC)
    times = {name: now - timedelta(days=days, hours=1) for _, name, _, _, days in REPOSITORIES}
    lines = []
    for line in data.read_text().splitlines():
        item = json.loads(line).get("item", {})
        name = (item.get("name") or item.get("entry") or {}).get("S", "").rpartition("/")[2]
        if name in times and "created" in item:
            new = times[name].strftime(f"%Y-%m-%dT%H:%M:%S{item['created']['S'][19:]}")
            line = line.replace(item["created"]["S"], new)
        lines.append(f"{line}\n")
    data.write_text("".join(lines))


def take_pictures(browser: Browser, url: str) -> None:
    """Save the front page and a repository in light colors, and the own repositories in dark ones."""
    browser.set_screen(SIZE, "light")
    browser.open(f"{url}/")
    _save(browser, "home")
    browser.open(f"{url}/login")
    browser.enter_text("username", "alice")
    browser.enter_text("password", PASSWORD)
    browser.click("#log-in")
    browser.open(f"{url}/r/alice/web")
    _save(browser, "repository")
    browser.set_screen(SIZE, "dark")
    browser.open(f"{url}/account")
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
