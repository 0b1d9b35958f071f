"""A waitress channel that rejects TLS, answers invalid targets, and keeps a connection open after a 204."""

import json
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask, WSGITask

_TLS_HANDSHAKE = b"\x16\x03"


class RequestParser(HTTPRequestParser):  # type: ignore[misc]
    """Rejects a target that is not a URL, such as `http://[::1/`. waitress would not send a response."""

    def parse_header(self, header_plus: bytes) -> None:
        """Parse the first line and the headers."""
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError("the target of the request is not a valid URL") from error


class JsonErrorTask(ErrorTask):  # type: ignore[misc]
    """Answers a request that waitress cannot parse or that is too large. The body is JSON, like all other errors."""

    def execute(self) -> None:
        """Send the response."""
        error = self.request.error
        body = json.dumps({"error": error.body}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class KeepOpenTask(WSGITask):  # type: ignore[misc]
    """Keeps a connection of HTTP/1.1 open after a response without a body.

    waitress closes it, because such a response has no length. A 204 has no body, so its end is known.
    """

    def set_close_on_finish(self) -> None:
        """Close the connection after the response. waitress calls this while it creates the headers."""
        wants_close = self.request.headers.get("CONNECTION", "").lower() == "close"
        if self.has_body or self.wrote_header or wants_close or self.version != "1.1":
            super().set_close_on_finish()


class RejectTlsChannel(HTTPChannel):  # type: ignore[misc]
    """Closes the connection of a client that starts a TLS handshake.

    Docker and podman try HTTPS first. waitress would wait for the end of a line that the client never sends. The client
    would give up after 10 s and then use HTTP.
    """

    task_class = KeepOpenTask
    error_task_class = JsonErrorTask
    parser_class = RequestParser

    def received(self, data: bytes) -> bool:
        """Handle input. waitress calls this for each piece."""
        if self.request is None and data.startswith(_TLS_HANDSHAKE):
            self.handle_close()
            return False
        return bool(super().received(data))


def use_channel(server: Any) -> None:
    """Let a waitress server use this channel for new connections."""
    if server.channel_class is not HTTPChannel:  # waitress has no public setting for it
        raise AssertionError("waitress has changed: its server no longer creates HTTPChannel")
    server.channel_class = RejectTlsChannel
