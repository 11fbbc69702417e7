"""What things are called in Backstage, where names have no system. Called by `target`.

https://backstage.io/docs/features/software-catalog/descriptor-format#name-required
"""

from collections import Counter
from collections.abc import Mapping

from telford.estate.address import Address
from telford.estate.model import Estate
from telford.render.artifacts import key

# What Backstage allows, and how much of it a digest takes that tells long names apart.
LONGEST = 63
_DIGITS = 9

# Our kind -> Backstage's.
KINDS: Mapping[str, str] = {
    "service": "component",
    "pipeline": "component",
    "datastore": "resource",
    "stream": "resource",
    "contract": "api",
    "system": "system",
    "team": "group",
    "person": "user",
}


class Names:
    """Names that are unique among all of a Backstage kind: the plain name, where it is; else with
    the system, and where even that is taken twice, with our kind as well.
    """

    def __init__(self, estate: Estate) -> None:
        known = [one.address for one in estate.entities.values() if one.address.kind in KINDS]
        self._plain = Counter((KINDS[one.kind], one.name) for one in known)
        self._long = Counter((KINDS[one.kind], one.system, one.name) for one in known)

    def of(self, address: Address) -> str:
        """The name of the thing at an address."""
        kind = KINDS[address.kind]
        if self._plain[kind, address.name] == 1:
            return address.name
        long = f"{address.system}.{address.name}" if address.system else address.name
        if self._long[kind, address.system, address.name] > 1:
            long = f"{long}.{address.kind}"
        if len(long) <= LONGEST:
            return long
        return f"{long[: LONGEST - _DIGITS].rstrip('-.')}-{key(long)[: _DIGITS - 1]}"

    def reference(self, address: Address) -> str:
        """A reference that says the kind: ``resource:orders``."""
        return f"{KINDS[address.kind]}:{self.of(address)}"
