"""Runs a package under Lambda's runtime client, with a local Runtime API that sends API Gateway's events."""

import json
import os
import resource
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

from chalice.local import LambdaEventConverter, RouteMatcher

from tests.index import Response

START_SECONDS = 30
_API = "/2018-06-01/runtime"


class Function:
    """A running function."""

    def __init__(self, events: "Queue[bytes]", responses: "Queue[tuple[str, bytes]]") -> None:
        from app import app  # only here, because it needs credentials, which moto provides

        self._events, self._responses = events, responses
        self._converter = LambdaEventConverter(RouteMatcher(list(app.routes)))

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Send an event and return the result."""
        self._events.put(json.dumps(event).encode())
        path, body = self._responses.get(timeout=START_SECONDS)
        assert path.endswith("/response"), f"the function failed: {path} {body.decode()}"
        return json.loads(body)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Send an HTTP request as an event of API Gateway."""
        event = self._converter.create_lambda_event(method, path, {"host": "localhost", **headers}, body)
        event |= {"httpMethod": method, "path": path.partition("?")[0], "body": body.decode() or None}
        response = self.invoke(event)
        headers = {name.lower(): value for name, value in response["headers"].items()}
        headers |= {name.lower(): ", ".join(values) for name, values in response["multiValueHeaders"].items()}
        return Response(response["statusCode"], headers, response["body"].encode())


@contextmanager
def run(python: Path, code: Path, environment: Mapping[str, str]) -> Iterator[Function]:
    """Run the unpacked package `code` under `awslambdaric`, with only these environment variables."""
    events: Queue[bytes] = Queue()
    responses: Queue[tuple[str, bytes]] = Queue()
    server = _RuntimeServer(("127.0.0.1", 0), _create_handler(events, responses))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    process = subprocess.Popen(
        [python, "-m", "awslambdaric", "app.app"],
        cwd=code,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(code),
            "PYTHONDONTWRITEBYTECODE": "1",  # /var/task is read-only in Lambda
            "LAMBDA_TASK_ROOT": str(code),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
            "_HANDLER": "app.app",
            "AWS_LAMBDA_FUNCTION_NAME": "waybill",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            **environment,
        },
        stdout=subprocess.DEVNULL,  # the request log
    )
    try:
        yield Function(events, responses)
    finally:
        process.kill()
        process.wait()  # adds its time to RUSAGE_CHILDREN
        server.shutdown()
        server.server_close()


def cold_start(python: Path, code: Path, environment: Mapping[str, str], path: str) -> float:
    """Return the seconds of processor time from the start of the process to the first response, to a GET of `path`.

    Other processes of this machine hardly change the processor time.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with run(python, code, environment) as function:
        response = function.request("GET", path, {}, b"")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert response.status < 500, response
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class _RuntimeServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Ignore a function that ends while it waits for an event."""


def _create_handler(events: "Queue[bytes]", responses: "Queue[tuple[str, bytes]]") -> type[BaseHTTPRequestHandler]:
    class RuntimeApi(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            assert self.path == f"{_API}/invocation/next"
            event = events.get()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "a-request")
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:x")
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 29) * 1000)))
            self.send_header("Lambda-Runtime-Trace-Id", "Root=1-0-0")
            self.send_header("Content-Type", "application/json")  # without it the client crashes
            self.send_header("Content-Length", str(len(event)))
            self.end_headers()
            self.wfile.write(event)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            responses.put((self.path, body))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return RuntimeApi
