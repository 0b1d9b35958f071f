"""A problem that `waybill doctor` reports."""

from collections.abc import Callable

from msgspec import Struct


class Finding(Struct, frozen=True):
    """A problem.

    Attributes:
        code: identifies the kind of problem.
        subject: the account, repository or resource.
        problem: a description.
        remedy: the effect of `fix`, or the necessary action of the operator.
        fix: repairs the problem, or None if only the operator can.
    """

    code: str
    subject: str
    problem: str
    remedy: str
    fix: Callable[[], object] | None = None
