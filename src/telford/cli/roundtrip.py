"""The human view of a round trip: what was compared, what each rule forgave, what stays open."""

from collections.abc import Iterator

from telford.app.roundtrip import Verified
from telford.cli import output
from telford.road import sameness
from telford.road.sameness import Comparison

# Named one by one; the JSON view has all of them.
MAX_SHOWN = 20


def show(verified: Verified) -> None:
    """Print a table of the environments, the rules that were needed, and every open difference."""
    columns = ("environment", "objects", "equal", "fields", "carried", "explained", "unexplained")
    output.table(columns, (_row(name, item) for name, item in verified.environments.items()))
    for line in (*_explained(verified), *_open(verified)):
        output.line(line)


def _row(name: str, item: Comparison) -> tuple[str, ...]:
    explained = sum(entry.count for entry in item.explained.values())
    open_ = len(item.unexplained) + len(item.missing) + len(item.added)
    numbers = (item.objects, item.equal, item.fields, item.carried, explained, open_)
    return (name, *map(str, numbers))


def _explained(verified: Verified) -> Iterator[str]:
    """Each rule that forgave something, with its first example."""
    for name, rule in sameness.rules().items():
        used = [c.explained[name] for c in verified.environments.values() if name in c.explained]
        if used:
            first = used[0].examples[0]
            count = sum(entry.count for entry in used)
            yield f"explained {count} by {name}: {rule.forgives}"
            where = f"{first.subject} {first.path}".rstrip()
            yield f"  as in {where}: {first.found} -> {first.built}"


def _open(verified: Verified) -> Iterator[str]:
    lines = [line for name, item in verified.environments.items() for line in _problems(name, item)]
    yield from lines[:MAX_SHOWN]
    if len(lines) > MAX_SHOWN:
        yield f"... and {len(lines) - MAX_SHOWN} more: --json has all of them"
    yield "the round trip is exact or explained" if not lines else "the round trip is not exact"


def _problems(name: str, item: Comparison) -> Iterator[str]:
    for one in item.unexplained:
        yield f"unexplained in {name}: {one.subject} {one.path}: {one.found} -> {one.built}"
    for label in item.missing:
        yield f"not built in {name}: {label}"
    for label in item.added:
        yield f"built in {name} and not found: {label}"
