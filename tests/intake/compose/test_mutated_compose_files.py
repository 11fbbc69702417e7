"""A thousand mutated real files: diagnostics only, every leaf accounted for, a clean estate, and
no secret in it. What the Specification's own schema refuses is reported.
"""

import copy
import json
import pathlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any

import compose_cases as cases
import jsonschema
import pytest

SEEDS = range(1_000)
SECRET = "swordfish-0815"
STRANGE: tuple[Any, ...] = (
    *(None, "", "no", "0644", 0, -1, 1, 2**70, 3.5, True, False, [], {}, [[]], {"": {}}),
    *({"a": "x"}, [{"target": 1}, {"target": 1}], ["a", 1, None], "ünï", "a.b", "A" * 300),
    *("${X}", "${X:-y}", "$", "$$", "${DB_PASSWORD}", "1-65535", "80:80/udp", "10%", "5m", "1.5g"),
    *("./a:/b:ro", "a:b:c:d", "../x", "http://db:1/x", {"path": "x"}, "service:db", "\x00"),
    *(
        {"driver": "x", "options": {}},
        {"condition": "service_healthy"},
        ["NONE"],
        ["CMD"],
        "=",
        ":",
    ),
)
# Keys that a mutation may add to a service.
KEYS = (
    *("depends_on", "extends", "networks", "secrets", "configs", "env_file", "links", "volumes"),
    *("deploy", "healthcheck", "tmpfs", "profiles", "network_mode", "user", "x-y", "bogus"),
)
Mutation = Callable[[random.Random, Any, Any], None]


def _replace(draw: random.Random, holder: Any, key: Any) -> None:
    holder[key] = copy.deepcopy(draw.choice(STRANGE))


def _remove(draw: random.Random, holder: Any, key: Any) -> None:
    del holder[key]


def _double(draw: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[f"{key}{draw.choice(('x', '-', '.'))}"] = copy.deepcopy(holder[key])


def _wrap(draw: random.Random, holder: Any, key: Any) -> None:
    value = holder[key]
    text = value if isinstance(value, dict | list) else str(value)
    holder[key] = draw.choice(([value], {"x": value}, text))


def _add(draw: random.Random, holder: Any, key: Any) -> None:
    if isinstance(holder[key], dict):
        holder[key][draw.choice(KEYS)] = copy.deepcopy(draw.choice(STRANGE))


MUTATIONS: tuple[Mutation, ...] = (_replace, _remove, _double, _wrap, _add)


def _places(value: Any, holder: Any = None, key: Any = None) -> list[tuple[Any, Any]]:
    here = [(holder, key)] if holder is not None else []
    if not isinstance(value, dict | list):
        return here
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return here + [place for step, item in items for place in _places(item, value, step)]


def _real(estates: pathlib.Path) -> list[dict[str, Any]]:
    found = []
    for name in ("awesome-compose", "retail-store", "sock-shop"):
        for file, text in cases.folder(estates / name).items():
            if "compose" in pathlib.PurePath(file).name:
                found.append(cases.parsed(text))
    return found


def _mutated(seed: int, real: list[dict[str, Any]]) -> tuple[dict[str, str], bool]:
    """One to three files of one folder, with places changed; whether the text is broken too."""
    draw = random.Random(seed)
    chosen = copy.deepcopy(draw.sample(real, draw.randint(1, 3)))
    for item in chosen:
        for service in item.get("services", {}).values():
            service["environment"] = {**_environment(service), "ADMIN_PASSWORD": SECRET}
    for _ in range(draw.randint(1, 8)):
        places = [place for place in _places(chosen) if not _holds_secret(place)]
        if places:
            draw.choice(MUTATIONS)(draw, *draw.choice(places))
    texts = [cases.dumped(item) for item in chosen]
    broken = draw.random() < 0.15
    if broken:
        at = draw.randint(0, len(texts[0]))
        noise = draw.choice(("\t", "{", "'", "- ", "&a ", "*a ", "!reset ", "!override ", "\x00"))
        texts[0] = texts[0][:at] + noise + texts[0][at:]
    names = ("compose.yaml", "compose.override.yaml", "more.yaml")
    return dict(zip(names, texts, strict=False)), broken


def _environment(service: dict[str, Any]) -> dict[str, Any]:
    given = service.get("environment", {})
    if isinstance(given, dict):
        return given
    return {name: value for name, _, value in (item.partition("=") for item in given)}


def _holds_secret(place: tuple[Any, Any]) -> bool:
    """Whether a change here could give the secret another name: then nothing tells it."""
    holder, key = place
    return key in ("ADMIN_PASSWORD", "environment", "services") or (
        isinstance(holder[key], dict) and SECRET in json.dumps(holder[key], default=str)
    )


@pytest.mark.parametrize("start", range(0, len(SEEDS), 100))
def test_mutated_files_are_imported_or_reported(estates: pathlib.Path, start: int) -> None:
    real = _real(estates)
    for seed in SEEDS[start : start + 100]:
        texts, broken = _mutated(seed, real)
        try:
            _holds(texts, broken)
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error


def _holds(texts: dict[str, str], broken: bool) -> None:
    named = tuple(texts) if len(texts) > 2 else ()
    found = cases.imported(texts, named=named)
    assert cases.problems(found) == []
    for item in found.diagnostics:
        assert item.position is not None or item.address
    if not broken:
        assert cases.accounted(found) == cases.written(texts)
        assert SECRET not in repr((found.documents, found.report, found.diagnostics))


# The Specification's schema, as check-jsonschema brings it along.
SCHEMA = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
# Said by this reader, or by nobody: what a schema cannot know.
# Numbers in commands are taken for texts, as they are nearly always meant.
TOLERATED = (("command", [1.5]), ("entrypoint", [1.5]))
COMPLAINTS = frozenset({"TEL100", "TEL101", "TEL620", "TEL624", "TEL625", "TEL630", "TEL631"})


def test_real_files_pass_the_schema_and_this_reader(estates: pathlib.Path) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    for value in _real(estates):
        text = cases.dumped(value)
        assert validator.is_valid(value)
        # Fragments that are laid over others lack images; nothing else is wrong with them.
        complaints = COMPLAINTS & set(cases.codes(cases.imported(text)))
        assert complaints <= {"TEL625"}


def test_wrong_types_are_refused_as_the_schema_refuses_them(estates: pathlib.Path) -> None:
    """Values of every key of the real files replaced by ones of another shape, each key up to three
    times: where the schema refuses the file, this reader complains too.
    """
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8")))
    missed = []
    tried: Counter[str] = Counter()
    for value, name, key, strange in _exchanges(estates):
        if tried[f"{key} {strange}"] == 3:
            continue
        changed = {**value, "services": {name: {**value["services"][name], key: strange}}}
        if validator.is_valid(changed):
            continue
        tried[f"{key} {strange}"] += 1
        found = cases.imported(cases.dumped(changed))
        if (key, strange) not in TOLERATED and not COMPLAINTS & set(cases.codes(found)):
            missed.append((name, key, strange))
    assert len(tried) > 100
    assert missed == []


def _exchanges(estates: pathlib.Path) -> Iterator[tuple[dict[str, Any], str, str, Any]]:
    for value in _real(estates):
        for name, service in value.get("services", {}).items():
            for key in service:
                for strange in ([1.5], {"a": [1]}, 5, True):
                    yield value, name, key, strange
