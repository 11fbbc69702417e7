"""Who may do what at a gate, and what a person who may not is told."""

import dataclasses
import pathlib
from collections.abc import Iterator

import pytest

import stores
from telford.analysis import people
from telford.analysis.people import Group
from telford.app import gating
from telford.app.loading import of_texts
from telford.backends import files
from telford.basics.errors import RefusedError, UsageError
from telford.deliver import gate_settings
from telford.deliver.gates import Gate
from telford.estate.model import Estate
from telford.store.releases import Release
from telford.testing.simulation import QUICK, Simulation


def person(name: str, more: str = "") -> str:
    return f"apiVersion: telford/v1\nkind: Person\nname: {name}\n{more}---\n"


PEOPLE = (
    "apiVersion: telford/v1\nkind: Team\nname: shop\n---\n"
    "apiVersion: telford/v1\nkind: Team\nname: till\nparent: shop\n---\n"
    + person("ann", "team: till\nlevel: P5\nemail: ann@shop.example\n")
    + person("bob", "team: till\nlevel: P4\nhandles: {github: bobby}\n")
    + person("eve", "level: P6\n")
    + person("zoe", "team: shop\nlevel: P5\n")
    + "apiVersion: telford/v1\nkind: Rota\nname: shop\nmembers: [eve, zoe]\n"
)
SHOP = Group(("team/shop",))


def estate_of(text: str = PEOPLE) -> Estate:
    return of_texts(files.Texts({"people.yaml": text})).estate


def gate(settings: gate_settings.Settings, at: str = "start", over: Group | None = None) -> Gate:
    kinds = {made: kind for kind, made in gate_settings.KINDS.items()}
    return Gate("g", kinds[type(settings)], at, gate_settings.pairs(settings, over))


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[Simulation]:
    made = Simulation(stores.fresh(tmp_path / "store.db"))
    yield made
    made.store.close()


def begun(world: Simulation, *gates: Gate) -> Release:
    """Started by ann."""
    return world.release(dataclasses.replace(QUICK, gates=gates))


def act(world: Simulation, verb: str, who: str, reason: str = "checked", name: str = ""):
    release = world.row()
    return gating.act(world.store, estate_of(), release, verb, who=who, reason=reason, gate=name)


# --- who is who -------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["ann", "person/ann", "Ann@Shop.example", " ann "])
def test_a_person_is_found_by_name_address_and_e_mail(text: str) -> None:
    (found,) = people.who(estate_of(), text)
    assert str(found.address) == "person/ann"


def test_a_person_is_found_by_a_handle_and_nobody_by_nothing() -> None:
    assert [str(one.address) for one in people.who(estate_of(), "bobby")] == ["person/bob"]
    assert people.who(estate_of(), "") == ()
    assert people.who(estate_of(), "root") == ()


@pytest.mark.parametrize(
    ("group", "names"),
    [
        (Group(), ["ann", "bob", "eve", "zoe"]),
        (SHOP, ["ann", "bob", "zoe"]),
        (Group(("team/till",)), ["ann", "bob"]),
        (Group(("rota/shop",)), ["eve", "zoe"]),
        (Group(("person/bob", "rota/shop"), "P5"), ["eve", "zoe"]),
        (Group((), "P6"), ["eve"]),
        (Group(("team/shop",), "", ("team/till",)), ["zoe"]),
        (Group(("team/none",)), []),
    ],
)
def test_a_group_is_teams_with_those_below_them_people_rotas_and_levels(
    group: Group, names: list[str]
) -> None:
    found = people.members(estate_of(), group)
    assert [one.spec.name for one in found] == names


def test_a_circle_of_teams_ends() -> None:
    text = PEOPLE.replace("name: shop\n---", "name: shop\nparent: till\n---", 1)
    assert [one.spec.name for one in people.members(estate_of(text), SHOP)] == ["ann", "bob", "zoe"]


# --- acts -------------------------------------------------------------------------------------


def test_whoever_started_it_does_not_approve_it_by_any_of_their_names(world: Simulation) -> None:
    begun(world, gate(gate_settings.Approval(1, SHOP)))
    for name in ("ann", "person/ann", "ann@shop.example"):
        with pytest.raises(RefusedError, match="somebody else must approve") as caught:
            act(world, "approve", name)
        assert caught.value.fix == "who can: person/bob, person/zoe"
    assert world.store.approvals.of("r1") == ()


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("eve", "may not approve gate g: not of team/shop"),
        ("bob", "may not approve gate g: of level P4, and P5 or above is asked for"),
        ("mallory", "the estate has no person called 'mallory'"),
        ("", "the estate has no person called ''"),
    ],
)
def test_whoever_may_not_is_told_why_and_who_can(world: Simulation, who: str, words: str) -> None:
    begun(world, gate(gate_settings.Approval(1, Group(("team/shop",), "P5"))))
    with pytest.raises(RefusedError) as caught:
        act(world, "approve", who)
    assert words in caught.value.message
    assert "person/zoe" in caught.value.fix or "TELFORD_WHO" in caught.value.fix


