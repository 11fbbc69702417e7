"""Data changes of a release: expand, migrate, contract, in this order and never half-seen.

A step is declared before the start (`DataStep`, a part of the policy); how it stands is a
`DataView`, which the place's data runner reports. Expanding happens before the new version starts,
migrating while both run or after the switch, contracting once no old replica runs anywhere.
"""

from dataclasses import dataclass

PHASES = ("expand", "migrate", "contract")


@dataclass(frozen=True, slots=True)
class DataStep:
    """One declared step. `reversible` False makes the release's policy forward-fix from there on.

    `settings` are what its runner needs, as (name, text) pairs.
    """

    name: str
    phase: str
    reversible: bool = True
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DataView:
    """How a step stands: `status` is waiting, locked, running, done or failed; `done` of `total`
    rows where it counts them (total 0: unknown); `why` it waits, is locked or failed.
    """

    name: str
    phase: str
    status: str
    done: int = 0
    total: int = 0
    why: str = ""
