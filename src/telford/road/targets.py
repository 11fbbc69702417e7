"""The names of all targets, from `targets.toml`: rules judge what an Architecture names without
seeing `telford.render`. Called by `telford.rules.paving`.
"""

from functools import cache

from telford.basics import resources

# What stands between the owner and the name of a third party's target: ``example.inventory``.
_BETWEEN = "."


def third_party(name: str) -> bool:
    """Whether a target is somebody else's, by the form of its name; no name of ours has a dot."""
    return _BETWEEN in name


@cache
def names() -> tuple[str, ...]:
    """Every target's name, in alphabetical order."""
    return tuple(resources.toml("telford.road", "targets.toml")["names"])
