"""Checks that random concurrent histories are linearizable: that a sequential model of the index explains them.

model.py          the state of an index: passwords, robots and repositories
operations.py     the operations of a history: when each was sent, and what was returned
steps.py          the elementary steps: what they require of the state and how they change it
allowed_steps.py  the sequences of steps that explain the response to an account or an anonymous client
token_steps.py    the same for access tokens
checker.py        whether any order of the steps of all operations explains a history
clients.py        clients that send random operations
schedule.py       a scheduler that switches threads at each call to AWS, and its clock; a seed repeats a history
run.py            one history from its seed
traffic.py        histories in real time, with faults
"""
