"""The numbers and names of `envoy.toml`. Called by this target's modules."""

from functools import cache
from typing import Any

from telford.basics import resources


@cache
def of(table: str) -> dict[str, Any]:
    """One table, by its keys."""
    found: dict[str, Any] = resources.toml("telford.render.envoy", "envoy.toml")[table]
    return found


def typed(kind: str, **fields: Any) -> dict[str, Any]:
    """A message of Envoy's API that says what it is."""
    return {"@type": f"type.googleapis.com/envoy.{kind}", **fields}