def test_a_name_of_two_people_is_nobody(world: Simulation) -> None:
    begun(world, gate(gate_settings.Approval(1)))
    text = PEOPLE + "---\n" + person("rob", "handles: {chat: bobby}\n").removesuffix("---\n")
    with pytest.raises(RefusedError, match="may be any of person/bob, person/rob"):
        gating.act(world.store, estate_of(text), world.row(), "approve", who="bobby", reason="x")


def test_an_approval_opens_the_gate_once_and_stands_in_the_audit_log(world: Simulation) -> None:
    begun(world, gate(gate_settings.Approval(1, SHOP)))
    first = act(world, "approve", "bobby")
    assert act(world, "approve", "bobby") == first
    assert (first.person, first.level) == ("person/bob", "P4")
    assert len(world.store.approvals.of("r1")) == 1
    record = world.store.audit.tail(subject="release/r1", limit=1)[0]
    assert (record.who, record.verb) == ("bobby", "approved a gate")
    assert record.detail == {
        "gate": "g", "person": "person/bob", "level": "P4", "step": 0, "reason": "checked",
    }  # fmt: skip
    assert world.store.audit.verify() == ""
    page = gating.look(world.store, estate_of(), world.row(), "zoe", world.clock.now())
    assert page.cards[0].open
    assert page.closed == ()


def test_a_refusal_is_taken_back_by_who_gave_it(world: Simulation) -> None:
    begun(world, gate(gate_settings.Approval(1, SHOP)))
    act(world, "approve", "bob")
    act(world, "refuse", "zoe", "too late")
    with pytest.raises(RefusedError, match="no gate that you could withdraw"):
        act(world, "withdraw", "eve")
    page = gating.look(world.store, estate_of(), world.row(), "zoe", world.clock.now())
    assert page.closed[0].why == "refused by zoe: too late"
    act(world, "withdraw", "zoe", "")
    assert world.run().phase == "promoted"


def test_an_override_is_for_those_whom_the_gate_names(world: Simulation) -> None:
    never = gate_settings.Soak(1e9)
    begun(world, gate(never, "start", Group(("person/eve",))))
    with pytest.raises(RefusedError, match="not of person/eve") as caught:
        act(world, "override", "zoe")
    assert caught.value.fix == "who can: person/eve"
    with pytest.raises(UsageError, match="say why"):
        act(world, "override", "eve", " ")
    act(world, "override", "eve", "an outage")
    assert world.run().phase == "promoted"


def test_a_gate_without_override_takes_none(world: Simulation) -> None:
    begun(world, gate(gate_settings.Soak(1e9), "start"))
    with pytest.raises(RefusedError, match="takes no override"):
        act(world, "override", "eve", "an outage", "g")


def test_a_change_record_is_named_by_its_id(world: Simulation) -> None:
    begun(world, gate(gate_settings.Record(r"CHG-\d+")))
    with pytest.raises(RefusedError, match="holds no id"):
        act(world, "approve", "ann", "trust me")
    act(world, "approve", "ann", "CHG-12: the new till")
    assert world.run().phase == "promoted"


def test_a_gate_must_be_named_where_several_could_be_meant(world: Simulation) -> None:
    two = dataclasses.replace(gate(gate_settings.Approval(1)), name="h")
    begun(world, gate(gate_settings.Approval(1)), two)
    with pytest.raises(UsageError) as caught:
        act(world, "approve", "bob")
    assert caught.value.fix == "--gate g or h"
    with pytest.raises(UsageError, match="no gate 'x'"):
        act(world, "approve", "bob", name="x")
    act(world, "approve", "bob", name="h")


def test_what_is_over_takes_no_more(world: Simulation) -> None:
    begun(world, gate(gate_settings.Soak(1.0), "start", Group()))
    world.until("starting")
    with pytest.raises(RefusedError, match="about the start"):
        act(world, "override", "eve", "late")
    world.run()
    with pytest.raises(RefusedError, match="r1 is over"):
        act(world, "override", "eve", "late")
