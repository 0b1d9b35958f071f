"""Calls to AWS, and how they fail."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

from chalicelib.aws import Clients

ENDPOINT = "the other side"


class Killed(BaseException):
    """The process ends here."""


def _refused(code: str, **more: Any) -> Callable[[str], Exception]:
    return lambda operation: ClientError({"Error": {"Code": code, "Message": code}, **more}, operation)


def _cancelled(reason: str) -> Callable[[str], Exception]:
    return _refused("TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": reason}])


@dataclass(frozen=True)
class Fault:
    """How a call fails: what it raises, before or after it took effect, and which operations can fail like that."""

    name: str
    error: Callable[[str], BaseException]
    after: bool = False
    only: str = ""

    def strike(self, operation: str, call: Callable[[], Any]) -> Any:
        """The call, failing."""
        if self.after:
            call()
        raise self.error(operation)


FAULTS = (
    Fault("throttled", _refused("ProvisionedThroughputExceededException")),
    Fault("timed out before its effect", lambda _: ReadTimeoutError(endpoint_url=ENDPOINT)),
    Fault("timed out after its effect", lambda _: ReadTimeoutError(endpoint_url=ENDPOINT), after=True),
    Fault("server error", _refused("InternalServerError")),
    Fault("connection reset", lambda _: ConnectionClosedError(endpoint_url=ENDPOINT)),
    Fault("access denied", _refused("AccessDeniedException")),
    Fault("transaction conflict", _cancelled("TransactionConflict"), only="TransactWriteItems"),
    Fault("transaction throttled", _cancelled("ThrottlingError"), only="TransactWriteItems"),
    Fault("key disabled", _refused("DisabledException"), only="GenerateMac"),
    Fault("key unreachable", lambda _: EndpointConnectionError(endpoint_url=ENDPOINT), only="GenerateMac"),
    Fault("killed before", lambda _: Killed()),
    Fault("killed after", lambda _: Killed(), after=True),
)


def faults_of(operation: str) -> list[Fault]:
    """How a call of this kind can fail."""
    return [fault for fault in FAULTS if fault.only in ("", operation)]


@contextmanager
def intercepted(aws: Clients, around: Callable[[str, Callable[[], Any]], Any]) -> Iterator[None]:
    """Every call to AWS goes through `around`, which gets its operation and what makes it."""

    def stand_before(client: Any) -> None:
        call = client._make_api_call
        client._make_api_call = lambda operation, arguments: around(operation, lambda: call(operation, arguments))

    for client in aws:
        stand_before(client)
    try:
        yield
    finally:
        for client in aws:
            del client._make_api_call
