"""Whatever an estate says, the answer is diagnostics: never an exception, always in the text."""

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

import estate_sample as sample
import pytest
import yaml

from telford.app import loading
from telford.backends import files
from telford.basics import diagnostics, yamltext
from telford.basics.diagnostics import Diagnostic
from telford.basics.errors import TelfordError
from telford.estate import overlays
from telford.estate.graph import Graph

ROUNDS = 2_000
CHUNKS = 20
# Bytes and words that break things: indicators, quotes, controls, Unicode, numbers that are not.
SCRAPS = [
    *":-?,[]{}#&*!|>'\"%@`\t\n\r\0\x85\u2028\ufeff\ud800é𝄞=~",
    "---\n", "...\n", "<<: ", "&a ", "*a", "!!int ", "!!python/object:os.system ", "? ", "  ",
    "null", "true", "0x", "1e999", "9" * 400, ".nan", "-", "in:", "kind: Service", "{" * 101, "{}", "[]",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, float("inf"), "", "x", "1", "100%", "-5s", "a" * 300, [], {}, [[]],
    [None], {"a": None}, {"": ""}, {"service": "orders"}, "team/shop", "é\n", "prod", {"in": {"in": {}}},
]  # fmt: skip


def judge(text: str) -> tuple[Diagnostic, ...]:
    """Load, bind everywhere, draw and print: everything that reads an estate."""
    loaded = loading.of_texts(files.Texts(texts={"estate.yaml": text}))
    for place in overlays.places(loaded.estate):
        try:
            Graph(overlays.bind(loaded.estate, place)).critical_cycles()
        except TelfordError:
            # Refused in a sentence is an answer, but only where check has said what is wrong.
            assert diagnostics.has_errors(loaded.diagnostics)
    for diagnostic in loaded.diagnostics:
        diagnostics.human(diagnostic)
        assert diagnostic.as_json()["code"]
    return loaded.diagnostics


def scratched(rng: random.Random) -> str:
    """The sample with one to four places scratched: bytes put in, cut out, lines moved."""
    text = sample.TEXT
    for _ in range(rng.randint(1, 4)):
        at, until = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        lines = text.split("\n")
        match rng.randrange(6):
            case 0:
                text = text[:at] + rng.choice(SCRAPS) + text[at:]
            case 1:
                text = text[:at] + text[min(until, at + rng.randint(1, 30)) :]
            case 2:
                one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
                lines[one], lines[other] = lines[other], lines[one]
                text = "\n".join(lines)
            case 3:
                line = rng.randrange(len(lines))
                text = "\n".join([*lines[:line], lines[line], *lines[line:]])
            case 4:
                line = rng.randrange(len(lines))
                lines[line] = rng.choice(["", " ", "  ", "\t"]) + lines[line].lstrip()
                text = "\n".join(lines)
            case _:
                text = text[:at] + rng.choice(SCRAPS) + text[at + 1 :]
    return text


def reshaped(rng: random.Random) -> str:
    """The sample with one to four values replaced, removed, renamed or moved, then written anew."""
    documents = copy.deepcopy(DOCUMENTS)
    for _ in range(rng.randint(1, 4)):
        holder, key = rng.choice(list(_slots(documents)))
        match rng.randrange(4):
            case 0:
                holder[key] = copy.deepcopy(rng.choice(VALUES))
            case 1:
                del holder[key]
            case 2 if isinstance(holder, dict):
                holder[key[:-1] if rng.random() < 0.5 else key + "s"] = holder.pop(key)
            case _:
                _, other = rng.choice(list(_slots(documents)))
                target = rng.choice([h for h, _ in _slots(documents) if isinstance(h, dict)])
                target[str(other)] = copy.deepcopy(holder[key])
    dumper: Any = yaml.CSafeDumper
    return str(yaml.dump_all(documents, Dumper=dumper, sort_keys=False))


DOCUMENTS: list[Any] = [yamltext.plain(node) for node in yamltext.read(sample.TEXT, "")[0]]


def _slots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place that holds a value: the collection and the key or index."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in list(pairs):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _slots(inner)


def test_the_sample_is_good():
    assert judge(sample.TEXT) == ()


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_mutated_estates_give_diagnostics_and_never_an_exception(chunk: int):
    for number in range(ROUNDS // CHUNKS):
        rng = random.Random(f"telford {chunk} {number}")
        mutate: Callable[[random.Random], str] = scratched if number % 2 else reshaped
        text = mutate(rng)
        lines = yamltext.lines(text.removeprefix("\ufeff"))
        for diagnostic in judge(text):
            position = diagnostic.position
            assert position is not None
            assert 1 <= position.line <= len(lines), diagnostic
            assert 1 <= position.column <= len(lines[position.line - 1]) + 1, diagnostic
