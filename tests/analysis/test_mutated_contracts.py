"""Whatever a contract's document says, reading and comparing it gives an answer and never raises."""

import copy
import json
import pathlib
import random
from typing import Any

import pytest
import test_contract_changes as samples

from telford.analysis.contracts import comparing

VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, 10**400, "", "x", "#/components/schemas/Order", [], {}, [None], ["x"],
    [[]], {"$ref": "#/components/schemas/Order"}, {"$ref": "#"}, {"$ref": "#/nowhere"}, {"$ref": 1},
    {"$ref": "other.yaml#/x"}, {"type": []}, {"type": ["string", 1]}, {"enum": {}}, {"oneOf": [1]},
    {"allOf": "x"}, {"properties": []}, {"required": "id"}, {"minimum": "1"}, float("nan"),
)  # fmt: skip
DOCUMENTS = [
    (samples.API, "openapi"),
    (samples.message(samples.STATE), "asyncapi"),
    (samples.message_2(samples.STATE), "asyncapi"),
]


def holders(node: Any) -> list[tuple[Any, Any]]:
    """Every place that can be changed: a container and a key of it."""
    found = []
    waiting = [node]
    while waiting:
        one = waiting.pop()
        keys = (
            list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        )
        for key in keys:
            found.append((one, key))
            waiting.append(one[key])
    return found


def mutated(document: Any, source: random.Random) -> Any:
    result = copy.deepcopy(document)
    for _ in range(source.randint(1, 4)):
        places = holders(result)
        if not places:
            break
        holder, key = source.choice(places)
        act = source.random()
        if act < 0.7:
            holder[key] = copy.deepcopy(source.choice(VALUES))
        elif act < 0.85:
            del holder[key]
        elif isinstance(holder, dict):
            holder[source.choice(("$ref", "oneOf", "items", "x", "type"))] = holder.pop(key)
    return result


@pytest.mark.parametrize("seed", range(6))
def test_mutated_documents_are_compared_or_refused(seed: int):
    source = random.Random(seed)
    for _ in range(250):
        document, type_ = source.choice(DOCUMENTS)
        new = comparing.of_value(mutated(document, source), type_)  # type: ignore[arg-type]
        old = comparing.of_value(document, type_)  # type: ignore[arg-type]
        for sense in ("backward", "forward", "full"):
            for change in comparing.changes(old, new, sense):  # type: ignore[arg-type]
                assert change.summary
                json.dumps(change.as_json())
        assert isinstance(new.operations, frozenset)


@pytest.mark.parametrize("seed", range(6))
def test_mutated_protobuf_texts_are_read_or_refused(seed: int):
    source = random.Random(seed)
    old = comparing.read(samples.PROTO, "protobuf")
    for _ in range(300):
        text = list(samples.PROTO)
        for _ in range(source.randint(1, 6)):
            at = source.randrange(len(text))
            act = source.random()
            if act < 0.4:
                del text[at : at + source.randint(1, 12)]
            elif act < 0.8:
                text.insert(at, source.choice("{}()[];=<>,.\"'0a \n\x00é/*"))
            else:
                text[at:at] = text[at : at + source.randint(1, 30)]
        new = comparing.read("".join(text), "protobuf")
        assert new.problem or isinstance(comparing.changes(old, new), tuple)


def test_bytes_that_are_no_document_are_refused(tmp_path: pathlib.Path):
    source = random.Random(5)
    for _ in range(300):
        text = "".join(
            chr(source.choice((source.randrange(128), source.randrange(0x300)))) for _ in range(60)
        )
        for type_ in ("openapi", "asyncapi", "protobuf"):
            comparing.read(text, type_)  # type: ignore[arg-type]
        comparing.guess(text)
