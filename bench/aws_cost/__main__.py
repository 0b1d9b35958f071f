"""Prints the tables of docs/development/cost.md: `python -m bench.aws_cost`."""

from bench.aws_cost.report import create_report


def main() -> None:
    """Print the tables."""
    for line in create_report():
        print(line)


if __name__ == "__main__":
    main()
