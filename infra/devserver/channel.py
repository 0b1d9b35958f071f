"""A waitress channel that rejects TLS."""

from typing import Any

from waitress.channel import HTTPChannel

_TLS_HANDSHAKE = b"\x16\x03"


class RejectTlsChannel(HTTPChannel):  # type: ignore[misc]
    """Closes the connection of a client that starts a TLS handshake.

    Docker and podman try HTTPS first. waitress would wait for the end of a line that the client never sends. The client
    would give up after 10 s and then use HTTP.
    """

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
