"""Templates that an estate writes for what people read of an event: Jinja2 in its sandbox.

The one place that knows how a template is read and which names it may use. `problems` says what is
wrong with one without filling it in, so that `telford check` finds it and not the first event:
called by the rule on subscriptions. `environment` is where `telford.backends.telling` fills it in.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from telford.estate.kinds.telling import EVENT_DETAILS, EVENT_FIELDS

_SEE = "see https://jinja.palletsprojects.com/templates"
# What Jinja2 itself names in loops, blocks and macros.
_SPECIAL = frozenset({"loop", "self", "super", "caller", "varargs", "kwargs"})
_OF_A_MAPPING = frozenset({"get", "items", "keys", "values"})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a template, in which of its lines (from 1), and how to fix it."""

    line: int
    what: str
    fix: str


class _Sandbox(ImmutableSandboxedEnvironment):
    """Without powers: ``9**9**9`` would never be worked out."""

    intercepted_binops = frozenset({"**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """See `SandboxedEnvironment.call_binop`; called for what is intercepted."""
        raise SecurityError(f"`{operator}` is out of reach")


@functools.cache
def environment() -> ImmutableSandboxedEnvironment:
    """Where templates are read and filled in: nothing but the event is in reach."""
    return _Sandbox(undefined=StrictUndefined, autoescape=False)


def problems(template: str) -> tuple[Problem, ...]:
    """Everything that is wrong with a template of an event, whatever the event; in its order.

    Nothing of it is computed: Jinja2's own analysis makes code, and folds ``9**9**9`` meanwhile.
    """
    try:
        tree = environment().parse(template)
        found = [one for look in _LOOKS for one in look(tree)]
    except TemplateSyntaxError as error:
        said = (error.message or "it cannot be read").rstrip(".")
        return (Problem(error.lineno, f"it does not parse: {said}", _SEE),)
    except RecursionError:
        return (Problem(1, "it is too deep to be read", "write it with fewer parentheses"),)
    return tuple(sorted(found, key=lambda one: one.line))


def _unknown(tree: nodes.Template) -> Iterator[Problem]:
    """Names that neither an event has, nor Jinja2, nor the template itself gives to something."""
    names = tuple(tree.find_all(nodes.Name))
    own = {one.name for one in names if one.ctx != "load"}
    own |= {one.name for one in tree.find_all(nodes.Macro)}
    said = EVENT_FIELDS | own | _SPECIAL | set(environment().globals)
    for one in names:
        if one.name not in said:
            said |= {one.name}
            known = ", ".join(sorted(EVENT_FIELDS))
            yield Problem(one.lineno, f"an event has no `{one.name}`", f"use one of: {known}")


def _calls(tree: nodes.Template) -> Iterator[Problem]:
    for one in tree.find_all((nodes.Filter, nodes.Test)):
        kind = "filter" if isinstance(one, nodes.Filter) else "test"
        known = environment().filters if kind == "filter" else environment().tests
        if one.name not in known:
            yield Problem(one.lineno, f"there is no {kind} `{one.name}`", _SEE)


def _details(tree: nodes.Template) -> Iterator[Problem]:
    """What is asked of `detail` and belongs to no event."""
    for line, of, name in _asked(tree):
        detail = isinstance(of, nodes.Name) and of.name == "detail"
        if detail and name not in EVENT_DETAILS | _OF_A_MAPPING:
            known = ", ".join(sorted(EVENT_DETAILS))
            yield Problem(line, f"no event has `detail.{name}`", f"use one of: {known}")


def _asked(tree: nodes.Template) -> Iterator[tuple[int, nodes.Node, str]]:
    """Each ``of.name`` and ``of['name']``: its line, what it is asked of, the name."""
    for one in tree.find_all(nodes.Getattr):
        yield one.lineno, one.node, one.attr
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.arg, nodes.Const):
            yield item.lineno, item.node, str(item.arg.value)


def _powers(tree: nodes.Template) -> Iterator[Problem]:
    for one in tree.find_all(nodes.Pow):
        yield Problem(one.lineno, "`**` is out of reach", "write the number")


def _hidden(tree: nodes.Template) -> Iterator[Problem]:
    for asked in tree.find_all(nodes.Getattr):
        if asked.attr.startswith("_"):
            yield Problem(asked.lineno, f"`{asked.attr}` is out of reach", "use the event's fields")


def _elsewhere(tree: nodes.Template) -> Iterator[Problem]:
    kinds = (nodes.Include, nodes.Extends, nodes.Import, nodes.FromImport)
    for asked in tree.find_all(kinds):
        fix = "write all of it here"
        yield Problem(asked.lineno, "there is no other template to take from", fix)


_LOOKS = (_unknown, _details, _calls, _powers, _hidden, _elsewhere)
