"""Work in a process of its own, so that what one measurement imports or keeps costs the next one nothing."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def alone(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs `function`, of a module's top level, in a fresh process and gives what it returns.

    All hash alike, so that what one asks in the order of a set, another asks in the same.
    """
    os.environ["PYTHONHASHSEED"] = "0"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()
