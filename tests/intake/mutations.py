"""Damaged texts: what editors, merges, disks and hostile people do to files, by a seed."""

import random
from typing import Any

import quick_yaml as yaml

# What a value is replaced by: every type that YAML has, and what readers stumble over.
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**63, 1e308, float("nan"), "", " ", "x" * 300, "🙂", "${A:-${B}}",
    "../../etc/passwd", "[", "{{ .x }}", "1-65535", "yes", "0644", "a.b.c:99999", [], {}, [[]],
    [None], {"": None}, {"name": None}, [{"name": "a"}, {"name": "a"}], {"a": {"b": {"c": []}}},
    ["x", 1, None, {}], "!Ref x", "<<", "=", "\u0085", "0x1F", "1_000", "2026-11-22",
)  # fmt: skip
_TEXTS = ("\t", ":", "- ", "{", "}", "]", "&a ", "*a", "!!python/object:os.system ", "\x00", "\ufeff",
          "'", '"', "|\n", "---\n", "%YAML 1.2\n", "# ", "<<: ", "\r", "${", "? ", "@", "`", "é")  # fmt: skip


def mutated(text: str, rng: random.Random) -> str:
    """The text with one to three mutations, of its characters or of what it means."""
    for _ in range(rng.randint(1, 3)):
        text = _meaning(text, rng) if rng.random() < 0.5 else _characters(text, rng)
    return text


def _characters(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text) + 1)
    length = rng.choice((1, 1, 1, 5, 40))
    lines = text.splitlines(keepends=True) or [""]
    line = rng.randrange(len(lines))
    way = rng.randrange(7)
    if way == 0:
        return text[:at] + text[at + length :]
    if way == 1:
        return text[:at] + rng.choice(_TEXTS) + text[at:]
    if way == 2:
        return text[:at]
    if way == 3:
        return "".join(lines[:line] + [lines[line]] * 2 + lines[line + 1 :])
    if way == 4:
        return "".join(lines[:line] + lines[line + 1 :])
    if way == 5:
        return "".join([*lines[:line], "  " * rng.randint(1, 3) + lines[line], *lines[line + 1 :]])
    return text[:at] + chr(rng.randrange(32, 0x2FFF)) + text[at + 1 :]


def _meaning(text: str, rng: random.Random) -> str:
    """One value somewhere replaced, renamed, removed or wrapped; other texts change as characters."""
    try:
        documents = list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError, TypeError):
        return _characters(text, rng)
    places = [place for document in documents for place in _places(document)]
    if not places:
        return _characters(text, rng)
    holder, key = rng.choice(places)
    way = rng.randrange(4)
    if way == 0:
        holder[key] = rng.choice(_VALUES)
    elif way == 1:
        holder[key] = [holder[key]] if rng.random() < 0.5 else {"x": holder[key]}
    elif isinstance(holder, dict):
        value = holder.pop(key)
        if way == 2:
            holder[f"{key}x"] = value
    else:
        del holder[key]
    return str(yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False))


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            found += [(current, key) for key in current]
            pending += current.values()
        elif isinstance(current, list):
            found += [(current, index) for index in range(len(current))]
            pending += current
    return found
