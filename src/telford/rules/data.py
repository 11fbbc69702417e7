"""Data changes: steps in an order that can work, on a store that the service writes, with limits."""

from collections.abc import Iterator
from itertools import pairwise

from telford.basics import units
from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document, documents
from telford.estate.kinds import data
from telford.estate.kinds.structure import Datastore, Service
from telford.rules.rule import Finding, Rule, Subject

_ORDER = {"expand": 0, "migrate": 1, "contract": 2}
_ENGINES = frozenset({"postgres", "sqlite"})
_STORE = document("Datastore", "book", "engine: postgres")
_EXPAND = "    - {name: add, phase: expand, sql: ALTER TABLE a ADD COLUMN b int}\n"
# A lock that is waited for this long is felt by every caller behind it.
_FELT_SECONDS = 10


def _example(steps: str, uses: str = "readwrite", more: str = "", engine: str = "postgres") -> str:
    return documents(
        document("Datastore", "book", f"engine: {engine}"),
        document(
            "Service",
            "orders",
            f"uses: [{{datastore: book, access: {uses}}}]\ndataChanges:\n"
            f"- datastore: book\n  url: env:BOOK_URL\n{more}  steps:\n{steps}",
        ),
    )


def _changes(subject: Subject) -> Iterator[tuple[int, data.DataChange]]:
    assert isinstance(subject.spec, Service)
    yield from enumerate(subject.spec.data_changes)


def _steps(subject: Subject) -> Iterator[tuple[tuple[str | int, ...], data.DataStep]]:
    for number, change in _changes(subject):
        for index, step in enumerate(change.steps):
            yield ("dataChanges", number, "steps", index), step


def _order(subject: Subject) -> Iterator[Finding]:
    for number, change in _changes(subject):
        places = [(_ORDER[one.phase], one.when == "after-promotion") for one in change.steps]
        for index, (before, after) in enumerate(pairwise(places), 1):
            path = ("dataChanges", number, "steps", index)
            if after < before and not (subject.lost(*path) or subject.shortened(*path[:3])):
                one, last = change.steps[index], change.steps[index - 1]
                yield Finding(
                    (*path, "phase" if after[0] < before[0] else "when"),
                    f"`{one.name}` ({_says(one)}) comes after `{last.name}` ({_says(last)})",
                    "order them: expand, migrate before the switch, migrate after the promotion,"
                    " contract",
                )


def _says(step: data.DataStep) -> str:
    return f"{step.phase}, {step.when}" if step.when else step.phase


def _written(subject: Subject) -> Iterator[Finding]:
    assert isinstance(subject.spec, Service)
    refer = subject.world.index.refer
    written = [
        found
        for index, use in enumerate(subject.spec.uses)
        if use.datastore is not None
        and (use.access in {None, "write", "readwrite"} or subject.lost("uses", index, "access"))
        for found in refer("Datastore", use.datastore, subject.spec)
    ]
    for number, change in _changes(subject):
        found = refer("Datastore", change.datastore, subject.spec)
        if len(found) == 1 and found[0] not in written and not subject.shortened("uses"):
            yield Finding(
                ("dataChanges", number, "datastore"),
                f"`{subject.spec.name}` does not write the data store `{change.datastore}`",
                f"add `uses: [{{datastore: {change.datastore}, access: readwrite}}]`, or let the"
                " service that owns the data change them",
            )


def _undo(subject: Subject) -> Iterator[Finding]:
    for path, step in _steps(subject):
        known = step.down or step.revision or subject.lost(*path, "down")
        if step.reversible and step.phase == "contract" and not known:
            yield Finding(
                (*path, "reversible"),
                f"`{step.name}` takes something away, says that it can be undone and not how",
                "write `down`, or `reversible: false`: the release is mended forward then",
            )


def _batches(subject: Subject) -> Iterator[Finding]:
    for path, step in _steps(subject):
        fill = step.backfill
        if fill is None:
            continue
        for key in ("table", "key", "statement"):
            if getattr(fill, key) is None and not subject.lost(*path, "backfill", key):
                yield Finding(
                    (*path, "backfill"),
                    f"the backfill of `{step.name}` has no `{key}`",
                    "without it there are no batches and nothing to go on from after a kill",
                    key=True,
                )
        text = fill.statement
        if text is not None and not (":first" in text and ":last" in text):
            yield Finding(
                (*path, "backfill", "statement"),
                f"the statement of `{step.name}` changes every row at once, not a batch",
                "bound it: `WHERE id BETWEEN :first AND :last`",
            )


def _engines(subject: Subject) -> Iterator[Finding]:
    for number, change in _changes(subject):
        found = subject.world.index.refer("Datastore", change.datastore, subject.spec)
        if len(found) != 1:
            continue
        entity = subject.world.estate.entities.get(found[0])
        if entity is None or not isinstance(entity.spec, Datastore):
            continue
        if entity.spec.engine not in _ENGINES:
            yield Finding(
                ("dataChanges", number, "datastore"),
                f"data of {entity.spec.engine} cannot be changed in steps here",
                "PostgreSQL can (and SQLite, on a laptop)",
            )


def _names(subject: Subject) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, step in _steps(subject):
        if step.name in seen:
            yield Finding(
                (*path, "name"),
                f"two data steps are called `{step.name}`",
                "give each a name of its own, for ever: what is done is remembered by it",
            )
        seen.add(step.name)


def _limits(subject: Subject) -> Iterator[Finding]:
    for number, change in _changes(subject):
        path = ("dataChanges", number)
        yield from _limit(subject, path, change.lock_timeout, change.statement_timeout)
        for index, step in enumerate(change.steps):
            lock = step.lock_timeout or change.lock_timeout
            statement = step.statement_timeout or change.statement_timeout
            if step.lock_timeout or step.statement_timeout:
                yield from _limit(subject, (*path, "steps", index), lock, statement)


