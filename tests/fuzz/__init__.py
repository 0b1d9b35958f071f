"""Harnesses for atheris, which learns from the branches that an input takes: each a program of its own.

`python -m tests.fuzz.fuzz_tokens 1000` gives so many inputs, from a fixed seed, and ends with a status other than 0 at the
first that breaks what is promised. tests/unit/test_fuzzing.py runs them.
"""
