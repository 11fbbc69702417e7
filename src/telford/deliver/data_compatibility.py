"""Whether the version before keeps working while a data store expands: judged from SQL, before it.

What expands may add, and neither take away, nor forbid what the version before writes, nor hold a
table for longer than a moment. Judged statement by statement with a parser of the engine's dialect
(sqlglot); what it does not understand is said, and wants a person's word (`compatible` of the step).
Called by `telford.app.data` with the SQL of Alembic's offline mode or of the step itself.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from telford.deliver.data_changes import Statement

MAX_CHARACTERS = 1_000_000
# Errors and worse (logging.ERROR); that module is not for the pure floors.
_QUIET = 40
_KNOWN_COMMANDS = re.compile(
    r"^(ALTER TYPE \S+ ADD VALUE .*|ALTER TABLE (ONLY )?\S+ VALIDATE CONSTRAINT [^\s,]+"
    r"|(CREATE (EXTENSION|FUNCTION|PROCEDURE)|ANALYZE|SET|SHOW|BEGIN|COMMIT)\b.*)$",
    re.IGNORECASE | re.DOTALL,
)
# Functions that give all rows one value: PostgreSQL stores it once instead of in every row.
_STABLE = (exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime)
_SERIALS = frozenset({"SERIAL", "BIGSERIAL", "SMALLSERIAL"})
_BOOKS = frozenset({"alembic_version", "telford_data_changes"})
_LATER = "leave it to a contracting step"


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a statement does not fit into an expanding step, and what does. `unknown`: nobody can
    tell from the text.
    """

    step: str
    file: str
    line: int
    summary: str
    fix: str
    unknown: bool = False


@dataclass(slots=True)
class _Seen:
    """What the statements before have made: nobody else uses it yet."""

    dialect: str
    tables: set[str] = field(default_factory=set)
    columns: set[tuple[str, str]] = field(default_factory=set)


Found = Iterator[tuple[str, str]]


def unfit(statements: Iterable[Statement], dialect: str = "postgres") -> tuple[Unfit, ...]:
    """Everything about expanding statements, in their order, that the version before may not bear.

    `dialect` is "postgres" or "sqlite".
    """
    seen = _Seen(dialect)
    found = []
    for one in statements:
        if one.unknown:
            found.append(_unknown(one, one.unknown))
            continue
        for sql, line in split(one.sql, dialect):
            at = Statement(one.step, sql, one.file, one.line + line - 1 if one.whole else one.line)
            found += _judged(at, seen)
    return tuple(found)


def split(sql: str, dialect: str = "postgres") -> tuple[tuple[str, int], ...]:
    """The single statements of a text and the lines (from 1) that they begin in.

    A text that the tokenizer cannot read is given back as one.
    """
    try:
        tokens = sqlglot.tokenize(sql[:MAX_CHARACTERS], dialect=dialect)
    except (SqlglotError, RecursionError):
        return ((sql, 1),)
    found: list[tuple[str, int]] = []
    begin: tuple[int, int] | None = None
    for token in tokens:
        if token.token_type is sqlglot.TokenType.SEMICOLON:
            if begin is not None:
                found.append((sql[begin[0] : token.start].strip(), begin[1]))
            begin = None
        elif begin is None:
            begin = (token.start, token.line)
    if begin is not None:
        found.append((sql[begin[0] :].strip().rstrip(";"), begin[1]))
    return tuple(found)


def _judged(one: Statement, seen: _Seen) -> list[Unfit]:
    tree = _parsed(one.sql, seen.dialect)
    if tree is None or isinstance(tree, exp.Command):
        if _KNOWN_COMMANDS.match(" ".join(one.sql.split())):
            return []
        return [_unknown(one, f"`{_short(one.sql)}` is nothing that can be judged from its text")]
    judge = next((judge for kind, judge in _JUDGES if isinstance(tree, kind)), None)
    if judge is None:
        return []
    return [Unfit(one.step, one.file, one.line, why, fix) for why, fix in judge(tree, seen)]


