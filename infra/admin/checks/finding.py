"""Something that is not as it should be."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with what, and what is to be done: by `mend`, or by a person where that is None.

    A mend does nothing where things have changed since they were read.
    """

    about: str
    problem: str
    remedy: str
    mend: Callable[[], object] | None = field(default=None, repr=False, compare=False)
