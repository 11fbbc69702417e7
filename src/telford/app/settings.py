"""Settings: what the environment says, read once, by `telford.cli.options` and the server.

Every setting has a default, so that a newcomer sets none. Documented in docs/reference/commands.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """`estate` is the estate's folder, `cache` where caches live ("" for the user's cache folder)."""

    estate: str = "."
    cache: str = ""
    debug: bool = False

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> "Settings":
        """Settings from TELFORD_ESTATE, TELFORD_CACHE and TELFORD_DEBUG."""
        return Settings(
            estate=environment.get("TELFORD_ESTATE", "") or ".",
            cache=environment.get("TELFORD_CACHE", ""),
            debug=environment.get("TELFORD_DEBUG", "") not in {"", "0"},
        )
