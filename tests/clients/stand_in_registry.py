"""A v1 registry with the behaviour that an index can observe: it checks each request with the index.

The behaviour is the one of docker-registry 0.9.1. It parses the token with a regular expression. `GET …/images` with
the token must return 200 and a list of entries with `id`. Before it accepts an image, it checks the access to the layer
of the parent.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

TOKEN_FIELD = re.compile(r'(\w+)[:=][\s"]?([^",]+)"?')
METHOD_SCOPES = {"PUT": "write", "GET": "read", "DELETE": "delete"}


class Registry:
    """Serves `/v1/images/(id)/layer`, `/v1/repositories/(name)/tags/(tag)` and DELETE of `/v1/repositories/(name)/`.

    Attributes:
        host: the address and port on which it listens.
        checks: the paths that it has requested from the index.
    """

    def __init__(self, index_url: str) -> None:
        self.checks: list[str] = []
        self._index_url = index_url
        self._layers: dict[str, bytes] = {}
        self._tags: dict[str, dict[str, str]] = {}
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, content = registry.handle(self.command, self.path, self.headers.get("Authorization", ""), body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_PUT = do_GET = do_DELETE = handle_any  # noqa: N815 (the names are given)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def handle(self, method: str, path: str, authorization: str, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body of a response."""
        repository = self._check_token(authorization, METHOD_SCOPES[method])
        if repository is None:
            return 401, b""
        match path.strip("/").split("/"):
            case ["v1", "images", image, "layer"] if method == "PUT":
                parent = json.loads(body)["parent"]
                if parent and not self._check_layer_access(authorization, repository, parent):
                    return 403, b""
                self._layers[image] = body
            case ["v1", "images", image, "layer"]:
                return 200, self._layers[image]
            case ["v1", "repositories", namespace, name, "tags", tag] if method == "PUT":
                self._tags.setdefault(f"{namespace}/{name}", {})[tag] = json.loads(body)
            case ["v1", "repositories", namespace, name, "tags"]:
                return 200, json.dumps(self._tags[f"{namespace}/{name}"]).encode()
            case ["v1", "repositories", namespace, name] if method == "DELETE" and f"{namespace}/{name}" == repository:
                del self._tags[repository]
            case _:
                return 404, b""
        return 200, b"true"

    def _check_token(self, authorization: str, scope: str) -> str | None:
        """Return the repository of a token, or None if the token or the index does not permit the request."""
        if not authorization.lower().startswith("token"):
            return None
        token = dict(TOKEN_FIELD.findall(authorization))
        if token.get("access") != scope and not (scope == "read" and token.get("access") == "write"):
            return None
        response = self._get(f"/v1/repositories/{token['repository']}/images", authorization)
        if response.status_code != 200 or not all("id" in entry for entry in response.json()):
            return None
        return str(token["repository"])

    def _check_layer_access(self, authorization: str, repository: str, image: str) -> bool:
        response = self._get(f"/v1/repositories/{repository}/layer/{image}/access", authorization)
        return response.status_code == 200 and response.json() == {"access": True}

    def _get(self, path: str, authorization: str) -> requests.Response:
        self.checks.append(path)
        headers = {"Authorization": authorization, "User-Agent": "python-requests/2.3.0 CPython/2.7.18"}
        return requests.get(self._index_url + path, headers=headers, timeout=10)
