"""Subscriptions: templates that can be filled in, at listeners that read them."""

from collections.abc import Iterator

from telford.basics.diagnostics import Severity
from telford.estate import templates
from telford.estate.codes import Code, document
from telford.estate.kinds.telling import WORDED, Subscription
from telford.rules.rule import Finding, Rule, Subject


def _fills(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Subscription)
    found = templates.problems(spec.template or "")
    if not found:
        return
    several = "\n" in (spec.template or "").strip("\n")
    said = [f"line {one.line}: {one.what}" if several else one.what for one in found]
    yield Finding(
        ("template",),
        f"the template cannot be filled in: {said[0]}",
        found[0].fix,
        "; ".join(f"and {one}" for one in said[1:]),
    )


def _read(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Subscription)
    if spec.template is None or subject.lost("to") or spec.to.way in WORDED:
        return
    yield Finding(
        ("template",),
        f"nobody reads it: `{spec.to.way}` is sent the event itself",
        f"remove it, or write it at a subscription to one of {', '.join(sorted(WORDED))}",
        key=True,
    )


def _to(listener: str, template: str) -> str:
    return document("Subscription", "told", f"to: {{{listener}}}\ntemplate: {template}")


_SLACK = "slack: {urlFrom: SLACK_URL}"
_FINE = "'{{ service }} {{ to_version }} is at {{ weight }}%: {{ reason }}'"

RULES: tuple[Rule, ...] = (
    Rule(
        Code(
            "TEL775",
            "a template that cannot be filled in",
            "Whoever is told finds out at the first event, which is lost to them: a template that is"
            " wrong is not tried again.",
            _to(_SLACK, "'{{ service }} {{ version }} was released'"),
            _to(_SLACK, _FINE),
            "a `template` is Jinja2 that parses, and names fields of an event and nothing else.",
        ),
        (Subscription,),
        _fills,
    ),
    Rule(
        Code(
            "TEL776",
            "a template that nobody reads",
            "Tools are sent the event itself, so whoever wrote the sentence waits for it in vain.",
            _to("webhook: {url: 'https://example.com/hook'}", _FINE),
            _to("email: {to: [a@example.com], from: b@example.com, server: mail}", _FINE),
            "a warning: a `template` belongs to a subscription by `slack`, `teams` or `email`.",
        ),
        (Subscription,),
        _read,
        severity=Severity.WARNING,
    ),
)
