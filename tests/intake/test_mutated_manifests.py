"""Whatever a manifest says, import answers with documents and diagnostics, never a traceback."""

import copy
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import import_cases as cases
import pytest

import quick_yaml as yaml
from telford.intake.imported import Imported, Options
from telford.intake.kubernetes import objects, reading
from telford.road import patch

# Values that a person or a template may put anywhere, and a few that nobody should.
STRANGE: tuple[Any, ...] = (
    *(None, "", "yes", "0644", 0, -1, 1, 2**70, 3.5, True, False, [], {}, [[]], {"": {}}),
    *({"name": "x"}, [{"name": "x"}, {"name": "x"}], ["a", 1, None], "ünï", "a.b", "A" * 300),
    *({"$patch": "delete"}, {"$order/env": ["x"]}, [{"$patch": "replace"}], "10%", "5m", "{{ x }}"),
)
# What the golden Secrets hold, plain and in base64.
SECRETS = ("swordfish", "c3dvcmRmaXNo", "c2VjcmV0")
SEEDS = range(500)


def _manifests() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in ("import-harbour", "import-two-namespaces", "import-observatory"):
        found += cases.objects(cases.texts(cases.GOLDEN / name / "manifests"))
    return found


MANIFESTS = _manifests()


def _places(value: Any, holder: Any = None, key: Any = None) -> list[tuple[Any, Any]]:
    """Every place in a tree: the collection and the key or index."""
    here = [(holder, key)] if holder is not None else []
    if not isinstance(value, dict | list):
        return here
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return here + [place for step, item in items for place in _places(item, value, step)]


def _replace(draw: random.Random, holder: Any, key: Any) -> None:
    holder[key] = copy.deepcopy(draw.choice(STRANGE))


def _remove(draw: random.Random, holder: Any, key: Any) -> None:
    del holder[key]


def _double(draw: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[f"{key}x"] = copy.deepcopy(holder[key])


def _wrap(draw: random.Random, holder: Any, key: Any) -> None:
    value = holder[key]
    text = value if isinstance(value, dict | list) else str(value)
    holder[key] = draw.choice(([value], {"x": value}, text))


def _reorder(draw: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder[key], list):
        draw.shuffle(holder[key])


MUTATIONS: tuple[Callable[[random.Random, Any, Any], None], ...] = (
    *(_replace, _remove, _double, _wrap, _reorder),
)


def _mutated(seed: int) -> dict[str, str]:
    """Some of the manifests with one to six places changed, and now and then with broken text."""
    draw = random.Random(seed)
    chosen = copy.deepcopy(draw.sample(MANIFESTS, draw.randint(1, 5)))
    for _ in range(draw.randint(1, 6)):
        # A Secret whose kind or fields are called something else is none: its own keys stay.
        places = [
            (holder, key)
            for holder, key in _places(chosen)
            if not (isinstance(holder, dict) and holder.get("kind") == "Secret")
        ]
        if places:
            draw.choice(MUTATIONS)(draw, *draw.choice(places))
    text = yaml.safe_dump_all(chosen, allow_unicode=True)
    if draw.random() < 0.1:
        at = draw.randint(0, len(text))
        text = text[:at] + draw.choice(("\t", "{", "'", "- ", "&a ", "*a ", "\x00")) + text[at:]
    return {"mutated.yaml": text}


@pytest.mark.parametrize("start", range(0, len(SEEDS), 50))
def test_mutated_manifests_are_imported_or_reported(start: int) -> None:
    """Per seed: no exception, one fate a leaf, an estate without errors, exact objects again."""
    for seed in SEEDS[start : start + 50]:
        given = _mutated(seed)
        try:
            _holds(given)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


def _holds(given: dict[str, str]) -> None:
    imported = reading.read(given, Options())
    found = objects.read(given)
    leaves = Counter(
        (item.label, ".".join(map(str, path)))
        for item in (*found.objects, *found.replaced)
        for path, _ in patch.leaves(item.original)
    )
    assert Counter((fate.subject, fate.path) for fate in imported.report.fates) == leaves
    estate = cases.loaded(imported)
    assert cases.errors(estate) == []
    _given_back(found, cases.built(estate))
    _no_secret(imported)


def _given_back(found: objects.Found, built: list[dict[str, Any]]) -> None:
    """Every object but Secrets, exactly, numbers that are quantities as texts."""
    wanted = [item for item in found.objects if item.kind != "Secret"]
    assert len(built) == len(wanted)
    given = {_key(item): item for item in built}
    assert len(given) == len(built)
    for item in wanted:
        assert _texts(given[_key(item.body)]) == _texts(item.body), item.label


def _key(item: dict[str, Any]) -> tuple[str, ...]:
    metadata = item["metadata"]
    name = metadata.get("name") or metadata.get("generateName")
    return str(item["kind"]), str(metadata.get("namespace")), str(name), str(item.get("apiVersion"))


def _texts(value: Any, inside: bool = False) -> Any:
    """The tree with the numbers under `resources` as texts."""
    if isinstance(value, dict):
        return {key: _texts(item, inside or key == "resources") for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item, inside) for item in value]
    return _amount(value) if inside and isinstance(value, int | float) else (type(value), value)


def _amount(value: int | float) -> Any:
    if isinstance(value, bool):
        return (bool, value)
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 10**15
    return (str, str(int(value) if whole else value))


def _no_secret(imported: Imported) -> None:
    everything = repr((imported.documents, imported.diagnostics, imported.report))
    for secret in SECRETS:
        assert secret not in everything
