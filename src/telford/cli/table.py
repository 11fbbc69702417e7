"""The command table: one line a verb, and the module that is imported when it is called.

The single lazy place of the house, so that `telford --help` answers at once. To add a command:
write `telford/cli/<module>.py` with a function `command`, and add its line here.
"""

import importlib
from dataclasses import dataclass
from types import ModuleType


@dataclass(frozen=True, slots=True)
class Command:
    """A verb, the module under `telford.cli` that has its `command` function, and one line."""

    verb: str
    module: str
    help: str


COMMANDS: tuple[Command, ...] = (
    Command("init", "init", "start an estate in a folder"),
    Command("import", "import_", "turn what you have into an estate"),
    Command("confirm", "confirm", "confirm or refuse what an import inferred"),
    Command("adopt", "adopt", "move something as-found onto the road"),
    Command("check", "check", "find everything wrong in an estate"),
    Command("explain", "explain", "show a value and every line that had a say in it"),
    Command("matrix", "matrix", "show one thing across all places, differences first"),
    Command("conformance", "conformance", "show how far everything is as the architecture says"),
    Command("diff", "diff", "say what changed between two revisions by meaning"),
    Command("graph", "graph", "show what depends on what"),
    Command("contracts", "contracts", "show what is offered to whom, and what a version breaks"),
    Command("schema", "schema", "print the JSON Schema of documents, for editors"),
    Command("build", "build", "render an estate for the systems it runs on"),
    Command("plan", "plan", "show what a build would change"),
    Command("source", "source", "show where a generated line comes from"),
    Command("drift", "drift", "compare what the estate says with what is"),
    Command("up", "up", "start the estate on this machine"),
    Command("release", "release", "release a version step by step"),
    Command("rollout", "rollout", "bring a version to several places in waves"),
    Command("events", "events", "say what happened to releases and who was told"),
    Command("status", "status", "say what runs and what is being released"),
    Command("promote", "promote", "finish a release by hand, or take it a step further"),
    Command("abort", "abort", "roll a release back by hand"),
    Command("pause", "pause", "hold a release where it is"),
    Command("resume", "resume", "let a paused release go on"),
    Command("hold", "hold", "hold a release until somebody lets it go on"),
    Command("retry", "retry", "try the version of a release that ended again"),
    Command("rollback", "rollback", "restore what ran before, whole and at once"),
    Command("compare", "compare", "show two releases beside each other"),
    Command("gates", "gates", "say what a release waits for, and what opens it"),
    Command("approve", "approve", "say yes at a gate of a release"),
    Command("refuse", "refuse", "say no at a gate of a release"),
    Command("withdraw", "withdraw", "take back what you said at a gate"),
    Command("override", "override", "open a closed gate, with a reason"),
    Command("data", "data", "show how data change with releases, or act on it"),
    Command("promotions", "promotions", "show which release is where, and what could go on"),
    Command("gitops", "gitops", "keep the Git folder of a place as what is bound there"),
    Command("quarantine", "quarantine", "show what is kept out, keep out, or let in again"),
    Command("set", "set_", "write values into the estate's own files"),
    Command("evidence", "evidence", "recompute a release's verdict from its ledger"),
    Command("replay", "replay", "hold settings against past releases"),
    Command("controller", "controller", "stand by for a place and control it"),
    Command("controllers", "controllers", "say who controls which place and who stands by"),
    Command("token", "token", "show or renew what opens the portal"),
    Command("demo", "demo", "watch a good and a bad release of the example shop"),
    Command("down", "down", "stop what `telford up` started"),
)


def load(module: str) -> ModuleType:
    """Import a module now, because it is needed now: of a verb, or of its slow half."""
    return importlib.import_module(module)
