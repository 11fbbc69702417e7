"""A plan as Markdown, for a comment on a change: what it means first, then every address.

Called by `telford.cli.plan`; the pipelines of the targets put it on the change.
"""

from collections.abc import Iterator, Sequence

from telford.app import planning
from telford.app.building import Proposal
from telford.app.planning import Detail, Report, Shared
from telford.app.source_map import Origin
from telford.basics import diagnostics
from telford.plan import table
from telford.plan.actions import Verb

# GitHub takes 65,536 characters, GitLab a million: what is beyond this is left to the command.
# https://github.com/orgs/community/discussions/27190
MAX_CHARACTERS = 60_000
# Of things that change alike.
_NAMED = 10
_MARKS = {Verb.CREATE: "created", Verb.CHANGE: "changed", Verb.DELETE: "deleted"}


def text(proposal: Proposal, report: Report) -> str:
    """The plan, cut at the end of a line where it is longer than a comment may be."""
    lines: list[str] = []
    length = 0
    for line in _lines(proposal, report):
        length += len(line) + 1
        if length > MAX_CHARACTERS:
            return "\n".join([*_closed(lines), "", "The rest: run `telford plan`."])
        lines.append(line)
    return "\n".join(lines)


def _closed(lines: list[str]) -> list[str]:
    """Lines with whatever they opened closed again."""
    fences = sum(line.startswith("```") for line in lines)
    opened = lines.count("<details>") - lines.count("</details>")
    return [*lines, *["```"] * (fences % 2), *["</details>"] * opened]


def _lines(proposal: Proposal, report: Report) -> Iterator[str]:
    if not proposal.ok:
        yield "### Plan: none, for the estate has errors"
        yield ""
        yield "```text"
        for one in proposal.diagnostics:
            yield from diagnostics.human(one).splitlines()
        yield "```"
        return
    if not report.details:
        yield "### Plan: nothing changes"
        return
    counts = proposal.plan.counts()
    said = [f"{counts[v]:,} {word}" for v, word in _MARKS.items() if counts[v]]
    yield f"### Plan: files {', '.join(said)}"
    yield ""
    yield "| things | what it means |"
    yield "|---:|---|"
    for name, count in report.summary.items():
        yield f"| {count:,} | {table.names()[name]} |"
    for shared in report.shared:
        yield from _shared(shared)
    by_owner: dict[str, list[Detail]] = {}
    for detail in report.alone:
        by_owner.setdefault(detail.action.owner, []).append(detail)
    for owner, some in by_owner.items():
        yield from _owner(owner, some)


def _shared(shared: Shared) -> Iterator[str]:
    count = len(shared.addresses)
    words = "; ".join(one.words for one in shared.meanings)
    yield ""
    yield f"**One cause**: {_origin(shared.cause)} → {count:,} things: {words}"
    yield ""
    yield "<details>"
    yield f"<summary>{len(shared.details):,} files</summary>"
    yield ""
    names = ", ".join(f"`{name}`" for name in shared.addresses[:_NAMED])
    yield names + (f" and {count - _NAMED:,} more" if count > _NAMED else "")
    for detail, alike in shared.kinds[:_NAMED]:
        yield ""
        yield f"{alike:,} files as `{detail.action.path}`:"
        yield from _fields(detail)
    yield ""
    yield "</details>"


def _owner(owner: str, some: Sequence[Detail]) -> Iterator[str]:
    words = "; ".join(one.words for one in planning.together(some))
    yield ""
    yield "<details>"
    yield f"<summary><code>{owner}</code>: {words}</summary>"
    for detail in some:
        yield ""
        because = f" ← {_origin(detail.cause)}" if detail.cause is not None else ""
        yield f"{_MARKS[detail.action.verb]} `{detail.action.path}`{because}"
        yield from _fields(detail)
    yield ""
    yield "</details>"


def _fields(detail: Detail) -> Iterator[str]:
    """The changed fields as a block of a difference, which Markdown colours."""
    if detail.action.verb is not Verb.CHANGE:
        return
    yield "```diff"
    for change in detail.fields:
        if change.old is not None:
            yield f"- {change.path}: {_line(change.old)}"
        if change.new is not None:
            yield f"+ {change.path}: {_line(change.new)}"
    yield "```"


def _origin(origin: Origin) -> str:
    name = " ".join(filter(None, [origin.address or "road defaults", origin.field]))
    return f"`{name}` ({origin.position.file}:{origin.position.line})"


def _line(value: str) -> str:
    """A value on one line that cannot end its block."""
    return value.replace("\n", "\\n").replace("```", "'''")
