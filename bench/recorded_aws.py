"""A store on the loopback that gives canned answers: what a request costs the function, and nothing of what DynamoDB
does.

Answers are recorded from the real function on moto, byte for byte, and given back by a process of its own. A request
that was never recorded as it is (a transaction holds a new generation each time) gets its operation's last answer.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any


@dataclass
class Tape:
    """What was asked, and what was answered."""

    answers: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    latest: dict[str, bytes] = field(default_factory=dict)
    calls: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def listen(self, client: Any) -> None:
        """Records whatever `client` is used for."""
        asked: list[tuple[str, bytes]] = []

        def call(params: dict[str, Any], model: Any, **_: Any) -> None:
            self.calls.append((model.service_model.service_name, model.name, params))

        def ask(request: Any, **_: Any) -> None:
            asked.append((_text(request.headers["X-Amz-Target"]), bytes(request.body)))

        def answer(response_dict: dict[str, Any], **_: Any) -> None:
            target, body = asked[-1]
            self.answers.setdefault((target, body), response_dict["body"])
            self.latest[target] = response_dict["body"]

        client.meta.events.register_first("before-send.*.*", ask, unique_id="tape ask")
        client.meta.events.register("provide-client-params.*.*", call, unique_id="tape call")
        client.meta.events.register("before-parse.*.*", answer, unique_id="tape answer")

    def forget(self, operation: str) -> None:
        """Leaves out what an operation was answered so far."""
        self.answers = {key: answer for key, answer in self.answers.items() if not key[0].endswith("." + operation)}


@contextmanager
def store(tape: Tape) -> Iterator[str]:
    """Serves what `tape` holds, in a process of its own. Gives the address, for AWS_ENDPOINT_URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(tape.answers, tape.latest, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(answers: dict[tuple[str, bytes], bytes], latest: dict[str, bytes], started: Connection) -> None:
    class Store(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            target = self.headers["X-Amz-Target"]
            answer = answers.get((target, body)) or latest[target]
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    server.daemon_threads = True
    started.send(server.server_port)
    server.serve_forever()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value
