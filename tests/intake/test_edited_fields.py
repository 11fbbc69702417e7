"""A field that a person edits shows in what is built: for every field of every imported document."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import import_cases as cases
import pytest
from pydantic import ValidationError

from telford.estate.kinds import registry
from telford.intake.kubernetes import reading
from telford.road import found, patch

# What says whose a document is, or what is judged elsewhere: not how an object is built.
HEAD = frozenset(
    {
        *("apiVersion", "kind", "name", "system", "owner", "type", "engine", "namespace"),
        *("labels", "annotations", "carried", "uses", "road"),
    }
)
# Document, field -> why an edit of it does not show.
SILENT = {
    ("stack", "run.replicas.min"): "unwritten, so KEDA's default; its absence is carried",
    ("stack", "run.replicas.max"): "unwritten, so KEDA's default; its absence is carried",
    ("archive", "run.replicas.min"): "unwritten, so KEDA's default; its absence is carried",
    ("telescope", "run.env.ZONE.elsewhere"): "it says where the Config is, not what is read",
    ("telescope", "run.envFrom.elsewhere"): "it says where the Config is, not what is read",
    ("star-catalogue", "version"): "read from the image's name, which is carried",
    ("logbook", "version"): "read from the image's name, which is a field of its own",
    ("dome", "keys.name"): "the values of a sealed secret are carried with their names",
    ("telescope-vault", "keys.name"): "the objects of a provider's class are carried",
}
_OPAQUE = ("Manifest", "Team", "System", "Environment")


def _edits(leaf: Any) -> list[Any]:
    """Other values of the same type, of which the field takes one or none."""
    if isinstance(leaf, bool):
        return [not leaf]
    if isinstance(leaf, int):
        return [leaf + 1, leaf - 1]
    return [f"{leaf}x", "7s", "77Mi", "7%"] if isinstance(leaf, str) else []


def _edited(value: Mapping[str, Any], path: patch.Path, new: Any) -> Any:
    copied = copy.deepcopy(dict(value))
    here: Any = copied
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = new
    try:
        return registry.BY_NAME[value["kind"]].model_validate(copied)
    except ValidationError:
        return None


def _silent(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The fields of a document whose edit changes nothing."""
    before = found.objects(registry.BY_NAME[value["kind"]].model_validate(value))
    # Of a secret that others make nothing is built.
    for path, leaf in patch.leaves(value) if before else ():
        specs = (_edited(value, path, new) for new in _edits(leaf) if path[0] not in HEAD)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and found.objects(spec) == before:
            yield value["name"], ".".join(step for step in path if isinstance(step, str))


@pytest.mark.parametrize("case", ["import-observatory", "import-harbour", "import-two-namespaces"])
def test_every_edited_field_shows_in_what_is_built(case: str) -> None:
    imported = reading.read(cases.texts(cases.GOLDEN / case / "manifests"))
    values = [d.value for d in imported.documents if d.value["kind"] not in _OPAQUE]
    assert {field for value in values for field in _silent(value)} <= SILENT.keys()
