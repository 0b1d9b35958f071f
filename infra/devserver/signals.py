"""The signals that stop the local server."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise SystemExit(0) at the first of these signals, and ignore all later ones until the process ends.

    A later signal would interrupt the last save of the data file.

    A signal that was ignored at the start stays ignored: `nohup` and a shell's `&` ignore signals so that the server
    continues after the end of the terminal. Python can handle signals only in the main thread.
    """
    handled = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    if current_thread() is not main_thread():
        handled = []

    stopped = False

    def stop(*_: Any) -> None:
        nonlocal stopped
        stopped = True
        for number in handled:
            signal.signal(number, signal.SIG_IGN)
        sys.exit(0)

    previous = [(number, signal.signal(number, stop)) for number in handled]
    try:
        yield
    finally:
        for number, handler in [] if stopped else previous:
            signal.signal(number, handler)