def _limit(
    subject: Subject, path: tuple[str | int, ...], lock: str, statement: str
) -> Iterator[Finding]:
    if subject.lost(*path, "lockTimeout") or subject.lost(*path, "statementTimeout"):
        return
    waits, limit = units.seconds(lock), units.seconds(statement)
    where = (*path, "lockTimeout")
    if waits == 0 or limit == 0:
        key = "lockTimeout" if waits == 0 else "statementTimeout"
        yield Finding(
            (*path, key), f"`{key}` is 0, which means for ever", "write a limit such as 2s"
        )
    elif waits >= limit:
        yield Finding(
            where,
            f"a lock is waited for {lock}, and a statement may take {statement} in all",
            "let `lockTimeout` be less",
        )
    elif waits > _FELT_SECONDS:
        yield Finding(
            where,
            f"whoever comes after it waits up to {lock} as well",
            "keep it below what callers bear, such as 2s; it is tried again",
            lenient=True,
        )


def _moments(subject: Subject) -> Iterator[Finding]:
    for path, step in _steps(subject):
        if step.when is not None and step.phase != "migrate" and not subject.lost(*path, "phase"):
            yield Finding(
                (*path, "when"),
                f"`when` is said of migrating steps, and `{step.name}` is to {step.phase}",
                "remove it: expanding comes before the new version, contracting after the old one",
                key=True,
            )
        if step.after is not None and step.phase != "contract" and not subject.lost(*path, "phase"):
            yield Finding(
                (*path, "after"),
                f"`after` is said of contracting steps, and `{step.name}` is to {step.phase}",
                "remove it: it is done when the release comes to it",
                key=True,
            )


def _rule(code: Code, find: object, severity: Severity = Severity.ERROR) -> Rule:
    return Rule(code, (Service,), find, severity, Severity.ERROR)  # type: ignore[arg-type]


_CONTRACT = "    - {name: drop, phase: contract, sql: ALTER TABLE a DROP COLUMN c}\n"
_FILL = "UPDATE a SET b = c WHERE id BETWEEN :first AND :last"

RULES = (
    _rule(
        Code(
            "TEL740",
            "data steps in an order that cannot work",
            "What is taken away before the new version runs is missed by the version before.",
            _example(_CONTRACT + _EXPAND),
            _example(_EXPAND + _CONTRACT),
            "`dataChanges.steps` are in the order expand, migrate, contract; what migrates before"
            " the switch comes before what migrates after the promotion.",
        ),
        _order,
    ),
    _rule(
        Code(
            "TEL741",
            "a change of data that belong to somebody else",
            "A service that only reads cannot know what else is done with the data.",
            _example(_EXPAND, "read"),
            _example(_EXPAND),
            "A service changes data stores that it `uses` with write access.",
        ),
        _written,
    ),
    _rule(
        Code(
            "TEL742",
            "a way back that is not there",
            "A release would believe that it can be taken back, and find out when it must be.",
            _example("    - {name: drop, phase: contract, sql: DROP TABLE a, reversible: true}\n"),
            _example("    - {name: drop, phase: contract, sql: DROP TABLE a}\n"),
            "A contracting step with `reversible: true` says how: `down`, or an Alembic revision.",
        ),
        _undo,
    ),
    _rule(
        Code(
            "TEL743",
            "a backfill without batches",
            "One statement over a whole table holds its locks for hours, and a kill loses it all.",
            _example(
                "    - name: fill\n      phase: migrate\n      backfill:\n        table: a\n"
                f"        statement: {_FILL}\n"
            ),
            _example(
                "    - name: fill\n      phase: migrate\n      backfill:\n        table: a\n"
                f"        key: id\n        statement: {_FILL}\n"
            ),
            "A `backfill` has a `table`, a `key` and a `statement` with `:first` and `:last`.",
        ),
        _batches,
    ),
    _rule(
        Code(
            "TEL744",
            "data of an engine that is not changed in steps",
            "Nothing here could do it, and the release would wait for it in vain.",
            _example(_EXPAND, engine="redis"),
            _example(_EXPAND),
            "`dataChanges` are for PostgreSQL and SQLite.",
        ),
        _engines,
    ),
    _rule(
        Code(
            "TEL745",
            "two data steps of one name",
            "What is done is remembered by name: the second would count as done with the first.",
            _example(_EXPAND + _EXPAND.replace("COLUMN b", "COLUMN d")),
            _example(_EXPAND + _EXPAND.replace("add", "more").replace("COLUMN b", "COLUMN d")),
            "Every step of a service's `dataChanges` has a name of its own.",
        ),
        _names,
    ),
    _rule(
        Code(
            "TEL746",
            "limits of locks and statements that do not fit",
            "A statement that waits for a lock makes everybody behind it wait as long.",
            _example(_EXPAND, more="  lockTimeout: 2m\n"),
            _example(_EXPAND, more="  lockTimeout: 2s\n"),
            "0 < `lockTimeout` < `statementTimeout`; a warning beyond 10 s.",
        ),
        _limits,
    ),
    _rule(
        Code(
            "TEL747",
            "a moment that is not the step's to choose",
            "Only filling data can happen at two moments.",
            _example(_EXPAND.replace("}", ", when: before-switch}")),
            _example(_EXPAND),
            "`when` stands in steps of `phase: migrate`, `after` in those of `phase: contract`.",
        ),
        _moments,
    ),
)
