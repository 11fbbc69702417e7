"""What people do at gates: see how they stand, approve, refuse, withdraw, override.

Who may is decided here, at the time of the act, from the estate as it is then; the store keeps what
was done, with the person that the name meant. Nobody approves what they started themselves. Called
by `telford approve|refuse|withdraw|override|gates`, the portal and the API.
"""

import dataclasses
import secrets
from dataclasses import dataclass

from telford.analysis import people
from telford.analysis.people import Group
from telford.basics.errors import RefusedError, UsageError
from telford.deliver import gate_judging, gate_settings
from telford.deliver.gates import APPROVE, OVERRIDE, REFUSE, WITHDRAW, Gate, GateView
from telford.deliver.state import Phase, State
from telford.estate.kinds.people import Person
from telford.estate.model import Entity, Estate
from telford.flows import gating
from telford.store.approvals import Act
from telford.store.releases import Release
from telford.store.store import Store

MAX_REASON = 2_000
_PAST = {
    APPROVE: "approved", REFUSE: "refused", WITHDRAW: "took back a word on", OVERRIDE: "overrode"
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that somebody could do at a gate: `refusal` says why they may not, "" where they
    may; `can` are the addresses of those who may.
    """

    verb: str
    refusal: str
    can: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GateCard:
    """One gate as people see it: how it stands at each of its moments, what was done at it, and
    what whoever looks could do. `pattern` is what a change record's id looks like, "" for none.
    """

    name: str
    kind: str
    views: tuple[GateView, ...]
    acts: tuple[Act, ...]
    choices: tuple[Choice, ...]
    pattern: str = ""

    @property
    def open(self) -> bool:
        """At all of its moments."""
        return all(one.open for one in self.views)


@dataclass(frozen=True, slots=True)
class GatesPage:
    """The gates of a release, `moment` the one at which it stands ("" between them)."""

    release: str
    phase: str
    moment: str
    cards: tuple[GateCard, ...]

    @property
    def closed(self) -> tuple[GateView, ...]:
        """What keeps it from going on now."""
        moments = {"promote", "step"} if self.moment == "promote" else {self.moment}
        views = (view for card in self.cards for view in card.views)
        return tuple(one for one in views if one.at in moments and not one.open)

    def as_json(self) -> dict[str, object]:
        """For `--json` and the API."""
        return {
            "release": self.release,
            "phase": self.phase,
            "moment": self.moment,
            "waits_for": [one.name for one in self.closed],
            "gates": [_card_json(one) for one in self.cards],
        }


def look(store: Store, estate: Estate, release: Release, who: str, now: float) -> GatesPage:
    """How a release's gates stand, and what `who` could do at them."""
    state = State.from_json(release.state)
    views = standing(store, release, state, now)
    acts = store.approvals.of(release.id)
    names = dict.fromkeys(gate.name for gate in state.policy.gates)
    cards = []
    for name in names:
        gates = [gate for gate in state.policy.gates if gate.name == name]
        mine = tuple(one for one in acts if one.gate == name)
        shown = tuple(one for one in views if one.name == name)
        choices = () if state.final else _choices(estate, release, gates, who, mine)
        cards.append(GateCard(name, gates[0].kind, shown, mine, choices, _pattern(gates[0])))
    last = state.step == len(state.policy.weights) - 1
    moment = gate_judging.moment(state.phase, last=last)
    return GatesPage(release.id, release.phase, moment, tuple(cards))


def standing(store: Store, release: Release, state: State, now: float) -> tuple[GateView, ...]:
    """How the gates stand at this moment; of a release that is over, how they stood at its end."""
    gathered = gating.Gatherer(store, release.place).gather([(release, state)], {}, now)
    others = {one.service: one.id for one in store.releases.active(release.place)}
    gathered = dataclasses.replace(gathered, releases=others, grants=frozenset())
    return gating.look(release, state, gathered, {}, now).views


def act(
    store: Store,
    estate: Estate,
    release: Release,
    verb: str,
    *,
    who: str,
    reason: str = "",
    gate: str = "",
) -> Act:
    """Do it, in writing; the same again changes nothing.

    Raises `UsageError` for a gate that is not there, or where several could be meant;
    `RefusedError` where the answer is no, saying who could.
    """
    state = State.from_json(release.state)
    if not release.active:
        raise RefusedError(f"{release.id} is over: its gates hold nothing up any more")
    given = reason.strip()[:MAX_REASON]
    if not given and verb != WITHDRAW:
        raise UsageError(f"say why you {verb}: it is kept", fix="give --reason")
    person = person_of(estate, who)
    chosen = _chosen(store, state, release, verb, gate, person)
    refusal = _refusal(estate, release, chosen, verb, person, who)
    if refusal:
        raise RefusedError(refusal, fix=_who_can(estate, release, chosen, verb))
    _fits(chosen[0], verb, given, release)
    step = state.step
    known = _last(store, release, chosen[0].name, str(person.address))
    if known is not None and (known.verb, known.reason, known.step) == (verb, given, step):
        return known
    return _write(store, release, verb, who, person, given, chosen[0].name, step)


def person_of(estate: Estate, who: str) -> Entity:
    """The person that a name means. Raises `RefusedError` where it means nobody, or several."""
    found = people.who(estate, who)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(str(one.address) for one in found)
        raise RefusedError(f"{who!r} may be any of {names}", fix="set TELFORD_WHO to an address")
    raise RefusedError(
        f"the estate has no person called {who!r}, so it is not known what they may",
        fix="set TELFORD_WHO to the name, e-mail address or handle of a Person of the estate",
    )


# --- who may ----------------------------------------------------------------------------------


def _choices(
    estate: Estate, release: Release, gates: list[Gate], who: str, said: tuple[Act, ...]
) -> tuple[Choice, ...]:
    """What can be done at a gate; taking back only for who has said something."""
    if _over(release, gates):
        return ()
    found = people.who(estate, who)
    mine = [one for one in said if one.person in {str(person.address) for person in found}]
    choices = []
    for verb in _verbs(gates[0]):
        if verb == WITHDRAW and (not mine or mine[-1].verb == WITHDRAW):
            continue
        group = _group(gates[0], verb)
        can = tuple(str(one.address) for one in _may(estate, release, gates[0], group, verb))
        if len(found) != 1:
            refusal = f"the estate has no person called {who!r}"
        else:
            refusal = _refusal(estate, release, gates, verb, found[0], who)
        choices.append(Choice(verb, refusal, can))
    return tuple(choices)


def _over(release: Release, gates: list[Gate]) -> bool:
    """Whether a gate was about the start only, and that lies behind."""
    return release.phase != Phase.PLANNED.value and all(one.at == "start" for one in gates)


def _verbs(gate: Gate) -> tuple[str, ...]:
    """What can be done at a gate of its kind at all."""
    own = {"approval": (APPROVE, REFUSE), "record": (APPROVE,)}.get(gate.kind, ())
    over = (OVERRIDE,) if gate_settings.override(gate) is not None else ()
    return (*own, *over, *((WITHDRAW,) if own or over else ()))


def _group(gate: Gate, verb: str) -> Group:
    if verb == OVERRIDE:
        return gate_settings.override(gate) or Group()
    if gate.kind == "approval":
        return gate_settings.read(gate_settings.Approval, gate).people
    return Group()


def _refusal(
    estate: Estate, release: Release, gates: list[Gate], verb: str, person: Entity, who: str
) -> str:
    """Why a person may not do it, in a sentence; "" where they may."""
    gate = gates[0]
    if verb not in _verbs(gate):
        return f"gate {gate.name} ({gate.kind}) takes no {verb}"
    if _over(release, gates):
        return f"gate {gate.name} was about the start of {release.id}, which is over"
    if verb == WITHDRAW:
        return ""
    if _both_eyes(estate, release, gate, verb, person, who):
        return f"{who} started {release.id}: somebody else must approve it"
    why = people.why_not(estate, _group(gate, verb), person)
    return f"{person.address} may not {verb} gate {gate.name}: {why}" if why else ""


def _both_eyes(
    estate: Estate, release: Release, gate: Gate, verb: str, person: Entity, who: str
) -> bool:
    """Whether somebody would approve what they started themselves."""
    if gate.kind != "approval" or verb != APPROVE:
        return False
    return who == release.who or person in people.who(estate, release.who)


def _may(
    estate: Estate, release: Release, gate: Gate, group: Group, verb: str
) -> tuple[Entity, ...]:
    if verb == WITHDRAW:
        return ()
    found = people.members(estate, group)
    starter = people.who(estate, release.who) if gate.kind == "approval" and verb == APPROVE else ()
    return tuple(one for one in found if one not in starter)


def _who_can(estate: Estate, release: Release, gates: list[Gate], verb: str) -> str:
    can = _may(estate, release, gates[0], _group(gates[0], verb), verb)
    names = ", ".join(str(one.address) for one in can[:10])
    return f"who can: {names}" if names else "nobody of the estate can: change the gate's people"


# --- which gate -------------------------------------------------------------------------------


def _chosen(
    store: Store, state: State, release: Release, verb: str, name: str, person: Entity
) -> list[Gate]:
    """All moments of the gate that is meant."""
    gates = state.policy.gates
    if name:
        found = [one for one in gates if one.name == name]
        if not found:
            known = ", ".join(dict.fromkeys(one.name for one in gates)) or "none"
            raise UsageError(f"{release.id} has no gate {name!r}", fix=f"its gates: {known}")
        return found
    names = list(dict.fromkeys(one.name for one in gates if verb in _verbs(one)))
    if verb == WITHDRAW:
        said = {
            one.gate for one in store.approvals.of(release.id) if one.person == str(person.address)
        }
        names = [one for one in names if one in said]
    elif verb == APPROVE and len(names) > 1:
        names = [one for one in names if _kind(gates, one) == "approval"] or names
    if len(names) == 1:
        return [one for one in gates if one.name == names[0]]
    if not names:
        raise RefusedError(f"{release.id} has no gate that you could {verb}")
    raise UsageError(
        f"{release.id} has several gates that you could {verb}", fix=f"--gate {' or '.join(names)}"
    )


def _kind(gates: tuple[Gate, ...], name: str) -> str:
    return next(one.kind for one in gates if one.name == name)


def _pattern(gate: Gate) -> str:
    return gate_settings.read(gate_settings.Record, gate).pattern if gate.kind == "record" else ""


def _fits(gate: Gate, verb: str, reason: str, release: Release) -> None:
    """A change record is named by its id."""
    if gate.kind != "record" or verb != APPROVE:
        return
    pattern = _pattern(gate)
    said = gate_judging.Act(gate.name, 0, APPROVE, "", "", reason, 0.0)
    facts = gate_judging.Facts(0.0, "", "", 0.0, "", acts=(said,))
    if not gate_judging.record(pattern, facts, gate.name):
        raise RefusedError(f"{reason!r} holds no id that fits {pattern}", fix="give --reason ID")


# --- writing ----------------------------------------------------------------------------------


def _last(store: Store, release: Release, gate: str, person: str) -> Act | None:
    said = (
        one for one in store.approvals.of(release.id) if (one.gate, one.person) == (gate, person)
    )
    return max(said, key=lambda one: one.at, default=None)


def _write(
    store: Store,
    release: Release,
    verb: str,
    who: str,
    person: Entity,
    reason: str,
    gate: str,
    step: int,
) -> Act:
    """The act and its entry in the audit log, in one transaction."""
    spec = person.spec
    assert isinstance(spec, Person)
    address = str(person.address)
    with store.writing() as writing:
        key = f"a-{secrets.token_hex(8)}"
        made = Act(key, release.id, gate, step, verb, who, address, spec.level, reason, writing.at)
        store.approvals.add(writing, made)
        detail = {"gate": gate, "person": address, "level": spec.level, "step": step}
        detail |= {"reason": reason}
        store.audit.append(writing, who, f"{_PAST[verb]} a gate", f"release/{release.id}", detail)
    return made


def _card_json(card: GateCard) -> dict[str, object]:
    return {
        "name": card.name,
        "kind": card.kind,
        "open": card.open,
        "moments": [
            {
                "at": one.at,
                "open": one.open,
                "why": one.why,
                "opens": one.opens or None,
                "until": one.until,
                "step": one.step,
            }
            for one in card.views
        ],
        "said": [
            {
                "verb": one.verb,
                "who": one.who,
                "person": one.person,
                "level": one.level,
                "reason": one.reason,
                "step": one.step,
                "at": one.at,
            }
            for one in card.acts
        ],
        "choices": [
            {"verb": one.verb, "refused": one.refusal or None, "who_can": list(one.can)}
            for one in card.choices
        ],
    }
