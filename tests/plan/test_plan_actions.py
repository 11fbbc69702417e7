"""A plan from three sides: what was written, what is wanted, what lies there."""

import pytest

from telford.plan import actions
from telford.plan.actions import Entry, Inventory, Verb


def entry(path: str, digest: str, place: str = "prod") -> Entry:
    return Entry(path, digest, f"key-{digest}", "service/shop.orders", "kubernetes", place)


def planned(
    last: dict[str, str],
    wanted: dict[str, str],
    seen: dict[str, str],
    *,
    force: bool = False,
    pending: dict[str, str] | None = None,
) -> dict[str, Verb]:
    inventory = Inventory({p: entry(p, d) for p, d in last.items()}, 3, pending or {})
    plan = actions.plan(
        inventory,
        [entry(p, d) for p, d in wanted.items()],
        seen,
        in_scope=lambda _: True,
        force=force,
    )
    return {action.path: action.verb for action in plan.actions}


@pytest.mark.parametrize(
    ("last", "wanted", "seen", "verb"),
    [
        ("", "new", "", Verb.CREATE),
        ("", "new", "new", Verb.UNCHANGED),
        ("", "new", "theirs", Verb.EDITED),
        ("old", "old", "old", Verb.UNCHANGED),
        ("old", "new", "old", Verb.CHANGE),
        ("old", "new", "new", Verb.UNCHANGED),
        ("old", "new", "", Verb.CREATE),
        ("old", "new", "edited", Verb.EDITED),
        ("old", "old", "edited", Verb.EDITED),
        ("old", "", "old", Verb.DELETE),
        ("old", "", "edited", Verb.EDITED),
        ("old", "", "", Verb.FORGET),
    ],
)
def test_one_file_from_three_sides(last: str, wanted: str, seen: str, verb: Verb):
    sides = [{"f": digest} if digest else {} for digest in (last, wanted, seen)]
    assert planned(*sides) == {"f": verb}


def test_force_overwrites_and_deletes_what_was_edited():
    assert planned({"f": "old"}, {"f": "new"}, {"f": "edited"}, force=True) == {"f": Verb.CHANGE}
    assert planned({"f": "old"}, {}, {"f": "edited"}, force=True) == {"f": Verb.DELETE}


def test_what_a_killed_build_had_begun_to_write_is_ours():
    assert planned({}, {"f": "newer"}, {"f": "new"}, pending={"f": "new"}) == {"f": Verb.CHANGE}


def test_what_is_out_of_scope_stays():
    last = Inventory({"dev/f": entry("dev/f", "old", "dev"), "f": entry("f", "old")})
    plan = actions.plan(
        last, [], {"dev/f": "old", "f": "old"}, in_scope=lambda e: e.place == "prod"
    )
    assert [(a.path, a.verb) for a in plan.actions] == [("f", Verb.DELETE)]


def test_a_file_that_the_inventory_does_not_own_is_never_named_for_deletion():
    assert planned({}, {}, {"theirs": "x"}) == {}


def test_a_plan_names_its_parent_and_the_next_generation():
    last = Inventory({"f": entry("f", "old")}, 7)
    plan = actions.plan(last, [entry("f", "new")], {"f": "old"}, in_scope=lambda _: True)
    assert (plan.parent, plan.generation) == (last.digest, 8)
    assert plan.changes
    assert plan.counts()["change"] == 1


def test_equal_plans_have_equal_digests_and_others_do_not():
    last = Inventory({"f": entry("f", "old")})
    one, two, other = (
        actions.plan(last, [entry("f", d)], {"f": "old"}, in_scope=lambda _: True).digest
        for d in ("new", "new", "newer")
    )
    assert one == two != other


def test_the_inventory_afterwards_owns_what_was_written_and_still_knows_what_was_edited():
    last = Inventory({p: entry(p, "old") for p in ("changed", "edited", "gone")}, 1)
    wanted = [entry("changed", "new"), entry("edited", "new"), entry("made", "new")]
    seen = {"changed": "old", "edited": "by hand", "gone": "old"}
    plan = actions.plan(last, wanted, seen, in_scope=lambda _: True)
    after = actions.after(last, plan, wanted)
    assert {p: e.digest for p, e in after.entries.items()} == {
        "changed": "new",
        "edited": "old",
        "made": "new",
    }
    assert after.generation == 2
