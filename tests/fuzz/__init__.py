"""Fuzzers for atheris, which generates inputs from the branches that earlier inputs took. Each is a program.

`python -m tests.fuzz.fuzz_tokens 1000` runs 1,000 inputs from a fixed seed. It ends with a status other than 0 at the
first input that violates a property. `tests/functional/test_fuzz_parsers.py` runs the fuzzers.
"""
