"""Random concurrent histories, held against a sequential model of the index.

model.py      what an index is: passwords, robots, and each repository's present life
requests.py   what was sent by whom, when, and what came back
ways.py       in which small steps the model could have answered a request as it was answered
explain.py    whether any order of those steps explains a whole history
clients.py    what clients do at random
schedule.py   who goes next, at each call to AWS, and what the time is: a seed makes a history again
run.py        one history from its seed
"""