def _parsed(sql: str, dialect: str) -> exp.Expression | None:
    # It warns of each statement that it keeps as text; that is said here, in a finding.
    sqlglot.logger.setLevel(_QUIET)
    try:
        found = sqlglot.parse_one(sql, dialect=dialect)
    except (SqlglotError, RecursionError):
        return None
    return found if isinstance(found, exp.Expression) else None


def _unknown(one: Statement, why: str) -> Unfit:
    fix = "say why the version before bears it: `compatible: ...` in the step"
    return Unfit(one.step, one.file, one.line, why, fix, unknown=True)


# --- tables -----------------------------------------------------------------------------------


def _alter(tree: exp.Expression, seen: _Seen) -> Found:
    table = _name(tree.this)
    kind = str(tree.args.get("kind") or "").upper()
    if kind != "TABLE":
        yield f"changes the {kind.lower()} {table}, which the version before uses", _LATER
        return
    if table in seen.tables:
        return
    for action in tree.args.get("actions") or ():
        yield from _action(table, action, seen)


def _action(table: str, action: exp.Expression, seen: _Seen) -> Found:
    if isinstance(action, exp.ColumnDef):
        yield from _added(table, action, seen)
    elif isinstance(action, exp.Drop):
        # A constraint that is gone allows more than before.
        if str(action.args.get("kind") or "COLUMN").upper() != "CONSTRAINT":
            name = _column(action.this or next(iter(action.args.get("tables") or ()), None))
            yield f"drops the column {name} of {table}, which the version before uses", _LATER
    elif isinstance(action, exp.RenameColumn):
        yield (
            (
                f"renames the column {_column(action.this)} of {table}: the version before asks for "
                "the old name"
            ),
            "add a column of the new name, fill it, and drop the old one in a contracting step",
        )
    elif isinstance(action, exp.AlterRename):
        yield (
            f"renames {table}: the version before asks for the old name",
            "make a new table or a view of the new name",
        )
    elif isinstance(action, exp.AlterColumn):
        yield from _altered(table, action, seen)
    elif isinstance(action, exp.AddConstraint):
        yield (
            (
                f"adds a constraint to {table}: what the version before writes may be refused, and "
                "every row is looked at under a lock"
            ),
            "add it in a contracting step: NOT VALID first, VALIDATE CONSTRAINT afterwards",
        )
    else:
        yield (f"changes {table} in a way that cannot be judged: {_short(action.sql())}", _LATER)


def _added(table: str, column: exp.ColumnDef, seen: _Seen) -> Found:
    name = column.name
    seen.columns.add((table, name))
    kinds = [one.args.get("kind") for one in column.args.get("constraints") or ()]
    default = next((one for one in kinds if isinstance(one, exp.DefaultColumnConstraint)), None)
    made = any(isinstance(one, _MADE) for one in kinds) or str(column.kind).upper() in _SERIALS
    demanded = any(
        isinstance(one, exp.NotNullColumnConstraint) and not one.args.get("allow_null")
        for one in kinds
    )
    if demanded and default is None and not made:
        yield (
            (
                f"adds the column {name} to {table} as NOT NULL without a default: what the version "
                "before inserts is refused"
            ),
            "let it be NULL, or give it a default; demand it in a contracting step",
        )
    if made or (default is not None and _differs_by_row(default.this)):
        yield (
            (
                f"adds the column {name} to {table} with a value of its own for every row: the table "
                "is written anew under a lock"
            ),
            "add it without one, set the default, and fill the rows in a migrating step",
        )
    if any(
        isinstance(one, exp.UniqueColumnConstraint | exp.PrimaryKeyColumnConstraint)
        for one in kinds
    ):
        yield (
            f"adds the column {name} to {table} with an index that is built under a lock",
            "add the column first, then CREATE UNIQUE INDEX CONCURRENTLY in a step of its own",
        )


_MADE = (
    exp.GeneratedAsIdentityColumnConstraint,
    exp.ComputedColumnConstraint,
    exp.GeneratedAsRowColumnConstraint,
)


def _differs_by_row(value: exp.Expression | None) -> bool:
    """Whether a default calls something that may give every row another value."""
    if value is None:
        return False
    calls = (one for one in value.walk() if isinstance(one, exp.Func))
    return any(
        not isinstance(one, (*_STABLE, exp.Cast, exp.Array, exp.And, exp.Or))
        and not (
            isinstance(one, exp.Anonymous) and one.name.lower() in {"now", "statement_timestamp"}
        )
        for one in calls
    )


