"""Who writes into the store, one by one: a new writer must say here how it is fenced.

A controller's writes are fenced by the epoch of its lease: `Database.writing(lease)` compares it
before anything else, and what only a controller may write asks for `writing.fenced`. What people
ask for (a release, a command, an approval) is written without a lease, on purpose.
"""

import ast
import pathlib
from collections.abc import Iterator

import telford

SOURCE = pathlib.Path(telford.__file__).parent
STORE = SOURCE / "store"

# Needs the lease: fails without one, and the epoch was compared before.
FENCED = {
    "bindings.Bindings.bind",
    "commands.Commands.take",
    "data_plans.DataPlans.save",
    "events.Events.lose",
    "events.Events.move",
    "git_changes.GitChanges.owe",
    "git_changes.GitChanges.save",
    "leases.Leases.beat",
    "ledger.Ledger.append",
    "measurements.Measurements.add",
    "measurements.Measurements.roll_up",
    "objectives.Objectives.record",
    "quarantines.Quarantines.returned",
    "readings.Readings.replace",
    "releases.Releases.save",
    "retention.Retention.forget",
}
# Written by people's processes too, each with why that is right without a lease.
OPEN = {
    "approvals.Approvals.add": "a person's act at a gate; the controller only reads it",
    "audit.Audit.cut": "called by Retention.forget, which needs the lease",
    "audit.Audit.append": "a line more in a chain: takes nothing from anybody",
    "bindings.Bindings.issue": "gives out a generation, and they only grow",
    "bindings.Bindings.seen": "raises the generation given out, and it only grows",
    "commands.Commands.ask": "a wish; only the controller takes it",
    "events.Events.append": "a line more, beside what it tells of",
    "data_plans.DataPlans.create": "a person's plan; the slot's uniqueness keeps a second one out",
    "data_plans.DataPlans.issue": "gives out a generation, and they only grow",
    "data_plans.DataPlans.wish": "a person's wish; a generation of its own refuses what is older",
    "quarantines.Quarantines.add": "keeps a version out; written once by its id",
    "quarantines.Quarantines.lift": "a person's act, with a reason; only what holds is lifted",
    "versions.Versions.record": "written once by its digest, never changed",
    "rollouts.Rollouts.ask": "a person's act; its number keeps two from acting on one sight",
    "rollouts.Rollouts.create": "written once by its id, never changed",
    "releases.Releases.create": "the slot's uniqueness keeps a second one out",
}
# Transactions that are opened without a lease, each with why.
WITHOUT_LEASE = {
    "app/control.py": "a person's command",
    "app/data.py": "a person's plan or wish about data",
    "app/gating.py": "a person's act at a gate",
    "app/quarantine.py": "a person's quarantine, or its lifting",
    "app/release.py": "a person's release",
    "app/rollout.py": "a person's rollout",
    "app/rollout_acts.py": "a person's act on a rollout",
    "store/controllers.py": "stand-by controllers say that they wait; nothing is decided by it",
    "store/leases.py": "taking a lease is what makes an epoch",
    "testing/simulation.py": "people of a simulated world",
}

# SQL that changes something, but in another database than ours.
ELSEWHERE = {"backends/data/ledger.py": "the record inside of the datastore that is changed"}


def _modules(folder: pathlib.Path, word: str = "") -> Iterator[tuple[pathlib.Path, ast.Module]]:
    """Those that have the word in them: to parse all of Telford takes seconds."""
    for file in sorted(folder.rglob("*.py")):
        text = "" if "migrations" in file.parts else file.read_text(encoding="utf-8")
        if text and word in text:
            yield file, ast.parse(text)


def _methods() -> Iterator[tuple[str, ast.FunctionDef]]:
    for file, tree in _modules(STORE):
        for found in ast.walk(tree):
            if isinstance(found, ast.ClassDef):
                for one in found.body:
                    if isinstance(one, ast.FunctionDef):
                        yield f"{file.stem}.{found.name}.{one.name}", one


def _takes_a_writing(method: ast.FunctionDef) -> bool:
    annotations = [one.annotation for one in method.args.args]
    return any(isinstance(one, ast.Name) and one.id == "Writing" for one in annotations)


def test_every_public_writer_is_listed_with_how_it_is_fenced() -> None:
    writers = {
        name
        for name, method in _methods()
        if _takes_a_writing(method) and not method.name.startswith("_")
    }
    assert writers == FENCED | OPEN.keys()


def test_what_is_listed_as_fenced_asks_for_the_lease() -> None:
    asking = {
        name
        for name, method in _methods()
        if any(
            isinstance(node, ast.Attribute) and node.attr in {"fenced", "lease"}
            for node in ast.walk(method)
        )
    }
    assert asking >= FENCED


def test_every_transaction_without_a_lease_is_listed() -> None:
    found = set()
    for file, tree in _modules(SOURCE, "writing"):
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr == "writing" and not node.args and not node.keywords:
                found.add(str(file.relative_to(SOURCE)))
    assert found == WITHOUT_LEASE.keys()


def test_nothing_outside_the_store_speaks_sql_to_it() -> None:
    """Inserts, updates and deletes of our records are in `telford.store` alone."""
    found = set()
    for file, tree in _modules(SOURCE, "sqlalchemy"):
        if STORE in file.parents:
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in {"insert", "update", "delete"}
                and isinstance(node.value, ast.Name)
                and node.value.id in {"sa", "sqlalchemy"}
            ):
                found.add(str(file.relative_to(SOURCE)))
    assert found == ELSEWHERE.keys()
