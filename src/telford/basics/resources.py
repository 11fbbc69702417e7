"""Data files packaged beside modules: the one way for the pure floors to read them.

A number with a source lives in a TOML or YAML file in the package it belongs to; this reads it,
once. Called at import or first use by modules that own such a file.
"""

import importlib.resources
import tomllib
from functools import cache
from typing import Any


@cache
def text(package: str, name: str) -> str:
    """The text of data file `name` in `package` (``telford.road``), decoded as UTF-8."""
    return importlib.resources.files(package).joinpath(name).read_text(encoding="utf-8")


def toml(package: str, name: str) -> dict[str, Any]:
    """The data file as TOML tables; a new value each time, so a caller may keep it."""
    return tomllib.loads(text(package, name))
