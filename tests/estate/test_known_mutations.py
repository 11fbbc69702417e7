"""A known mistake, made at every place of the sample where it can be made, is found on its line."""

import re

import estate_sample as sample
import pytest

from telford.app import loading
from telford.backends import files

LINES = sample.TEXT.splitlines()
# Keys under these are the organisation's own words.
FREE = {"labels", "env", "x-cost-centre"}
KEY = re.compile(r"^(\s*)(?:- )?(?:\{)?([a-zA-Z]+):")


def codes_at(text: str, line: int) -> list[str]:
    """The codes found on one line (from 0) of a text."""
    loaded = loading.of_texts(files.Texts(texts={"estate.yaml": text}))
    return [d.code for d in loaded.diagnostics if d.position and d.position.line == line + 1]


def changed(line: int, new: str) -> str:
    return "\n".join([*LINES[:line], new, *LINES[line + 1 :]])


def keyed() -> list[int]:
    """Lines that begin with a key of the format, outside free maps and ``in:``'s place keys."""
    found = []
    free_indent = 99
    for number, line in enumerate(LINES):
        match = KEY.match(line)
        indent = len(line) - len(line.lstrip())
        if indent <= free_indent:
            free_indent = 99
        if match and match[2] in FREE:
            free_indent = indent
        place = match is not None and match[2] in {"prod", "us", "in"}
        if match and indent < free_indent + 1 and not place and match[2] not in FREE:
            found.append(number)
    return found


@pytest.mark.parametrize("line", keyed(), ids=lambda n: f"{n + 1}-{LINES[n].strip()[:30]}")
def test_a_renamed_key_is_an_unknown_key_on_its_line(line: int):
    text = changed(line, re.sub(r"([a-zA-Z]+):", r"\1zz:", LINES[line], count=1))
    assert "TEL113" in codes_at(text, line)


def matching(pattern: str) -> list[int]:
    return [number for number, line in enumerate(LINES) if re.search(pattern, line)]


REFERENCES = matching(r"^(system|owner|delivery|deadLetter|team|service): |- (service|stream): ")


@pytest.mark.parametrize("line", REFERENCES, ids=lambda n: f"{n + 1}-{LINES[n].strip()[:30]}")
def test_a_broken_reference_is_dangling_on_its_line(line: int):
    assert "TEL130" in codes_at(changed(line, LINES[line] + "qq"), line)


QUANTITIES = matching(r": \d+(ms|s|m|h|d|%)$")


@pytest.mark.parametrize("line", QUANTITIES, ids=lambda n: f"{n + 1}-{LINES[n].strip()[:30]}")
def test_a_quantity_without_its_unit_is_found_on_its_line(line: int):
    # CPU and memory may be bare numbers (cores, bytes), as in Kubernetes.
    text = changed(line, re.sub(r"(\d+)(ms|s|m|h|d|%)$", r"\1", LINES[line]))
    expected = [] if "cpu:" in LINES[line] else ["TEL116"]
    assert codes_at(text, line) == expected


@pytest.mark.parametrize("line", matching(r"^kind: "), ids=lambda n: LINES[n])
def test_an_unknown_kind_is_found_on_its_line(line: int):
    assert codes_at(changed(line, LINES[line] + "x"), line) == ["TEL112"]


@pytest.mark.parametrize("line", matching(r"^name: "), ids=lambda n: LINES[n])
def test_a_bad_name_is_found_on_its_line(line: int):
    assert codes_at(changed(line, LINES[line] + "_X"), line) == ["TEL118"]


@pytest.mark.parametrize("line", matching(r"^(engine|target|service|sli):"), ids=lambda n: LINES[n])
def test_a_missing_field_is_reported_at_its_document(line: int):
    start = max(n for n in range(line) if LINES[n].startswith("apiVersion"))
    following = next(
        n for n in range(line + 1, len(LINES) + 1) if n == len(LINES) or LINES[n][0] != " "
    )
    text = "\n".join([*LINES[:line], *LINES[following:]])
    assert codes_at(text, start) == ["TEL114"]


@pytest.mark.parametrize("document", range(sample.TEXT.count("---\n") + 1))
def test_a_document_repeated_is_a_duplicate_at_its_name(document: int):
    copy = sample.TEXT.split("---\n")[document]
    text = sample.TEXT + "---\n" + copy
    line = (
        len(LINES)
        + 1
        + copy.splitlines().index(next(x for x in copy.splitlines() if x.startswith("name")))
    )
    assert codes_at(text, line) == ["TEL120"]


def test_swapped_bounds_are_found_at_the_minimum():
    low, high = matching(r"    min: 2")[0], matching(r"    max: 4")[0]
    text = changed(low, "    min: 40")
    assert codes_at(text, low) == ["TEL150"]
    assert codes_at(text, high) == []


def test_a_bound_that_only_an_overlay_breaks_is_found_in_the_overlay():
    line = matching(r"        max: 20")[0]
    low = matching(r"    min: 2")[0]
    assert codes_at(changed(line, "        max: 1"), low) == ["TEL150"]


@pytest.mark.parametrize(
    ("pattern", "new", "code"),
    [
        ("target: 99.9%", "target: 100%", "TEL180"),
        ("  - weight: 50%", "  - weight: 5%", "TEL190"),
        ("  prod/eu:", "  prod/ap:", "TEL121"),
        ("    tier: 0", "    owner: team/shop", "TEL123"),
        ("deadLetter: dead", "deadLetter: placed", "TEL146"),
        ("      port: http", "      port: web", "TEL161"),
        ("    - {name: admin", "    - {name: http, port: 9090}", "TEL160"),
        ("level: P5", "level: P9", "TEL117"),
        ("      memory: 128Mi", "      memory: 128m", "TEL116"),
        ("      memory: 128Mi", "      memory: 128MB", "TEL116"),
        ("      cpu: 100m", "      cpu: 100Mi", "TEL116"),
        ("  replicas: 2", "  replicas: two", "TEL115"),
        ("  - service: catalogue", "  - service: orders", "TEL140"),
        ("deadline: 30m", "deadline: 1m", "TEL192"),
        ("order: 2", "order: 1", "TEL171"),
        ("regions: [eu, us]", "regions: [eu, eu]", "TEL170"),
        ("production: true", "production: yes", "TEL115"),
        ("name: shop", "name: shop\nname: shop", ""),
    ],
)
def test_a_known_mistake_is_found_on_its_line(pattern: str, new: str, code: str):
    line = next(n for n, text in enumerate(LINES) if text.startswith(pattern))
    found = codes_at(changed(line, new), line + new.count("\n"))
    assert found == ([code] if code else ["TEL101"])
