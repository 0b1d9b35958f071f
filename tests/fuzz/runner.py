"""Runs a fuzzer."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

SEED = 20261124
MAX_INPUT_BYTES = 1024


def run(check: Callable[[bytes], None], examples: Iterable[bytes], inputs: int) -> None:
    """Call `check` with `inputs` inputs, first with `examples`. libFuzzer then ends the process.

    libFuzzer writes into the working directory: the inputs that reached new branches, and the input that failed.
    """
    corpus = Path("corpus")
    corpus.mkdir()
    for number, example in enumerate(examples):
        (corpus / str(number)).write_bytes(example)
    options = (
        f"-runs={inputs}",
        f"-seed={SEED}",
        f"-max_len={MAX_INPUT_BYTES}",
        "-verbosity=0",
        "-print_final_stats=1",
    )
    atheris.Setup([sys.argv[0], *options, str(corpus)], check)
    atheris.Fuzz()
