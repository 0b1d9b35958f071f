"""Faults that are injected into calls to AWS."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from msgspec import Struct

from chalicelib.aws import Clients

ENDPOINT = "https://aws.example.com"


class Killed(BaseException):
    """Stands for the end of the process."""


class Fault(Struct, frozen=True):
    """A way in which a call can fail.

    Attributes:
        name: a description for the output of a test.
        error: returns the exception for an operation.
        after: whether the call takes effect before it fails.
        only: the only operation that can fail like this; empty for all.
    """

    name: str
    error: Callable[[str], BaseException]
    after: bool = False
    only: str = ""

    def inject(self, operation: str, call: Callable[[], Any]) -> Any:
        """Make the call fail. Raises the exception of this fault."""
        if self.after:
            call()
        raise self.error(operation)


def _client_error(code: str, **details: Any) -> Callable[[str], Exception]:
    return lambda operation: ClientError({"Error": {"Code": code, "Message": code}, **details}, operation)


def _cancelled(reason: str) -> Callable[[str], Exception]:
    return _client_error("TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": reason}])


FAULTS = (
    Fault("throttled", _client_error("ProvisionedThroughputExceededException")),
    Fault("timed out before its effect", lambda _: ReadTimeoutError(endpoint_url=ENDPOINT)),
    Fault("timed out after its effect", lambda _: ReadTimeoutError(endpoint_url=ENDPOINT), after=True),
    Fault("server error", _client_error("InternalServerError")),
    Fault("connection reset", lambda _: ConnectionClosedError(endpoint_url=ENDPOINT)),
    Fault("access denied", _client_error("AccessDeniedException")),
    Fault("transaction conflict", _cancelled("TransactionConflict"), only="TransactWriteItems"),
    Fault("transaction throttled", _cancelled("ThrottlingError"), only="TransactWriteItems"),
    Fault("key disabled", _client_error("DisabledException"), only="GenerateMac"),
    Fault("key unreachable", lambda _: EndpointConnectionError(endpoint_url=ENDPOINT), only="GenerateMac"),
    Fault("killed before its effect", lambda _: Killed()),
    Fault("killed after its effect", lambda _: Killed(), after=True),
)


def faults_of(operation: str) -> list[Fault]:
    """Return the faults that a call of this operation can have."""
    return [fault for fault in FAULTS if fault.only in ("", operation)]


@contextmanager
def intercept_calls(aws: Clients, handle: Callable[[str, Callable[[], Any]], Any]) -> Iterator[None]:
    """Call `handle` for each call to AWS, with the operation and a function that makes the call.

    botocore's events cannot replace the result of a call or run code after its effect, so this replaces the clients'
    method `_make_api_call`.
    """

    def intercept(client: Any) -> None:
        make_call = client._make_api_call
        client._make_api_call = lambda operation, parameters: handle(
            operation, lambda: make_call(operation, parameters)
        )

    for client in aws:
        intercept(client)
    try:
        yield
    finally:
        for client in aws:
            del client._make_api_call
