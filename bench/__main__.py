"""Runs all measurements, then creates the plots and docs/development/performance.md: `make bench`."""

from bench import cold_start, core, cost, growth, handler, hot_repository, load, report


def main() -> None:
    """Run everything. It takes some minutes, and needs a machine without other load."""
    for part in (core, cold_start, handler, cost, growth, load, hot_repository, report):
        print(f"\n== {part.__name__}", flush=True)
        part.main()


if __name__ == "__main__":
    main()
