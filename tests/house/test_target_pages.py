"""Every target has a page with a sample that it really makes, and is proven or says what is not."""

import re
from functools import cache

import pytest
from source_files import ROOT
from test_reference_pages import reference

from telford.render import registry
from telford.render.target import Target

MADE = reference()
PROOFS = MADE.proofs()
GAPS = MADE.unproven()
GOLDEN = ROOT / "tests" / "golden" / "targets"
_BLOCK = re.compile(r"^```[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGETS = pytest.mark.parametrize("target", registry.TARGETS, ids=lambda one: one.name)


def samples(page: str) -> list[str]:
    """The blocks under the heading `Sample`, down to the next heading of its rank."""
    _, found, rest = page.partition("\n## Sample\n")
    return _BLOCK.findall(rest.partition("\n## ")[0]) if found else []


@cache
def golden(name: str) -> list[str]:
    """Every file that a target makes of the example estates."""
    return [p.read_text("utf-8") for p in sorted((GOLDEN / name).rglob("*")) if p.is_file()]


def is_part(sample: str, text: str) -> bool:
    """Whether the lines of a sample stand in a text, one after the other."""
    return f"\n{sample}" in f"\n{text}"


@TARGETS
def test_a_target_has_a_page_whose_samples_it_really_makes(target: Target):
    page = MADE.folder_of(target) / "README.md"
    assert page.is_file(), "each target is a folder with a README.md"
    found = samples(page.read_text(encoding="utf-8"))
    assert found, f"{page} has no fenced block under a heading `## Sample`"
    for sample in found:
        assert any(is_part(sample, text) for text in golden(target.name)), sample


def test_a_sample_that_nobody_makes_is_seen():
    page = "# X\n\n## Sample\n\n```yaml\na: 1\nb: 2\n```\n\n## Use\n\n```sh\ntelford\n```\n"
    (sample,) = samples(page)
    assert is_part(sample, "x: 0\na: 1\nb: 2\n")
    assert not is_part(sample, "a: 1\nx: 0\nb: 2\n")
    assert not is_part(sample, "aa: 1\nb: 2\n")
    assert samples("# X\n\nno sample\n") == []


@TARGETS
def test_a_target_is_proven_or_says_what_is_not(target: Target):
    proven = {one.target for one in PROOFS} | {one["target"] for one in GAPS}
    assert target.name in proven, (
        "mark a test with @pytest.mark.proves, or say in tests/render/unproven.toml what is missing"
    )


def test_proofs_and_gaps_are_of_targets_that_there_are_and_say_something():
    for one in PROOFS:
        assert one.target in registry.BY_NAME, one
        assert len(one.tool) > 3, one
        assert len(one.shows) > 20, one
    for gap in GAPS:
        assert gap.keys() == {"target", "what", "why"}, gap
        assert gap["target"] in registry.BY_NAME, gap
        assert len(gap["why"]) > 20, gap
