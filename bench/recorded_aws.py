"""A server on the loopback interface that returns recorded responses of AWS.

A measurement then contains the work of the function, and not the work of DynamoDB. The responses are recorded from the
function on moto, byte for byte. Another process returns them. A request that was not recorded (a transaction contains a
new generation each time) gets the last response of its operation.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

from msgspec import Struct, field

Call = tuple[str, str, dict[str, Any]]  # the service, the operation and the parameters


class Recording(Struct):
    """The recorded calls.

    Attributes:
        responses: target and body of a request -> body of the response.
        latest: target -> body of the last response.
        calls: all calls, in their order.
    """

    responses: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    latest: dict[str, bytes] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    def record(self, client: Any) -> None:
        """Record all calls of `client` from now on."""
        requests: list[tuple[str, bytes]] = []

        def add_call(params: dict[str, Any], model: Any, **_: Any) -> None:
            self.calls.append((model.service_model.service_name, model.name, params))

        def add_request(request: Any, **_: Any) -> None:
            requests.append((_decode(request.headers["X-Amz-Target"]), bytes(request.body)))

        def add_response(response_dict: dict[str, Any], **_: Any) -> None:
            target, body = requests[-1]
            self.responses.setdefault((target, body), response_dict["body"])
            self.latest[target] = response_dict["body"]

        client.meta.events.register_first("before-send.*.*", add_request, unique_id="recorded request")
        client.meta.events.register("provide-client-params.*.*", add_call, unique_id="recorded call")
        client.meta.events.register("before-parse.*.*", add_response, unique_id="recorded response")

    def remove(self, operation: str) -> None:
        """Remove the recorded responses of an operation, except for the last one."""
        self.responses = {
            key: response for key, response in self.responses.items() if not key[0].endswith("." + operation)
        }


@contextmanager
def serve_recording(recording: Recording) -> Iterator[str]:
    """Serve the recorded responses from another process. Yield the URL, for AWS_ENDPOINT_URL."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe()
    process = context.Process(target=_serve, args=(recording.responses, recording.latest, sender), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{receiver.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(responses: dict[tuple[str, bytes], bytes], latest: dict[str, bytes], started: Connection) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers["X-Amz-Target"]
            response = responses.get((target, body)) or latest[target]
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    started.send(server.server_port)
    server.serve_forever()


def _decode(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
