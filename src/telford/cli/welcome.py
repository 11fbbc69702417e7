"""What `telford` alone says: the three most useful commands for the folder it stands in.

It looks at the names of files and the first lines of a few YAML files, no more.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path

# A glance, not a search: this must answer at once in any folder.
_MAX_FILES = 200
_MAX_BYTES = 4096

_OWN = (
    ("telford check", "find everything wrong in this estate"),
    ("telford graph", "see what depends on what"),
    ("telford up", "start it on this machine"),
)
_FOREIGN = (
    ("telford import . --out estate", "turn these manifests into an estate"),
    ("telford check --estate estate", "then find what is wrong in it"),
    ("telford demo", "or watch a release roll itself back first"),
)
_EMPTY = (
    ("telford demo", "watch a bad release roll itself back"),
    ("telford init", "start an estate here"),
    ("telford import DIR", "turn Kubernetes YAML into an estate"),
)


def text(folder: Path) -> str:
    """The lines to print for `folder`."""
    heads = list(_heads(folder))
    if any("apiVersion: telford/" in head for head in heads):
        said, steps = "This folder holds an estate.", _OWN
    elif any("apiVersion:" in head and "kind:" in head for head in heads):
        said, steps = "This folder holds Kubernetes manifests.", _FOREIGN
    else:
        said, steps = "There is no estate in this folder yet.", _EMPTY
    width = max(len(command) for command, _ in steps)
    lines = [f"{said} Next:", ""]
    lines += [f"  {command:<{width}}   {why}" for command, why in steps]
    return "\n".join([*lines, "", "All commands: telford --help", ""])


def _heads(folder: Path) -> Iterator[str]:
    """The beginnings of the first YAML files, two folders deep."""
    patterns = ("*.yaml", "*.yml", "*/*.yaml", "*/*.yml")
    files = itertools.chain.from_iterable(folder.glob(pattern) for pattern in patterns)
    for path in itertools.islice(files, _MAX_FILES):
        try:
            with path.open("rb") as stream:
                yield stream.read(_MAX_BYTES).decode("utf-8", "replace")
        except OSError:
            continue
