"""The cost of an index on AWS: the units of real requests, multiplied by a price list. `python -m bench.aws_cost`."""
