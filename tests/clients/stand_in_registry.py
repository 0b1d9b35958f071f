"""A v1 registry as far as an index can tell: it asks about every request that it serves.

What it does was read from docker-registry 0.9.1: the token header is read by its pattern, `GET …/images` with it is the
verdict (200, and a list of entries with `id`), and a child image asks for access to its parent's layer first.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

HEADER = re.compile(r'(\w+)[:=][\s"]?([^",]+)"?')


class Registry:
    """Serves `/v1/images/(id)/layer`, `/v1/repositories/(name)/tags/(tag)` and deletes `/v1/repositories/(name)/`."""

    def __init__(self, index: str) -> None:
        self.index = index
        self.layers: dict[str, bytes] = {}
        self.parents: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                self._serve("write")

            def do_GET(self) -> None:
                self._serve("read")

            def do_DELETE(self) -> None:
                self._serve("delete")

            def _serve(self, access: str) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, response = registry.handle(
                    self.command, self.path, self.headers.get("Authorization", ""), access, body
                )
                self.send_response(status)
                self.send_header("Content-Length", str(len(response)))
                self.end_headers()
                self.wfile.write(response)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def handle(self, method: str, path: str, auth: str, access: str, body: bytes) -> tuple[int, bytes]:
        repository = self._validated(auth, access)
        if repository is None:
            return 401, b""
        match path.strip("/").split("/"):
            case ["v1", "images", image, "layer"] if method == "PUT":
                parent = json.loads(body)["parent"]
                if parent and not self._may_build_on(auth, repository, parent):
                    return 403, b""
                self.layers[image], self.parents[image] = body, parent
            case ["v1", "images", image, "layer"]:
                return 200, self.layers[image]
            case ["v1", "repositories", namespace, name, "tags", tag] if method == "PUT":
                self.tags.setdefault(f"{namespace}/{name}", {})[tag] = json.loads(body)
            case ["v1", "repositories", namespace, name, "tags"]:
                return 200, json.dumps(self.tags[f"{namespace}/{name}"]).encode()
            case ["v1", "repositories", namespace, name] if method == "DELETE" and f"{namespace}/{name}" == repository:
                del self.tags[repository]
            case _:
                return 404, b""
        return 200, b"true"

    def _validated(self, auth: str, access: str) -> str | None:
        """The repository of a good token; None where the index, or the token itself, says no."""
        if not auth.lower().startswith("token"):
            return None
        token = dict(HEADER.findall(auth))
        if token.get("access") != access and not (access == "read" and token.get("access") == "write"):
            return None
        response = self._ask("GET", f"/v1/repositories/{token['repository']}/images", auth)
        if response.status_code != 200 or not all("id" in entry for entry in response.json()):
            return None
        return str(token["repository"])

    def _may_build_on(self, auth: str, repository: str, parent: str) -> bool:
        response = self._ask("GET", f"/v1/repositories/{repository}/layer/{parent}/access", auth)
        return response.status_code == 200 and response.json() == {"access": True}

    def _ask(self, method: str, path: str, auth: str) -> requests.Response:
        self.asked.append(path)
        headers = {"Authorization": auth, "User-Agent": "python-requests/2.3.0 CPython/2.7.18"}
        return requests.request(method, self.index + path, headers=headers, timeout=10)
