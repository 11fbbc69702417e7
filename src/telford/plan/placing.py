"""Where in a text a changed field stands. Called by `telford.app.causes`."""

import difflib
from collections.abc import Iterator

from telford.basics import yamltext
from telford.basics.yamltext import Mapping, Node, Scalar, Sequence
from telford.plan import subjects
from telford.plan.fields import Change

# So many lines of something that came as a whole are enough to know where it came from.
MAX_LINES = 4


def lines(path: str, old: str, new: str, change: Change) -> list[int]:
    """The lines of the new text, from 1, that show a change: the value itself, or the first values
    of what has come. Empty where something was only taken out.
    """
    if not subjects.structured(path):
        return list(_changed_lines(old, new))[:MAX_LINES]
    for document in subjects.documents(path, new):
        if document.subject == _unnumbered(change):
            nodes, _ = yamltext.read(document.text, path, document.first_line)
            found = _lines(nodes[0], change) if nodes else []
            return found[:MAX_LINES]
    return []


def _unnumbered(change: Change) -> subjects.Subject:
    subject = change.subject
    return subjects.Subject(subject.kind, subject.namespace, subject.name)


def _lines(root: Node, change: Change) -> list[int]:
    if change.after is None:
        return []
    node = root
    for step in change.trail:
        inner = _below(node, step)
        if inner is None:
            return []
        node = inner
    return list(dict.fromkeys(_scalars(node)))


def _below(node: Node, step: str | int) -> Node | None:
    if isinstance(node, Mapping):
        return node.values.get(str(step))
    if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
        return node.items[step]
    return None


def _scalars(node: Node) -> Iterator[int]:
    """The lines of all values in a node."""
    if isinstance(node, Mapping):
        for inner in node.values.values():
            yield from _scalars(inner)
    elif isinstance(node, Sequence):
        for inner in node.items:
            yield from _scalars(inner)
    elif isinstance(node, Scalar):
        yield node.line


def _changed_lines(old: str, new: str) -> Iterator[int]:
    matcher = difflib.SequenceMatcher(None, old.splitlines(), new.splitlines(), autojunk=False)
    for tag, _, _, start, end in matcher.get_opcodes():
        if tag != "equal":
            yield from range(start + 1, end + 1)
