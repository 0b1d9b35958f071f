"""TCP ports for the servers that tests start."""

import itertools
import os
import socket

_FIRST, _PER_WORKER = 20_000, 500
_numbers = itertools.count()


def find_free_port() -> int:
    """Return a port on which nothing listens, and which no other test receives.

    The ports are below the range from which Linux chooses ports for outgoing connections and for port 0. Otherwise
    another process could get the port before the server of the test listens on it.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    for _ in range(_PER_WORKER):
        port = _FIRST + worker * _PER_WORKER + next(_numbers) % _PER_WORKER
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
