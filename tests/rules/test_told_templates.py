"""What is said of a subscription's template before the first event: where, what and how to mend it."""

import pytest
from jinja2 import TemplateError

from telford.app import loading
from telford.backends import files
from telford.backends.telling import wording
from telford.basics.diagnostics import Diagnostic
from telford.deliver.events import NAMES
from telford.estate import codes, templates
from telford.estate.codes import document


def found(template: str, to: str = "slack: {urlFrom: URL}") -> tuple[Diagnostic, ...]:
    text = document("Subscription", "told", f"to: {{{to}}}\ntemplate: {template}")
    texts = files.Texts(texts={"e.yaml": codes.PRELUDE + text})
    return loading.of_texts(texts).diagnostics


@pytest.mark.parametrize("name", NAMES)
def test_the_words_that_come_with_telford_are_such_templates(name: str):
    words = wording.built_in()[name]
    assert [templates.problems(words[one]) for one in ("title", "text")] == [(), ()]


@pytest.mark.parametrize(
    "template",
    [
        "",
        "no braces",
        "{{ service }} {{ '%g' % weight }}% {{ detail.get('gate') or detail['why'] }}",
        "{% if detail.gate %}{{ detail.gate }}{% else %}{{ reason|upper }}{% endif %}",
        "{% set where = place %}{% for one in range(2) %}{{ loop.index }}{{ where }}{{ one }}{% endfor %}",
        "{% macro bold(a) %}*{{ a }}*{% endmacro %}{{ bold(who) }}",
        "{{ service.rpartition('/')[2] }}",
    ],
)
def test_a_template_that_can_be_filled_in_is_one(template: str):
    assert templates.problems(template) == ()


@pytest.mark.parametrize(
    ("template", "line", "what"),
    [
        ("{{ service", 1, "does not parse"),
        ("fine\n{% for %}", 2, "does not parse"),
        ("{{ version }}", 1, "`version`"),
        ("{{ service }}\n{{ detail.reson }}", 2, "`detail.reson`"),
        ("{{ detail['reson'] }}", 1, "`detail.reson`"),
        ("{{ reason|shout }}", 1, "no filter `shout`"),
        ("{{ 1 if reason is loud }}", 1, "no test `loud`"),
        ("{% include 'x' %}", 1, "no other template"),
        ("{{ ''.__class__.__mro__ }}", 1, "out of reach"),
        ("{{ weight ** 2 }}", 1, "out of reach"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", 1, "too deep"),
    ],
)
def test_a_template_that_cannot_be_filled_in_says_where(template: str, line: int, what: str):
    first = templates.problems(template)[0]
    assert first.line == line
    assert what in first.what
    assert first.fix


def test_what_would_never_be_worked_out_is_neither_judged_nor_filled_in():
    endless = "{{ 9 ** 9 ** 9 ** 9 }}"
    assert {one.what for one in templates.problems(endless)} == {"`**` is out of reach"}
    with pytest.raises(TemplateError, match="out of reach"):
        templates.environment().from_string(endless).render()


def test_the_diagnostic_is_at_the_template_and_says_what_else_is_wrong():
    (one,) = found("|\n  {{ service }}\n  {{ version }} {{ whom }}")
    assert (one.code, str(one.position)) == ("TEL775", "e.yaml:10:11")
    assert one.summary == "the template cannot be filled in: line 2: an event has no `version`"
    assert one.detail == "and line 2: an event has no `whom`"
    assert "to_version" in one.fix


def test_a_template_that_nobody_reads_is_a_warning():
    (one,) = found("'{{ service }}'", "nats: {server: 'nats://localhost:4222'}")
    assert (one.code, one.severity.value) == ("TEL776", "warning")
    assert "`nats` is sent the event itself" in one.summary
