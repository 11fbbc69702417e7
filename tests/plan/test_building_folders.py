"""A build writes only what changed, removes only what it wrote, and halves nothing."""

import json
import os
import pathlib
from collections import Counter

import pytest

from telford.app import build, building, planning
from telford.app.building import Proposal
from telford.app.desires import Scope
from telford.backends import output
from telford.backends.cache import FileCache
from telford.basics.errors import RefusedError, TemporaryError, UsageError
from telford.plan.actions import Verb

ESTATE = """\
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Environment
name: dev
order: 1
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 2
regions: [eu]
---
apiVersion: telford/v1
kind: Region
name: eu
---
apiVersion: telford/v1
kind: Service
name: orders
owner: team/shop
run: {image: "orders:1.0.0"}
---
apiVersion: telford/v1
kind: Service
name: web
owner: team/shop
run: {image: "web:1.0.0"}
"""
ORDERS, WEB = "kubernetes/dev/orders.yaml", "kubernetes/dev/web.yaml"


class Place:
    """An estate's folder, an output folder and a cache."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.estate = folder / "estate"
        self.out = folder / "out"
        self.cache = FileCache(folder / "cache")
        self.estate.mkdir()
        self.write(ESTATE)

    def write(self, text: str) -> None:
        (self.estate / "estate.yaml").write_text(text)

    def build(
        self, scope: Scope | None = None, *, force: bool = False, cached: bool = True
    ) -> Proposal:
        cache = self.cache if cached else None
        return build.build(self.estate, self.out, scope, force=force, cache=cache)

    def files(self) -> dict[str, int]:
        """Every file -> when it was last written."""
        return {
            p.relative_to(self.out).as_posix(): p.stat().st_mtime_ns
            for p in self.out.rglob("*")
            if p.is_file()
        }


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    return Place(tmp_path)


def _counts(proposal: Proposal) -> dict[str, int]:
    """What is to be done with the files of services: what else a place needs is the targets' thing."""
    actions = [a for a in proposal.plan.actions if a.owner.startswith("service/")]
    found = Counter(action.verb.value for action in actions)
    return dict(found)


def test_the_second_build_writes_nothing(place: Place):
    assert _counts(place.build()) == {"create": 4}
    before = place.files()
    assert _counts(place.build()) == {"unchanged": 4}
    assert _counts(place.build(cached=False)) == {"unchanged": 4}
    assert place.files() == before


def test_one_changed_service_changes_its_files_alone(place: Place):
    place.build()
    before = place.files()
    place.write(ESTATE.replace("orders:1.0.0", "orders:2.0.0"))
    assert _counts(place.build()) == {"change": 2, "unchanged": 2}
    after = place.files()
    assert {path for path in before if before[path] != after[path]} == {
        ORDERS,
        "kubernetes/prod/eu/orders.yaml",
        output.INVENTORY,
    }


def test_a_removed_service_is_removed_and_a_foreign_file_stays(place: Place):
    place.build()
    foreign = place.out / "kubernetes" / "dev" / "mine.yaml"
    foreign.write_text("mine: true\n")
    place.write(ESTATE.partition("---\napiVersion: telford/v1\nkind: Service\nname: web")[0])
    assert _counts(place.build()) == {"delete": 2, "unchanged": 2}
    assert foreign.exists()
    assert not (place.out / WEB).exists()


def test_an_edited_file_is_left_alone_until_force(place: Place):
    place.build()
    (place.out / ORDERS).write_text("edited: true\n")
    place.write(ESTATE.replace("1.0.0", "2.0.0"))
    proposal = place.build()
    assert _counts(proposal) == {"change": 3, "edited": 1}
    assert [d.code for d in proposal.diagnostics] == ["TEL520"]
    assert (place.out / ORDERS).read_text() == "edited: true\n"
    assert _counts(place.build(force=True)) == {"change": 1, "unchanged": 3}
    assert "orders:2.0.0" in (place.out / ORDERS).read_text()


def test_with_an_error_in_the_estate_nothing_is_written(place: Place):
    place.build()
    before = place.files()
    place.write(ESTATE.replace("1.0.0", "2.0.0") + "colour: red\n")
    proposal = place.build()
    assert not proposal.ok
    assert proposal.plan.actions == ()
    assert place.files() == before
    with pytest.raises(RefusedError):
        building.carry_out(proposal)


def test_an_error_that_only_a_target_finds_stops_the_build_too(place: Place):
    place.write(ESTATE + "type: cron\n")
    proposal = place.build()
    assert [d.code for d in proposal.diagnostics if d.severity == "error"]
    assert not place.out.exists()


def test_a_part_is_built_and_the_rest_stays(place: Place):
    place.build()
    place.write(ESTATE.replace("1.0.0", "2.0.0"))
    assert _counts(place.build(Scope(place="prod"))) == {"change": 2}
    assert "1.0.0" in (place.out / ORDERS).read_text()
    assert _counts(place.build(Scope(targets=("prometheus",)))) == {}
    assert _counts(place.build(Scope(place="dev"))) == {"change": 2}


@pytest.mark.parametrize("scope", [Scope(place="pord"), Scope(targets=("nomad",))])
def test_an_unknown_place_or_target_says_which_there_are(place: Place, scope: Scope):
    with pytest.raises(UsageError) as caught:
        place.build(scope)
    assert "prod/eu" in caught.value.fix or "kubernetes" in caught.value.fix


def test_a_killed_build_is_finished_by_the_next_one(place: Place, monkeypatch: pytest.MonkeyPatch):
    """Killed after the files, before the inventory; then the estate changes again."""
    place.build()
    place.write(ESTATE.replace("1.0.0", "2.0.0"))
    keep = output.keep_inventory

    def dies(folder: pathlib.Path, kept: output.Inventory) -> None:
        if not kept.pending:
            raise KeyboardInterrupt
        keep(folder, kept)

    with monkeypatch.context() as patch:
        patch.setattr(output, "keep_inventory", dies)
        with pytest.raises(KeyboardInterrupt):
            place.build()
    place.write(ESTATE.replace("1.0.0", "3.0.0"))
    assert _counts(place.build()) == {"change": 4}
    assert "orders:3.0.0" in (place.out / ORDERS).read_text()


def test_each_file_names_the_state_of_the_estate_that_it_was_last_written_for(place: Place):
    first = place.build().estate
    place.write(ESTATE.replace("orders:1.0.0", "orders:2.0.0"))
    second = place.build().estate
    assert len({first, second, ""}) == 3
    kept = {path: entry.estate for path, entry in output.inventory(place.out).entries.items()}
    assert (kept[ORDERS], kept[WEB]) == (second, first)
    before = place.files()
    place.write(ESTATE.replace("orders:1.0.0", "orders:2.0.0") + "# a comment\n")
    assert place.build().estate not in (first, second)
    # A file is not written again because something else in the estate is another.
    assert place.files() == before


def test_a_stale_plan_is_refused(place: Place):
    stale = planning.plan(place.estate, place.out)
    place.build()
    with pytest.raises(RefusedError, match="since this plan was made"):
        building.carry_out(stale)


def test_two_builds_at_once_are_one_too_many(place: Place):
    with output.locked(place.out), pytest.raises(TemporaryError):
        place.build()


def test_a_link_in_the_way_is_not_followed(place: Place, tmp_path: pathlib.Path):
    place.build()
    outside = tmp_path / "outside.yaml"
    outside.write_text("precious\n")
    (place.out / ORDERS).unlink()
    (place.out / ORDERS).symlink_to(outside)
    place.write(ESTATE.replace("1.0.0", "2.0.0"))
    assert Verb.EDITED in {a.verb for a in place.build().plan.actions if a.path == ORDERS}
    place.build(force=True)
    assert outside.read_text() == "precious\n"


def test_a_folder_that_is_a_link_out_is_refused(place: Place, tmp_path: pathlib.Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.out.mkdir()
    (place.out / "kubernetes").symlink_to(elsewhere)
    with pytest.raises(RefusedError):
        place.build()
    assert list(elsewhere.iterdir()) == []


def test_an_inventory_of_another_kind_is_refused_and_not_ignored(place: Place):
    place.build()
    (place.out / output.INVENTORY).write_text(json.dumps({"version": 99}))
    with pytest.raises(RefusedError):
        place.build()


def test_a_plan_writes_nothing_and_tells_what_would_change(place: Place):
    place.build()
    before = place.files()
    place.write(ESTATE.replace("orders:1.0.0", "orders:2.0.0"))
    proposal = planning.plan(place.estate, place.out, Scope(place="dev"))
    (detail,) = planning.details(proposal, diff=True)
    assert detail.action.owner == "service/orders"
    image = next(c for c in detail.fields if c.path.endswith("image"))
    assert (image.old, image.new) == ("orders:1.0.0", "orders:2.0.0")
    assert "+        image: orders:2.0.0" in detail.diff
    assert place.files() == before


def test_no_file_is_left_over_when_the_disk_says_no(place: Place):
    if os.geteuid() == 0:
        pytest.skip("root writes anywhere")
    place.out.mkdir(mode=0o500)
    with pytest.raises(Exception, match="cannot be"):
        place.build()
