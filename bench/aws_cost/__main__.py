"""`python -m bench.aws_cost` prints the calls, the units and the price of each operation."""

from bench.aws_cost.report import report

for line in report():
    print(line)
