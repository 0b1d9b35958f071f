"""What an index costs: units counted from its own requests, times a stated price list. `python -m infra cost`."""
