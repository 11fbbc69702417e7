"""What people ask of a rollout as a whole: abort it, keep it where it is, let it go on.

An act is one line in the store, written with its line of the audit log; every place's controller
sees it at its next tick and derives what it means there (`telford.flows.waves`), so nothing is half
done wherever anybody is killed. Asking for what is so already changes nothing. Called by
`telford rollout`, the portal and the API.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from telford.app.rollout import Standing
from telford.basics.errors import RefusedError, UsageError
from telford.deliver import hands
from telford.deliver.state import Phase, State
from telford.deliver.turns import VERBS, Asked
from telford.store.releases import Release
from telford.store.store import Store


@dataclass(frozen=True, slots=True)
class Act:
    """One act as it stands now; `refusal` says why it cannot be asked, or is ""."""

    verb: str
    label: str
    says: str
    refusal: str

    @property
    def possible(self) -> bool:
        """Whether it can be asked now."""
        return not self.refusal

    @property
    def dangerous(self) -> bool:
        """Whether the service's name must be typed."""
        return self.verb == "abort"


_LABELS = {"pause": "Pause", "resume": "Resume", "abort": "Abort"}
_SAYS = {
    "pause": "no further place begins, and those under way stay where they are",
    "resume": "goes on from where it is",
    "abort": "no further place begins, and those under way go back",
}


def acts(found: Standing) -> tuple[Act, ...]:
    """Every act, possible or not, in the order of the buttons."""
    return tuple(act(found, verb) for verb in VERBS)


def act(found: Standing, verb: str) -> Act:
    """One act as it stands now. Raises `UsageError` for one that there is not."""
    if verb not in VERBS:
        raise UsageError(
            f"a rollout cannot be told to {verb}", fix=f"one of {', '.join(sorted(VERBS))}"
        )
    return Act(verb, _LABELS[verb], _SAYS[verb], _refusal(found, verb))


def keeps(found: Standing, keep: bool | None) -> bool:
    """Whether an abort leaves places that have everything as they are: as asked, else as the
    delivery declares with onFailure.
    """
    return found.declared.on_failure != "rollback" if keep is None else keep


def plan(found: Standing, verb: str) -> tuple[str, ...]:
    """What the act will do in each place that has not finished, before it does it; see `finished`
    for the others. Raises `RefusedError` where it is impossible.
    """
    _require(found, verb)
    lines = {"pause": _pausing, "resume": _resuming, "abort": _aborting}[verb]
    return (*lines(found), "Your name and reason go into the audit log, which nobody can change.")


def finished(found: Standing, keep: bool | None) -> tuple[str, ...]:
    """What an abort does where the new version has everything; `keep` as for `keeps`."""
    stays = keeps(found, keep)
    promoted = Phase.PROMOTED.value
    rows = [(place, row) for place, row in found.rows.items() if row.phase == promoted]
    return tuple(_finished(place, row, keep=stays) for place, row in rows)


def ask(
    store: Store,
    found: Standing,
    verb: str,
    *,
    who: str,
    reason: str = "",
    keep: bool | None = None,
) -> Asked:
    """Write the act down; the one that stands where it was asked already.

    `found` is the rollout as whoever asks saw it. Raises `UsageError` for an unknown verb,
    `RefusedError` where it is impossible, or where somebody else acted in between.
    """
    known = _standing(found, verb, keep)
    if known is not None:
        return known
    _require(found, verb)
    key = found.rollout.id
    with store.writing() as writing:
        kept = verb == "abort" and keeps(found, keep)
        asked = Asked(verb, who, reason, writing.at, kept)
        store.rollouts.ask(writing, key, len(found.asked), asked)
        detail: dict[str, object] = {"reason": reason} if reason else {}
        detail |= {"keep_promoted": kept} if verb == "abort" else {}
        store.audit.append(writing, who, f"asked to {verb}", f"rollout/{key}", detail)
    return asked


def _standing(found: Standing, verb: str, keep: bool | None) -> Asked | None:
    """The act that makes asking again needless; None where there is none.

    Raises `RefusedError` where an abort would now treat finished places otherwise.
    """
    if verb == "abort":
        known = next((one for one in found.asked if one.verb == verb), None)
        if known is not None and keep is not None and keep != known.keep:
            kept = "keep the new version" if known.keep else "get their old version back"
            raise RefusedError(
                f"{found.rollout.id} was {known.says}; finished places {kept}",
                fix="act on single places: telford rollback SERVICE@VERSION --in PLACE",
            )
        return known
    last = found.asked[-1] if found.asked else None
    return last if last is not None and last.verb == verb and not found.view.stop else None


def _require(found: Standing, verb: str) -> None:
    refusal = act(found, verb).refusal
    if refusal:
        one = found.rollout
        fix = ""
        if found.view.done:
            fix = f"go back in a place: telford rollback {one.name}@VERSION --in PLACE"
        raise RefusedError(f"cannot {verb} {one.id}: {refusal}", fix=fix)


def _refusal(found: Standing, verb: str) -> str:
    view = found.view
    if view.stop:
        return f"it {'turned' if found.over else 'turns'} back already ({view.stop})"
    if view.done:
        return "it is over: every place has the new version"
    if verb == "pause" and view.paused:
        return f"it is {view.paused}"
    if verb == "resume" and not view.paused:
        return "it is not paused"
    return ""


def _pausing(found: Standing) -> Iterator[str]:
    yield "No further place begins until somebody resumes the rollout."
    for place, row in _under_way(found):
        state = State.from_json(row.state)
        if state.phase is Phase.PROMOTING:
            yield f"{place} has decided already: it finishes."
        elif state.phase is Phase.STARTING:
            yield f"{place} starts its first replicas, then stays where it is."
        else:
            yield f"{place} stays where it is; it is still watched and can roll back."


def _resuming(found: Standing) -> Iterator[str]:
    yield "The next place begins as soon as its turn comes."
    for place, row in _under_way(found):
        if row.phase == Phase.PAUSED.value:
            yield f"{place} goes on from where it is, if the rollout paused it."


def _aborting(found: Standing) -> Iterator[str]:
    one = found.rollout
    waiting = [place for place, row in found.rows.items() if row.phase == Phase.PLANNED.value]
    if waiting:
        yield f"{', '.join(waiting)}: {one.to_version} does not begin there."
    for place, row in _under_way(found):
        yield _back(place, row)


def _finished(place: str, row: Release, *, keep: bool) -> str:
    if keep:
        return f"{place} keeps {row.to_version}: it has everything there."
    return (
        f"{place} gets {row.from_version} back, switched at once, unless something else was "
        "released there since."
    )


def _back(place: str, row: Release) -> str:
    state = State.from_json(row.state)
    try:
        hands.command(state, "abort", who="", reason="", now=0.0)
    except RefusedError as error:
        why = error.message.removeprefix(f"cannot abort {row.id}: ")
        return f"{place} cannot go back: {why}."
    return f"{place} rolls back: {row.from_version} gets everything at once."


def _under_way(found: Standing) -> Iterator[tuple[str, Release]]:
    for place, row in found.rows.items():
        if row.active and row.phase != Phase.PLANNED.value:
            yield place, row
