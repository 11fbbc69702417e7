"""Settings: what the environment says, read once, by `telford.cli.options` and the server.

Every setting has a default, so that a newcomer sets none. Documented in docs/reference/commands.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from telford.basics.errors import UsageError

# A tick costs a commit; above half a minute a bad version harms people for longer than it must.
SHORTEST_TICK_SECONDS = 0.05
LONGEST_TICK_SECONDS = 30.0
# A year and a month: whoever looks back a year finds all of it.
KEEP_DAYS = 400.0
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Settings:
    """`estate` is the estate's folder, `cache` where caches live ("" for the user's cache folder).

    `state` is the folder of records and of the local place ("" for ``.telford`` in the estate);
    `store` the URL of the records' database ("" for SQLite in that folder); `tick_seconds` how
    often the controller looks; `who` the name that acts are recorded under; `keep_days` how long
    ledgers, commands and the audit log are kept (0: for ever).
    """

    estate: str = "."
    cache: str = ""
    debug: bool = False
    state: str = ""
    store: str = ""
    tick_seconds: float = 1.0
    who: str = ""
    keep_days: float = KEEP_DAYS

    @property
    def keep_seconds(self) -> float:
        """How long records are kept; 0 for ever."""
        return self.keep_days * DAY_SECONDS

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "Settings":
        """Settings from TELFORD_ESTATE, TELFORD_CACHE, TELFORD_DEBUG, TELFORD_STATE, TELFORD_STORE,
        TELFORD_TICK_SECONDS, TELFORD_KEEP_DAYS and TELFORD_WHO (else USER). Raises `UsageError`
        for a bad number.
        """
        return Settings(
            estate=environment.get("TELFORD_ESTATE", "") or ".",
            cache=environment.get("TELFORD_CACHE", ""),
            debug=environment.get("TELFORD_DEBUG", "") not in {"", "0"},
            state=environment.get("TELFORD_STATE", ""),
            store=environment.get("TELFORD_STORE", ""),
            tick_seconds=_tick(environment.get("TELFORD_TICK_SECONDS", "")),
            keep_days=_keep(environment.get("TELFORD_KEEP_DAYS", "")),
            who=environment.get("TELFORD_WHO", "") or environment.get("USER", ""),
        )


def _tick(text: str) -> float:
    try:
        seconds = float(text or 1.0)
    except ValueError:
        seconds = 0.0
    if not SHORTEST_TICK_SECONDS <= seconds <= LONGEST_TICK_SECONDS:
        raise UsageError(
            f"TELFORD_TICK_SECONDS is {text!r}",
            fix=f"give seconds between {SHORTEST_TICK_SECONDS:g} and {LONGEST_TICK_SECONDS:g}",
        )
    return seconds


def _keep(text: str) -> float:
    try:
        days = float(text or KEEP_DAYS)
    except ValueError:
        days = -1.0
    if not days >= 0:
        raise UsageError(
            f"TELFORD_KEEP_DAYS is {text!r}", fix="give days, such as 400, or 0 to keep everything"
        )
    return days
