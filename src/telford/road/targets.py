"""The names of all targets, from `targets.toml`: rules judge what an Architecture names without
seeing `telford.render`. Called by `telford.rules.paving`.
"""

from functools import cache

from telford.basics import resources


@cache
def names() -> tuple[str, ...]:
    """Every target's name, in alphabetical order."""
    return tuple(resources.toml("telford.road", "targets.toml")["names"])
