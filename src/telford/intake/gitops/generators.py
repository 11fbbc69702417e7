"""Generators of an ApplicationSet -> applications, as far as the input says what they range over.
Called by `telford.intake.gitops.delivery`.

https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Generators/ (2026-11): list,
git directories, matrix and merge are evaluated; what ranges over clusters, pull requests or another
system's answers is said to be unknown.
"""

import fnmatch
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from telford.intake.kubernetes import access

# Applications of one set; a set of more ranges over something that is no list.
MAX_APPLICATIONS = 1_000
# Generators in generators: Argo CD itself allows two levels.
MAX_DEPTH = 4
_PLACEHOLDER = re.compile(r"\{\{-?\s*\.?([\w.\[\]-]{1,200})\s*-?\}\}")
_INDEX = re.compile(r"\[(\d{1,3})\]")
_KINDS = ("list", "clusters", "git", "matrix", "merge", "scmProvider", "pullRequest", "plugin")

Parameters = dict[str, Any]


@dataclass(slots=True)
class Made:
    """The applications of a set, and why there may be more of them."""

    applications: list[dict[str, Any]] = field(default_factory=list)
    unsaid: list[str] = field(default_factory=list)


class _NotKnownError(Exception):
    """What a generator ranges over is not in the input."""


def made(spec: Mapping[str, Any], folders: tuple[str, ...]) -> Made:
    """The applications that the generators of a set make. `folders` are those of the input."""
    result = Made()
    template = access.mapping(spec, "template")
    for generator in access.mappings(spec.get("generators")):
        try:
            rounds = list(itertools.islice(_rounds(generator, folders, 0), MAX_APPLICATIONS))
        except _NotKnownError as error:
            result.unsaid.append(str(error))
            continue
        own = next((access.mapping(generator, kind, "template") for kind in _KINDS), {})
        for parameters in rounds:
            merged = _merged(template, own)
            made_one = filled(merged, parameters)
            if isinstance(made_one, dict):
                result.applications.append(made_one)
    if any("{{" in text for one in result.applications for _, text in access.strings(one)):
        result.unsaid.append("its template uses functions that only Argo CD evaluates")
    return result


def filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """A template with its placeholders filled; those that nothing is known of stay."""
    if isinstance(value, dict):
        return {filled(key, parameters): filled(item, parameters) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, parameters) for item in value]
    if not isinstance(value, str) or "{{" not in value:
        return value

    def one(match: re.Match[str]) -> str:
        found = _looked_up(match[1], parameters)
        return match[0] if found is None else str(found)

    return _PLACEHOLDER.sub(one, value)


def _looked_up(name: str, parameters: Mapping[str, Any]) -> str | int | float | None:
    found = parameters.get(name)
    if isinstance(found, str | int | float):
        return found
    here: Any = parameters
    for part in _INDEX.sub(r".\1", name).split("."):
        if isinstance(here, dict) and part in here:
            here = here[part]
        elif isinstance(here, list) and part.isdecimal() and int(part) < len(here):
            here = here[int(part)]
        else:
            return None
    if isinstance(here, dict) and name == "path":
        # Without Go templates {{path}} is the path itself.
        here = here.get("path")
    return here if isinstance(here, str | int | float) else None


def _rounds(
    generator: Mapping[str, Any], folders: tuple[str, ...], depth: int
) -> Iterator[Parameters]:
    """The parameters of each application that a generator makes."""
    if depth > MAX_DEPTH:
        raise _NotKnownError("its generators nest too deeply")
    if "list" in generator:
        yield from _listed(access.mapping(generator, "list"))
    elif "git" in generator:
        yield from _git(access.mapping(generator, "git"), folders)
    elif "matrix" in generator:
        yield from _matrix(access.mapping(generator, "matrix"), folders, depth)
    elif "merge" in generator:
        yield from _merge(access.mapping(generator, "merge"), folders, depth)
    else:
        kind = next((key for key in generator if key in _KINDS), "?")
        what = (
            "the clusters that Argo CD knows" if kind == "clusters" else f"its `{kind}` generator"
        )
        raise _NotKnownError(f"it ranges over {what}, which is not in the input")


def _listed(generator: Mapping[str, Any]) -> Iterator[Parameters]:
    if generator.get("elementsYaml"):
        raise _NotKnownError("its list is computed by Argo CD (`elementsYaml`)")
    for element in access.mappings(generator.get("elements")):
        yield dict(element)


def _git(generator: Mapping[str, Any], folders: tuple[str, ...]) -> Iterator[Parameters]:
    if generator.get("files"):
        raise _NotKnownError("it ranges over files of a repository (`git.files`)")
    patterns = access.mappings(generator.get("directories"))
    wanted = [access.text(one.get("path")) for one in patterns if not one.get("exclude")]
    without = [access.text(one.get("path")) for one in patterns if one.get("exclude")]
    matched = [
        folder
        for folder in folders
        if any(_matches(folder, pattern) for pattern in wanted)
        and not any(_matches(folder, pattern) for pattern in without)
    ]
    if not matched:
        raise _NotKnownError(
            f"no folder of the input is one of {', '.join(wanted) or 'its folders'}"
        )
    values = access.mapping(generator, "values")
    for folder in matched:
        parts = folder.split("/")
        known: Parameters = {
            "path": {
                "path": folder,
                "basename": parts[-1],
                "basenameNormalized": re.sub(r"[^a-z0-9-]", "-", parts[-1].lower()),
                "segments": parts,
                **{str(index): part for index, part in enumerate(parts)},
            },
        }
        yield known | {"values": filled(values, known)}


def _matches(folder: str, pattern: str) -> bool:
    """A glob of which a star stands for one part."""
    parts, wanted = folder.split("/"), pattern.strip("/").split("/")
    return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))


def _matrix(
    generator: Mapping[str, Any], folders: tuple[str, ...], depth: int
) -> Iterator[Parameters]:
    inner = access.mappings(generator.get("generators"))
    if len(inner) != 2:
        raise _NotKnownError("its matrix has not two generators")
    for first in _rounds(inner[0], folders, depth + 1):
        # The second may speak of what the first gives.
        for second in _rounds(filled(inner[1], first), folders, depth + 1):
            yield _merged(first, second)


def _merge(
    generator: Mapping[str, Any], folders: tuple[str, ...], depth: int
) -> Iterator[Parameters]:
    keys = [key for key in access.items(generator.get("mergeKeys")) if isinstance(key, str)]
    inner = access.mappings(generator.get("generators"))
    if not keys or not inner:
        raise _NotKnownError("its merge has no keys or no generators")
    first, *others = [list(_rounds(one, folders, depth + 1)) for one in inner]
    for base in first:
        merged = dict(base)
        for other in others:
            for parameters in other:
                if all(_looked_up(key, parameters) == _looked_up(key, base) for key in keys):
                    merged = _merged(merged, parameters)
        yield merged


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged
