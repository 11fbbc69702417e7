"""The planner of a running server proposes what a plan made from nothing proposes."""

import pathlib

import pytest

import estate_edits
from telford.app import build, building, planning
from telford.app.building import Proposal
from telford.app.desires import Scope
from telford.app.watching import Planner
from telford.plan.actions import Verb

EDITS = 4


def _said(proposal: Proposal) -> tuple[object, ...]:
    """What a plan would do, and all that is said; unchanged files are not listed by a planner."""
    changing = [one for one in proposal.plan.actions if one.verb is not Verb.UNCHANGED]
    texts = [
        proposal.wanted.text(one.path)
        for one in changing
        if one.after and proposal.wanted.text is not None
    ]
    return changing, texts, proposal.diagnostics, proposal.plan.parent, proposal.estate


@pytest.mark.parametrize("name", ["shop", "boutique"])
def test_a_planner_proposes_what_a_fresh_plan_proposes(name: str, tmp_path: pathlib.Path):
    """Edit after edit, some of which break the estate; in between one of them is built."""
    folder, out = tmp_path / "estate", tmp_path / "out"
    edits = estate_edits.Edits(name, folder)
    planner = Planner([folder], out)
    for number in range(EDITS):
        proposal = planner.plan()
        assert _said(proposal) == _said(planning.plan(folder, out))
        if number % 2 == 0 and proposal.ok:
            building.carry_out(proposal)
            assert not planner.plan().plan.changes
            assert not planning.plan(folder, out).plan.changes
        edits.make()


def test_a_planner_sees_a_removed_service_and_a_build_by_somebody_else(tmp_path: pathlib.Path):
    folder, out = tmp_path / "estate", tmp_path / "out"
    estate_edits.Edits("boutique", folder)
    scope = Scope(("kubernetes",))
    build.build(folder, out, scope)
    planner = Planner([folder], out, scope)
    assert not planner.plan().plan.changes
    services = folder / "services.yaml"
    text = services.read_text(encoding="utf-8")
    services.write_text(text.replace(":0.10.3", ":0.10.4"), encoding="utf-8")
    assert planner.plan().plan.of(Verb.CHANGE)
    build.build(folder, out, scope)
    assert not planner.plan().plan.changes
    whole = (folder / "places.yaml").read_text(encoding="utf-8")
    (folder / "places.yaml").write_text(
        whole.replace("regions: [europe-west1]\n", "regions: []\n"), encoding="utf-8"
    )
    verbs = {action.verb for action in planner.plan().plan.actions}
    assert {Verb.CREATE, Verb.DELETE} <= verbs
