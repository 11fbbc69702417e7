"""`telford data`: what a release does to data, how that stands, and what people may do about it."""

from typing import Annotated, Any

import typer

from telford.app import data as use_case
from telford.app import data_plan, loading, places
from telford.basics.clock import SystemClock
from telford.basics.errors import UsageError
from telford.cli import options, output, running
from telford.deliver import data_changes
from telford.deliver.data_changes import DataStep, DataView
from telford.deliver.data_compatibility import Unfit
from telford.estate import overlays
from telford.estate.model import Binding
from telford.ports.data import DataChanges
from telford.store.store import Store

LOOKS = ("state", "plan", "check")
_DOES = {
    "run": "begins with the next tick of the controller",
    "pause": "stops after the batch that is under way",
    "resume": "goes on with the next tick of the controller",
    "contract": "takes away what only old versions needed, as soon as none runs anywhere",
    "stop": "ends here; what is done stays",
}

ServiceName = Annotated[str, typer.Argument(help="the service, such as orders")]
Act = Annotated[
    str,
    typer.Argument(
        help=f"one of {', '.join((*LOOKS, *use_case.VERBS))}",
        metavar="[ACT]",
        show_default=False,
    ),
]
Step = Annotated[str, typer.Option("--step", metavar="NAME", help="of `undo`: the last step done")]


def command(
    service: ServiceName,
    act: Act = "state",
    step: Step = "",
    place: options.In = "",
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Show how a service's data change with its releases, or act on it.

    `state` asks the data store, `plan` says what would happen, `check` whether the version before
    bears what expands (exit code 1 where it does not).

    Example: telford data orders
    Example: telford data orders check
    Example: telford data orders contract --reason "no old replica for a week"
    """
    if act not in {*LOOKS, *use_case.VERBS}:
        raise UsageError(
            f"there is no act {act!r}", fix=f"one of {', '.join((*LOOKS, *use_case.VERBS))}"
        )
    folder = options.folder(estate)
    described = loading.require(loading.load_folder(folder, options.estate_cache()))
    binding = overlays.bind(described, places.choose(described, place))
    changes = data_plan.changer(folder, SystemClock())
    if act in {"plan", "check"}:
        _look(binding, service, act, changes, as_json=as_json)
        return
    with running.records(estate) as store:
        _act(store, binding, service, (act, step, reason), changes, as_json=as_json)


def _look(binding: Binding, service: str, act: str, changes: DataChanges, *, as_json: bool) -> None:
    """What needs no records: the plan as the estate says it, and whether it fits."""
    seen = use_case.described(binding, service)
    if act == "plan":
        if as_json:
            output.json(seen.as_json())
            return
        output.line(data_changes.announce(seen.steps))
        _table(seen)
        return
    found = use_case.check(changes, seen)
    if as_json:
        output.json({"service": seen.service, "unfit": [_unfit(one) for one in found]})
    for one in () if as_json else found:
        output.line(f"{data_plan.where(one)}: {one.summary}")
        output.line(f"  {one.fix}")
    if found:
        raise typer.Exit(1)
    if not as_json:
        output.line(f"{seen.service}: the version before bears every expanding step")


def _act(
    store: Store,
    binding: Binding,
    service: str,
    asked: tuple[str, str, str],
    changes: DataChanges,
    *,
    as_json: bool,
) -> None:
    act, step, reason = asked
    looking = act == "state"
    seen = use_case.overview(store, binding, service, changes if looking else None)
    who = running.who()
    if act == "undo":
        use_case.undo(store, changes, seen, step, who=who)
    elif act == "run":
        use_case.run(store, changes, seen, who=who)
    elif not looking:
        use_case.wish(store, seen.plan, act, who=who, reason=reason)
    if not looking:
        seen = use_case.overview(store, binding, service)
    if as_json:
        output.json(seen.as_json() | ({} if looking else {"asked": act}))
    elif looking:
        _show(seen)
    else:
        output.line(f"{seen.service}: {_DOES.get(act, f'{step} was taken back')}")


def _show(seen: use_case.Overview) -> None:
    plan = seen.plan
    if plan is None:
        output.line(f"{seen.service} in {seen.place}: nothing has begun")
    else:
        how = "under way" if plan.active else "over"
        output.line(f"{seen.service} in {seen.place}: for version {seen.version}, {how}")
        if plan.why:
            output.line(plan.why)
    _table(seen)
    fixed = data_changes.forward_fix(seen.steps, seen.views)
    if fixed:
        output.line(fixed)
    if seen.problem:
        output.note(f"the data store itself was not asked: {seen.problem}")


def _table(seen: use_case.Overview) -> None:
    rows = [_row(step, view) for step, view in zip(seen.steps, seen.views, strict=True)]
    output.table(("step", "phase", "status", "rows", "way back", "why"), rows)


def _row(step: DataStep, view: DataView) -> tuple[str, ...]:
    rows = data_changes.counted(view).removeprefix(", ").removesuffix(" rows") or "-"
    back = "yes" if step.reversible else "no"
    return view.name, view.phase, view.status, rows, back, view.why


def _unfit(one: Unfit) -> dict[str, Any]:
    return {
        "step": one.step,
        "file": one.file,
        "line": one.line,
        "summary": one.summary,
        "fix": one.fix,
        "unknown": one.unknown,
    }
