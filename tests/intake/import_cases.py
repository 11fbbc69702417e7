"""What the tests of import share: golden cases, and manifests read by a parser that is not ours."""

import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import quick_yaml as yaml
from telford.basics.diagnostics import Severity
from telford.estate import loading, overlays
from telford.estate.model import Estate, Loaded
from telford.estate.place import Place
from telford.intake import emission
from telford.intake.imported import Imported, Status
from telford.road import found, patch

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
Object = dict[str, Any]


def texts(folder: pathlib.Path) -> dict[str, str]:
    """Every YAML file under a folder by its path below the folder's parent."""
    return {
        path.relative_to(folder.parent).as_posix(): path.read_text("utf-8")
        for path in sorted(folder.rglob("*.yaml"))
    }


def objects(given: Mapping[str, str]) -> Iterator[Object]:
    """Every object as PyYAML reads it, lists taken apart."""
    for name in sorted(given):
        for document in yaml.safe_load_all(given[name]):
            if isinstance(document, dict) and str(document.get("kind", "")).endswith("List"):
                yield from document["items"]
            elif isinstance(document, dict) and "kind" in document:
                yield document


def label(item: Object) -> str:
    """``Kind/namespace/name``, as reports name it."""
    metadata = item["metadata"]
    return "/".join(filter(None, (item["kind"], metadata.get("namespace"), metadata["name"])))


def loaded(imported: Imported) -> Loaded:
    """The estate that an import writes, read again."""
    return loading.load(emission.files(imported.documents))


def errors(estate: Loaded) -> list[str]:
    """The errors of an estate, as short texts."""
    return [
        f"{d.code} {d.summary} {d.position}"
        for d in estate.diagnostics
        if d.severity is Severity.ERROR
    ]


def built(estate: Loaded) -> list[Object]:
    """Every Kubernetes object that an estate gives back."""
    specs = [entity.spec for entity in estate.estate.entities.values()]
    return [item for spec in specs for item in found.objects(spec)]


def bare(estate: Loaded) -> list[Object]:
    """The same without what is carried: only what the fields say."""
    made: list[Object] = []
    for entity in estate.estate.entities.values():
        carried = getattr(entity.spec, "carried", None)
        if carried is None:
            continue
        kept = tuple(item.model_copy(update={"patch": {}}) for item in carried)
        made += found.objects(entity.spec.model_copy(update={"carried": kept}))
    return made


def paths(value: Any) -> list[tuple[str, Any]]:
    """Every leaf with its dotted path, indices left out: for comparing what lists hold."""
    return [
        (".".join(str(step) for step in path if isinstance(step, str)), leaf)
        for path, leaf in patch.leaves(value)
    ]


def dotted(value: Any) -> list[str]:
    """The path of every leaf as reports write it."""
    return [".".join(map(str, path)) for path, _ in patch.leaves(value)]


def count(imported: Imported, status: Status) -> int:
    """How many leaves have a fate."""
    return sum(fate.status is status for fate in imported.report.fates)


def _normal(spec: Any) -> Object:
    """A document's written fields; `uses` without order and without where they were seen."""
    value: Object = spec.model_dump(by_alias=True, exclude_unset=True)
    uses = [{k: v for k, v in use.items() if k != "inferred"} for use in value.get("uses", ())]
    return value | ({"uses": sorted(uses, key=str)} if uses else {})


def differing(merged: Estate, alone: Estate, environment: str) -> list[str]:
    """The addresses that are not in a place of the merged estate what they are in its own."""
    everywhere = ("team", "system", "environment")
    place = Place(environment)
    given = {
        address: bound.spec
        for address, bound in overlays.bind(merged, place).entities.items()
        if bound.entity.address.kind not in everywhere
    }
    wanted = {
        address: bound.spec
        for address, bound in overlays.bind(alone, place).entities.items()
        if bound.entity.address.kind not in everywhere
    }
    wrong = sorted(given.keys() ^ wanted.keys())
    both = sorted(given.keys() & wanted.keys())
    return wrong + [name for name in both if _normal(given[name]) != _normal(wanted[name])]
