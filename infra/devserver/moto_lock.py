"""One lock for all calls to moto's DynamoDB.

moto's DynamoDB is not safe for threads: a failed transaction restores a copy of the whole table and so removes the
writes that other threads made in the meantime. botocore emits these events around each attempt of a call, and moto
answers in the first one:

    before-send          acquires the lock
    response-received    releases it, also if the attempt raised an exception
    after-call-error     releases it if botocore could not parse the response

The lock is not held while botocore waits before it repeats a call.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import RLock, local
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS
from moto.core.model_instances import reset_model_data

_READS = frozenset({"BatchGetItem", "DescribeTable", "DescribeTimeToLive", "GetItem", "ListTables", "Query", "Scan"})


class MotoLock:
    """The lock, and the number of calls that may have changed data."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._thread = local()
        self._handlers: list[tuple[str, Callable[..., None]]] = [
            ("before-send.dynamodb", self._acquire),
            ("response-received.dynamodb", self._release),
            ("after-call-error.dynamodb", self._release),
        ]
        self.writes = 0

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Let each botocore client that is created in this block use the lock.

        botocore registers its list of built-in handlers with each new session, and chalicelib/aws.py does the same.
        moto uses this list too. A client keeps its handlers after the block.
        """
        added = [handler for handler in self._handlers if handler not in BUILTIN_HANDLERS]
        BUILTIN_HANDLERS.extend(added)
        try:
            yield
        finally:
            for handler in added:
                BUILTIN_HANDLERS.remove(handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no other thread call DynamoDB in this block."""
        with self._lock:
            yield

    def _acquire(self, event_name: str, **_: Any) -> None:
        """Handle before-send. The name ends with the operation, for example `before-send.dynamodb.PutItem`."""
        if self._is_calling():
            return
        self._lock.acquire()
        self._thread.is_calling = True
        if event_name.rpartition(".")[2] not in _READS:
            self.writes += 1

    def _release(self, **_: Any) -> None:
        """Handle the end of an attempt.

        moto records every object that it creates, for a dashboard, and copies whole tables for a transaction. These
        records are deleted after each call (5 µs), because the process would grow without limit.
        """
        if not self._is_calling():
            return
        self._thread.is_calling = False
        try:
            with suppress(RuntimeError):  # another thread imports a part of moto; the next call deletes the records
                reset_model_data()
        finally:
            self._lock.release()

    def _is_calling(self) -> bool:
        return getattr(self._thread, "is_calling", False)


LOCK = MotoLock()
