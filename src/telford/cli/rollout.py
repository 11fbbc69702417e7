"""`telford rollout`: one version to several places in the waves of its delivery, and acts on all."""

import sys
from typing import Annotated

import typer

from telford.app import loading, rollout, rollout_acts, rollout_page, workloads
from telford.basics.clock import SystemClock
from telford.basics.errors import UsageError
from telford.cli import options, output, running
from telford.deliver.turns import VERBS
from telford.store.store import Store

Which = Annotated[
    str,
    typer.Argument(
        metavar="SERVICE|ROLLOUT|ACT", help="the service, a rollout's id, or pause, resume or abort"
    ),
]
Target = Annotated[
    str,
    typer.Argument(
        metavar="ROLLOUT", help="with an act: the rollout's id, or its service", show_default=False
    ),
]
Version = Annotated[
    str, typer.Option("--version", help="begin one: the version (the tag of the estate's image)")
]
Image = Annotated[str, typer.Option("--image", help="begin one: the image; its tag is the version")]
Begin = Annotated[bool, typer.Option("--begin", help="begin one with the estate's own image")]
Keep = Annotated[
    bool | None,
    typer.Option(
        "--keep-promoted/--undo-promoted",
        help="abort: places that have everything keep the new version, or get the old one back; "
        "without either as the delivery's onFailure says (rollback: they get the old one back)",
        show_default=False,
    ),
]


def command(  # noqa: PLR0917 - a command's signature is its options
    which: Which,
    target: Target = "",
    version: Version = "",
    image: Image = "",
    begin: Begin = False,
    keep: Keep = None,
    reason: running.Reason = "",
    estate: options.Estate = None,
    as_json: options.Json = False,
) -> None:
    """Bring a version to the places of its delivery's waves, say how a rollout stands, or stop it.

    Each place has a release of its own, which waits for its turn; one place that turns back turns
    all back. With neither --version, --image nor --begin nothing is begun.

    abort: no further place begins, those under way roll back, and those that have everything get
    the old version back too, as when a place fails (see --keep-promoted). pause: no further place
    begins and those under way stay where they are, still watched, until resume. Every controller
    obeys at its next tick.

    Example: telford rollout checkout --version 1.8.0
    Example: telford rollout checkout
    Example: telford rollout abort checkout --reason "customers call"
    Example: telford rollout abort checkout --keep-promoted --reason "not on a Friday"
    Example: telford rollout pause checkout --reason "lunch"
    """
    clock = SystemClock()
    acts = which in VERBS
    _refuse_mixed(which, target, begins=bool(version or image or begin), keep=keep)
    with running.records(estate) as store:
        if acts:
            which = _act(store, which, target, keep, reason, clock.now(), quiet=as_json)
        elif version or image or begin:
            folder = options.folder(estate)
            described = loading.require(loading.load_folder(folder, options.estate_cache()))
            local = workloads.Local(str(folder.absolute()), sys.executable)
            plan, prepared = rollout.prepare(
                store, described, local, which, version=version, image=image, now=clock.now()
            )
            made = rollout.start(
                store, prepared, plan, who=running.who(), reason=reason, now=clock.now()
            )
            which = made.id
        found = rollout.standing(store, which, clock.now())
    if as_json:
        output.json(rollout.as_json(found))
        return
    for line in lines(found):
        output.line(line)


def lines(found: rollout.Standing) -> list[str]:
    """For the terminal."""
    view = rollout_page.page(found)
    said = [f"{found.rollout.id}: {view.sentence}"]
    for wave in view.waves:
        said.append(f"  wave {wave.number}")
        for group in wave.groups:
            for box in group.boxes:
                waits = box.turn is not None and not box.turn.open
                why = f": {box.says}" if waits or box.back else ""
                said.append(f"    {box.place} {box.shown}{why}")
    return said + [
        f"  {one.indicator} over all places: {100 * one.share:.0f} of 100 needed to turn back"
        for one in view.evidence
    ]


def _act(
    store: Store,
    verb: str,
    target: str,
    keep: bool | None,
    reason: str,
    now: float,
    *,
    quiet: bool,
) -> str:
    """Ask it, saying first what it does in each place; the rollout's id."""
    found = rollout.standing(store, target, now)
    told = () if rollout_acts.act(found, verb).refusal else rollout_acts.plan(found, verb)
    told += rollout_acts.finished(found, keep) if told and verb == "abort" else ()
    rollout_acts.ask(store, found, verb, who=running.who(), reason=reason, keep=keep)
    for line in () if quiet else told:
        output.note(line)
    return found.rollout.id


def _refuse_mixed(which: str, target: str, *, begins: bool, keep: bool | None) -> None:
    """Raises `UsageError` where an act is asked for in part, or beside something else."""
    if which in VERBS:
        if not target:
            raise UsageError(
                f"say which rollout to {which}",
                fix=f"telford rollout {which} ROLLOUT; a service of that name: service/{which}",
            )
        if begins:
            raise UsageError(f"{which} acts on a rollout that has begun; it begins none")
    elif target:
        raise UsageError(f"a rollout cannot be told to {which!r}", fix=f"one of {', '.join(VERBS)}")
    if keep is not None and which != "abort":
        raise UsageError("--keep-promoted and --undo-promoted go with abort alone")
