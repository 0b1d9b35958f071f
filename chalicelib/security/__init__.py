"""Cryptography: signing, tokens, email links and passwords."""
