"""What an immutable release is made of, and its name: the hash of that. Pure.

The base of a service, its image (by digest where it has one), the contracts that it offers. What a
place adds, the versions of configuration and secrets (never a value), is part of the binding, and
kept with each release so that going back restores it. Called by `telford.app.versions`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Contents:
    """An immutable release. `base` is the digest of the service's base fields; `contracts` maps an
    address to the version that is offered.
    """

    service: str
    version: str
    image: str
    base: str
    contracts: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return hashed(asdict(self))


@dataclass(frozen=True, slots=True)
class Settings:
    """What a place gives a release: address -> digest of the configuration as it is resolved there,
    and of each secret's reference (where it is kept and which version; a value never gets in).
    """

    configs: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 of all of it."""
        return hashed(asdict(self))

    def to_json(self) -> dict[str, Any]:
        """A plain dict."""
        return {"configs": dict(self.configs), "secrets": dict(self.secrets)}


def hashed(content: Any) -> str:
    """SHA-256 of plain values, the same for the same values."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
