"""Bringing Waybill to AWS and looking after it there: deploy, status, logs, rollback, destroy.

`commands.py` is what an operator types; `deploy.py` is the order of things; each of the others knows one service.
"""
