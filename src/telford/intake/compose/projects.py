"""Which texts are compose files, and which of them are one project: as `docker compose` finds them
in a folder, and as a person names them. Called by `reading`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from telford.intake.compose import nodes, paths
from telford.intake.compose.layers import Loader
from telford.intake.compose.nodes import Node, Row

# In the order in which compose looks for them.
MAIN = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDES = (
    *("compose.override.yml", "compose.override.yaml"),
    *("docker-compose.override.yml", "docker-compose.override.yaml"),
)
_CALLED = re.compile(r"(docker-|podman-)?compose([._-].*)?\.ya?ml", re.IGNORECASE)
# `services:` at the left edge with a name beneath it, and something that runs.
_SERVICES = re.compile(
    r"^services:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*[ \t]+[\w.\"'-]+:", re.M
)
_RUNS = re.compile(r"^[ \t]+(?:image|build):", re.M)
_FOREIGN = re.compile(r"^(?:apiVersion|kind|openapi|asyncapi|AWSTemplateFormatVersion)\s*:", re.M)
# Enough of a file to know it by.
_HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one project in the order in which they are merged, and its folder."""

    files: tuple[str, ...]
    folder: str


@dataclass(frozen=True, slots=True)
class Sorted:
    """The projects of an import, and the files that belong to none: (file, main file)."""

    projects: tuple[Files, ...]
    others: tuple[tuple[str, str], ...]


def claims(path: str, text: str) -> bool:
    """Whether a file is a compose file: by its name, or by what it says."""
    name = paths.name(path)
    if not name.lower().endswith((".yaml", ".yml")):
        return False
    head = text[:_HEAD]
    if _FOREIGN.search(head):
        return False
    if _CALLED.fullmatch(name):
        return True
    return _SERVICES.search(head) is not None and _RUNS.search(head) is not None


def sort(texts: Mapping[str, str], named: Sequence[str], loader: Loader) -> Sorted:
    """The projects among the texts. The files of a folder that were `named` are merged in their
    order; elsewhere compose's own rule holds: the main file of a folder and its override.
    """
    chosen = [file for file in dict.fromkeys(named) if file in texts]
    given = [file for file in texts if file in chosen or claims(file, texts[file])]
    # What a named file refers to was fetched for it: that is no project of its own.
    parts = _parts(given, loader, templates=bool(chosen)) - set(chosen)
    folders: dict[str, list[str]] = {}
    for file in [*chosen, *(file for file in given if file not in chosen)]:
        if file not in parts:
            folders.setdefault(paths.folder(file), []).append(file)
    projects: list[Files] = []
    others: list[tuple[str, str]] = []
    for folder, files in sorted(folders.items()):
        listed = tuple(file for file in files if file in chosen)
        if listed:
            projects.append(Files(listed, folder))
            others += [(file, listed[0]) for file in files if file not in listed]
            continue
        found, rest = _found(folder, files, loader)
        projects += found
        others += rest
    return Sorted(tuple(projects), tuple(others))


def _found(
    folder: str, files: list[str], loader: Loader
) -> tuple[list[Files], list[tuple[str, str]]]:
    """The project of a folder, and the files that are read only where they are named."""
    by_name = {paths.name(file): file for file in sorted(files)}
    main = next((by_name[name] for name in MAIN if name in by_name), None)
    over = next((by_name[name] for name in OVERRIDES if name in by_name), None)
    if main is not None:
        merged = (main, over) if over is not None else (main,)
        rest = [file for file in sorted(files) if file not in merged]
        return [Files(merged, folder)], [(file, main) for file in rest]
    # Nobody called one the main file: those that speak of different services stand together.
    together: list[str] = []
    seen: set[str] = set()
    others: list[tuple[str, str]] = []
    for file in sorted(files):
        names = {name for document in loader.parsed(file) for name in _services(document)}
        if together and names & seen:
            others.append((file, together[0]))
        else:
            together.append(file)
            seen |= names
    return [Files(tuple(together), folder)], others


def _services(document: Node) -> set[str]:
    return set(nodes.table(document, "services"))


def _parts(files: Sequence[str], loader: Loader, *, templates: bool) -> set[str]:
    """The files that are part of another one's project: those that it includes and, with
    `templates`, those that it extends. Of files in a circle the first one stands for all.
    """
    graph = {file: _referred(file, loader, templates) & set(files) for file in files}
    targets = {target for reached in graph.values() for target in reached}
    reached: set[str] = set()
    roots: list[str] = []
    for file in [*(file for file in files if file not in targets), *sorted(targets)]:
        if file not in reached:
            roots.append(file)
            waiting = [file]
            while waiting:
                here = waiting.pop()
                if here not in reached:
                    reached.add(here)
                    waiting += graph[here]
    return set(files) - set(roots)


def _referred(file: str, loader: Loader, templates: bool) -> set[str]:
    found: set[str] = set()
    folder = paths.folder(file)
    for document in loader.parsed(file):
        include = nodes.table(document).get("include")
        listed: list[Node | None] = [*_paths(include.items if isinstance(include, Row) else ())]
        if templates:
            services = nodes.table(document, "services").values()
            listed += [nodes.table(item, "extends").get("file") for item in services]
        for node in listed:
            text = nodes.text(node)
            if text and not paths.refused(text):
                found.add(paths.joined(folder, loader.filled(text, folder)))
    return found - {file}


def _paths(entries: Sequence[Node]) -> Iterator[Node]:
    for entry in entries:
        listed = nodes.table(entry).get("path", entry)
        yield from listed.items if isinstance(listed, Row) else (listed,)


def names(given: Sequence[str], fallback: str, folders: Sequence[str]) -> list[str]:
    """A system's name for each project: what it calls itself, or its folder; those that would be
    the same get the folder around it too.
    """
    pairs = list(zip(given, folders, strict=True))
    wishes = [name or paths.name(folder) or fallback for name, folder in pairs]
    found: list[str] = []
    for wish, folder in zip(wishes, folders, strict=True):
        name = wish
        around = paths.folder(folder)
        while name in found and around:
            name = f"{paths.name(around)}-{name}"
            around = paths.folder(around)
        number = 2
        while name in found:
            name = f"{wish}-{number}"
            number += 1
        found.append(name)
    return found
