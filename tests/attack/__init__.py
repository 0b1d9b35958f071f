"""Attacks a local index as an anonymous client, and prints what this costs: `python -m tests.attack --seconds 20`."""
