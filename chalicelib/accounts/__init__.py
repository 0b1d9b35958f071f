"""Accounts: registration, login, robots, emails and deletion."""
