"""Rules about architectures, recipes and pins: at which line, and with which way out."""

import pytest

from telford.app import loading
from telford.backends import files
from telford.basics.diagnostics import Diagnostic

HEAD = """\
apiVersion: telford/v1
kind: Team
name: t
---
apiVersion: telford/v1
kind: Environment
name: prod
---
apiVersion: telford/v1
kind: Service
name: orders
owner: team/t
tier: 1
"""


def document(kind: str, name: str, fields: str) -> str:
    return f"---\napiVersion: telford/v1\nkind: {kind}\nname: {name}\nowner: team/t\n{fields}\n"


def recipe(name: str, match: str, cpu: str = "1m") -> str:
    return document(
        "Recipe", name, f"match: {match}\ndefaults: {{resources: {{cpu: {cpu}}}}}"
    )  # fmt: skip


def said(text: str) -> list[Diagnostic]:
    return list(loading.of_texts(files.Texts(texts={"e.yaml": HEAD + text})).diagnostics)


def line(text: str, one: Diagnostic) -> str:
    """The text from the position on, to the end of its line."""
    assert one.position is not None
    return (HEAD + text).splitlines()[one.position.line - 1][one.position.column - 1 :]


def test_two_recipes_that_disagree_are_both_told_where_they_say_it():
    text = recipe("a", "{tier: [0, 1]}", "1m") + recipe("b", "{tier: 1}", "2m")
    one, other = said(text)
    assert {one.code, other.code} == {"TEL274"}
    assert (one.address, other.address) == ("recipe/a", "recipe/b")
    assert (line(text, one), line(text, other)) == ("cpu: 1m}}", "cpu: 2m}}")
    assert "service/orders in prod" in one.detail
    assert str(other.position) in one.detail
    assert str(one.position) in other.detail
    assert "defaults.resources.cpu" in one.summary


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{tier: 1}", "{tier: 2}"),
        ("{tier: 1}", "{class: http}"),
        ("{tier: 1}", "{tier: 1, environment: prod}"),
        ("{name: [orders, carts]}", "{name: [stock, carts]}"),
    ],
    ids=["other things", "other criteria", "more criteria", "nothing in common"],
)
def test_recipes_that_meet_nowhere_or_differ_in_rank_do_not_disagree(one: str, other: str):
    text = recipe("a", one) + recipe("b", other, "2m")
    assert [found.code for found in said(text) if found.code == "TEL274"] == []


def test_recipes_that_say_the_same_do_not_disagree():
    assert said(recipe("a", "{tier: 1}") + recipe("b", "{tier: 1}")) == []


def test_a_recipe_that_matches_nothing_says_which_criterion_is_to_blame():
    text = recipe("a", "{tier: 1, class: worker}")
    (found,) = said(text)
    assert (found.code, found.severity) == ("TEL273", "warning")
    assert line(text, found).startswith("match: {tier: 1, class: worker}")
    assert "`class`" in found.fix or "`tier`" in found.fix
    (found,) = said(recipe("a", "{class: worker}"))
    assert "class" in found.fix


def test_a_recipe_for_a_place_that_there_is_not_is_a_reference_that_dangles():
    codes = {found.code for found in said(recipe("a", "{environment: [prod, prd]}"))}
    assert codes == {"TEL130"}


def test_an_unknown_target_is_told_with_what_was_meant():
    patches = "patches: [{object: a/b, target: kubernetis, merge: {a: b}}]"
    text = document("Architecture", "road", f"targets: [kubernetes, promethius]\n{patches}")
    first, second = said(text)
    assert {first.code, second.code} == {"TEL270"}
    assert line(text, first).startswith("promethius")
    assert "did you mean `prometheus`" in first.fix
    assert line(text, second).startswith("kubernetis")


def test_a_way_that_no_target_of_the_architecture_takes_is_told_of_recipes_too():
    road = document("Architecture", "road", "targets: [kubernetes]")
    text = road + document(
        "Recipe", "r", "match: {tier: 1}\nchoices: {mesh: istio, traffic: ingress}"
    )
    (found,) = said(text)
    assert (found.code, found.severity, found.address) == ("TEL271", "warning", "recipe/r")
    assert line(text, found).startswith("istio")
    assert said(text.replace("[kubernetes]", "[kubernetes, istio]")) == []
    assert said(text.replace("targets: [kubernetes]", "version: 2")) == []


def test_of_two_architectures_the_second_is_told_and_the_first_holds():
    text = document("Architecture", "a", "") + document("Architecture", "b", "")
    (found,) = said(text)
    assert (found.code, found.address) == ("TEL272", "architecture/b")
    assert "architecture/a holds" in found.detail


@pytest.mark.parametrize(
    "fields",
    [
        "match: {tier: nine}\ndefaults: {resources: {cpu: 1m}}",
        "match: {kind: Servise}\ndefaults: {resources: {cpu: 1m}}",
        "match: [tier]\ndefaults: {resources: {cpu: 1m}}",
        "match: {tier: 1}\ndefaults: {resources: {cpu: fast}}",
        "match: {tier: 1}\nchoices: {traffic: ingres}",
        "match: {tier: 1}\npatches: [{object: Deployment, merge: {a: b}}]",
        "match: {tier: 1}\npatches: [{object: a/b, file: c, merge: {a: b}}]",
        "match: {tier: 1}\npatches: [{object: a/b}]",
        "match: {teir: 1}\ndefaults: {resources: {cpu: 1m}}",
        "match: {tier: 1}\ndefaults: {resource: {cpu: 1m}}",
    ],
)
def test_a_mistake_in_a_recipe_is_one_diagnostic(fields: str):
    """What was left out because it is wrong is not missed, nor matched, a second time."""
    text = document("Recipe", "r", fields)
    found = said(text)
    assert len(found) == 1, found
    assert found[0].severity == "error"


def test_a_recipe_with_a_mistake_in_its_match_disagrees_with_nobody():
    text = recipe("a", "{tier: nine}", "1m") + recipe("b", "{}", "2m")
    assert [found.code for found in said(text)] == ["TEL115"]


def test_pins_are_told_by_name():
    text = document(
        "Pins",
        "p",
        f'pins:\n  "a/b@v1": {{digest: "sha256:{"a" * 64}"}}\n  "c:1": {{digest: short}}',
    )
    found = {one.code: one for one in said(text)}
    assert set(found) == {"TEL119", "TEL275"}
    assert line(text, found["TEL119"]) == "short}"
    assert "sha256: and 64 digits" in found["TEL119"].fix