def _altered(table: str, action: exp.AlterColumn, seen: _Seen) -> Found:
    name = action.name
    if (table, name) in seen.columns:
        return
    if action.args.get("dtype"):
        yield (
            (
                f"changes the type of {table}.{name}: the version before reads and writes the old one, "
                "and the table may be written anew under a lock"
            ),
            "add a column of the new type, fill it, and drop the old one in a contracting step",
        )
    elif action.args.get("allow_null") is False:
        yield (
            f"forbids NULL in {table}.{name}: what the version before writes may be refused",
            "demand it in a contracting step",
        )
    elif action.args.get("drop") and not action.args.get("allow_null"):
        yield (
            f"drops the default of {table}.{name}: the version before may rely on it",
            _LATER,
        )


# --- everything else --------------------------------------------------------------------------


def _create(tree: exp.Expression, seen: _Seen) -> Found:
    kind = str(tree.args.get("kind") or "").upper()
    if kind == "TABLE":
        seen.tables.add(_name(tree.this))
    elif kind == "INDEX":
        yield from _index(tree, seen)
    elif kind == "TRIGGER":
        yield (
            f"makes a trigger, which changes what the version before does: {_name(tree.this)}",
            ("say why it bears it: `compatible: ...` in the step"),
        )
    elif tree.args.get("replace"):
        yield (
            f"replaces the {kind.lower()} {_name(tree.this)}, which the version before uses",
            ("make one of a new name"),
        )


def _index(tree: exp.Expression, seen: _Seen) -> Found:
    index = tree.this
    table = _name(index.args.get("table"))
    if table in seen.tables:
        return
    if seen.dialect == "postgres" and not tree.args.get("concurrently"):
        yield (
            f"builds an index on {table} while nobody may write to it",
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS, in a step of its own",
        )
    columns = {one.name for one in index.find_all(exp.Column)}
    if tree.args.get("unique") and any((table, one) not in seen.columns for one in columns):
        yield (
            (
                f"demands that {', '.join(sorted(columns))} of {table} be unique: what the version "
                "before writes may be refused"
            ),
            "demand it in a contracting step",
        )


def _drop(tree: exp.Expression, seen: _Seen) -> Found:
    tables = tree.args.get("tables") or ([tree.this] if tree.this is not None else [])
    names = [_name(one) for one in tables]
    if not set(names) <= seen.tables:
        kind = str(tree.args.get("kind") or "thing").lower()
        yield f"drops the {kind} {', '.join(names)}, which the version before uses", _LATER


def _rows(tree: exp.Expression, seen: _Seen) -> Found:
    table = _name(tree.this)
    if table not in _BOOKS | seen.tables:
        word = "deletes" if isinstance(tree, exp.Delete) else "changes"
        yield (
            f"{word} rows of {table} in one transaction, which holds them until it ends",
            "do it in a migrating step with a `backfill`, batch by batch",
        )


def _truncated(tree: exp.Expression, seen: _Seen) -> Found:
    yield "empties a table, which the version before uses", _LATER


def _revoked(tree: exp.Expression, seen: _Seen) -> Found:
    yield "takes a right away, which the version before may need", _LATER


_JUDGES: Sequence[
    tuple[type[exp.Expression] | tuple[type[exp.Expression], ...], Callable[..., Found]]
] = (
    (exp.Alter, _alter),
    (exp.Create, _create),
    (exp.Drop, _drop),
    ((exp.Update, exp.Delete, exp.Merge), _rows),
    (exp.TruncateTable, _truncated),
    (exp.Revoke, _revoked),
)


def _name(tree: exp.Expression | None) -> str:
    if tree is None:
        return ""
    table = tree if isinstance(tree, exp.Table) else tree.find(exp.Table)
    return table.name if table is not None else tree.name


def _column(tree: exp.Expression | None) -> str:
    return tree.name if tree is not None else ""


def _short(sql: str) -> str:
    text = " ".join(sql.split())
    return text if len(text) <= 60 else text[:57] + "..."
