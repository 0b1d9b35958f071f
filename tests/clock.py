"""A clock that a test sets, so that no test sleeps."""

NOW = 1_800_000_000  # the start of an hour


class Clock:
    """Returns `now`, in seconds since 1970. `sleep` moves it forward."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
