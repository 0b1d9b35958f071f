"""What the harnesses share: how they are run."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

SEED = 20261124
LONGEST = 1024  # bytes


def run(one: Callable[[bytes], None], seeds: Iterable[bytes], inputs: int) -> None:
    """Gives `one` so many inputs, the first of them `seeds`. Does not come back: libFuzzer ends the process.

    Leaves in the working directory what libFuzzer keeps: the inputs that led further, and the one that broke something.
    """
    corpus = Path("corpus")
    corpus.mkdir()
    for number, seed in enumerate(seeds):
        (corpus / str(number)).write_bytes(seed)
    options = (f"-runs={inputs}", f"-seed={SEED}", f"-max_len={LONGEST}", "-verbosity=0", "-print_final_stats=1")
    atheris.Setup([sys.argv[0], *options, str(corpus)], one)
    atheris.Fuzz()
