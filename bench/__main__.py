"""Every measurement, one after the other, then the pictures and docs/development/performance.md: `make bench`."""

from bench import cold_start, core, cost, growth, handler, hot_repository, load, report


def main() -> None:
    """Some minutes on a quiet machine."""
    for part in (core, cold_start, handler, cost, growth, load, hot_repository, report):
        print(f"\n== {part.__name__}", flush=True)
        part.main()


if __name__ == "__main__":
    main()
