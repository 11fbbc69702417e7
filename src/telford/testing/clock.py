"""A clock that moves only when told to."""


class FakeClock:
    """Starts at `now` epoch seconds; `sleep` and `advance` move both its hands."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        """See `telford.basics.clock.Clock.now`."""
        return self._now

    def monotonic(self) -> float:
        """See `telford.basics.clock.Clock.monotonic`."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Return at once, later."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds
