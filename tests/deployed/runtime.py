"""A function under Lambda's own runtime client: the Runtime API that it asks for events, and API Gateway's events."""

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

from app import app
from tests.index import Response

START_SECONDS = 30
_API = "/2018-06-01/runtime"


class Function:
    """A running function."""

    def __init__(self, events: "Queue[bytes]", answers: "Queue[tuple[str, bytes]]") -> None:
        self._events, self._answers = events, answers
        self._converter = LambdaEventConverter(RouteMatcher(list(app.routes)))

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """Gives the function one event and waits for what it makes of it."""
        self._events.put(json.dumps(event).encode())
        path, body = self._answers.get(timeout=START_SECONDS)
        assert path.endswith("/response"), f"the function failed: {path} {body.decode()}"
        return json.loads(body)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """One HTTP request, as API Gateway hands it on."""
        event = self._converter.create_lambda_event(method, path, {"host": "localhost", **headers}, body)
        event["body"] = body.decode() or None
        response = self.invoke(event)
        headers = {name.lower(): value for name, value in response["headers"].items()}
        headers |= {name.lower(): ", ".join(values) for name, values in response["multiValueHeaders"].items()}
        return Response(response["statusCode"], headers, response["body"].encode())


@contextmanager
def running(python: Path, code: Path, environment: Mapping[str, str]) -> Iterator[Function]:
    """Runs the unpacked zip `code` under `awslambdaric`, with this environment and nothing of the caller's."""
    events: Queue[bytes] = Queue()
    answers: Queue[tuple[str, bytes]] = Queue()
    server = _RuntimeServer(("127.0.0.1", 0), _handler(events, answers))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    process = subprocess.Popen(
        [python, "-m", "awslambdaric", "app.app"],
        cwd=code,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(code),
            "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's /var/task takes no writes
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
        stdout=subprocess.DEVNULL,  # the journal
    )
    try:
        yield Function(events, answers)
    finally:
        process.kill()
        process.wait()  # reaped, so its time is among the children's
        server.shutdown()
        server.server_close()


def cold_start(python: Path, code: Path, environment: Mapping[str, str], path: str) -> float:
    """Seconds of processor time from the start of the process to the first reply, to a GET of `path`.

    Processor time, for what else this machine does must not decide a test.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with running(python, code, environment) as function:
        response = function.request("GET", path, {}, b"")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert response.status < 500, response
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class _RuntimeServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A function that ends while it waits for an event is no news."""


def _handler(events: "Queue[bytes]", answers: "Queue[tuple[str, bytes]]") -> type[BaseHTTPRequestHandler]:
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
            self.send_header("Content-Type", "application/json")  # without it the client dies of a null pointer
            self.send_header("Content-Length", str(len(event)))
            self.end_headers()
            self.wfile.write(event)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answers.put((self.path, body))
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return RuntimeApi
