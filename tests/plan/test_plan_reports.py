"""A plan says what it means and why; what many things change by one cause is said once."""

import pathlib

import pytest

from telford.app import build, planning
from telford.app.desires import Scope
from telford.app.planning import Report
from telford.app.source_map import How

HEAD = """\
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
production: true
---
apiVersion: telford/v1
kind: Architecture
name: paved-road
owner: team/shop
version: 1.0.0
targets: [kubernetes]
defaults:
  security:
    runAsUser: 10001
"""
NAMES = ("alpha", "beta", "gamma", "delta", "epsilon")
SERVICE = """\
---
apiVersion: telford/v1
kind: Service
name: NAME
owner: team/shop
type: http
run:
  image: shop/NAME:1.0.0
  resources: {requests: {cpu: 100m}}
"""


class Place:
    """An estate of five services that is built, and what a plan says of an edit."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.estate, self.out = folder / "estate", folder / "out"
        self.estate.mkdir()
        self.files = {"road.yaml": HEAD}
        self.files |= {f"{name}.yaml": SERVICE.replace("NAME", name) for name in NAMES}
        self._write()
        build.build(self.estate, self.out)

    def _write(self) -> None:
        for path in self.estate.iterdir():
            path.unlink()
        for name, text in self.files.items():
            (self.estate / name).write_text(text)

    def report(self, file: str, old: str, new: str, place: str = "") -> Report:
        assert old in self.files[file]
        self.files[file] = self.files[file].replace(old, new)
        self._write()
        scope = Scope(place=place)
        proposal = planning.plan(self.estate, self.out, scope)
        assert proposal.ok, proposal.diagnostics
        return planning.report(proposal, self.estate, scope)


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    return Place(tmp_path)


def line(place: Place, file: str, text: str) -> int:
    lines = place.files[file].splitlines()
    return next(number for number, one in enumerate(lines, 1) if text in one)


def test_one_default_that_changes_everything_is_one_cause(place: Place):
    report = place.report("road.yaml", "runAsUser: 10001", "runAsUser: 10002")
    (shared,) = report.shared
    assert shared.addresses == tuple(sorted(f"service/{name}" for name in NAMES))
    assert (shared.cause.address, shared.cause.field) == (
        "architecture/paved-road",
        "defaults.security.runAsUser",
    )
    assert shared.cause.position.file.endswith("road.yaml")
    assert shared.cause.position.line == line(place, "road.yaml", "runAsUser")
    assert report.summary == {"restarts": len(NAMES)}
    assert report.alone == ()
    # Two places, and in both it is the same change of the same file.
    assert [count for _, count in shared.kinds] == [len(NAMES) * 2]


def test_a_context_that_was_not_there_before_is_one_cause_too(place: Place):
    report = place.report(
        "road.yaml",
        "    runAsUser: 10001\n",
        "    runAsUser: 10001\n  workload: {revisionHistory: 7}\n",
    )
    (shared,) = report.shared
    assert shared.cause.field == "defaults.workload.revisionHistory"
    assert report.summary == {"later": len(NAMES)}


def test_a_change_of_each_is_a_cause_of_each(place: Place):
    for name in NAMES:
        file = f"{name}.yaml"
        place.files[file] = place.files[file].replace(":1.0.0", ":1.1.0")
    report = place.report("alpha.yaml", "type: http", "type: http", place="prod")
    assert report.shared == ()
    for detail in report.details:
        name = detail.action.owner.partition("/")[2]
        assert detail.cause is not None
        assert (detail.cause.how, detail.cause.field) == (How.EXACT, "run.image")
        assert detail.cause.position.file.endswith(f"{name}.yaml")
        assert detail.cause.position.line == line(place, f"{name}.yaml", "image")


def test_a_new_thing_comes_from_its_document(place: Place):
    place.files["zeta.yaml"] = SERVICE.replace("NAME", "zeta")
    report = place.report("alpha.yaml", "type: http", "type: http", place="dev")
    made = [d for d in report.details if d.action.owner == "service/zeta"]
    assert made
    for detail in made:
        assert detail.cause is not None
        assert detail.cause.position.file.endswith("zeta.yaml")
        assert "starts" in [one.name for one in detail.meanings]


def test_a_thing_that_is_gone_has_no_line(place: Place):
    del place.files["beta.yaml"]
    report = place.report("alpha.yaml", "type: http", "type: http", place="dev")
    gone = [d for d in report.details if d.action.owner == "service/beta"]
    assert [d.cause for d in gone] == [None]
    assert report.means(["stops"])


def test_what_is_taken_out_is_of_its_document(place: Place):
    report = place.report("alpha.yaml", "  resources: {requests: {cpu: 100m}}\n", "", place="dev")
    (detail,) = [d for d in report.details if d.action.owner == "service/alpha"]
    assert detail.cause is not None
    # The road's own default stands there now.
    assert detail.cause.field == "resources.cpu"
    assert "shrinks" in [one.name for one in detail.meanings]


def test_a_sum_is_led_back_to_the_part_that_changed(place: Place):
    report = place.report("gamma.yaml", "cpu: 100m", "cpu: 9", place="prod")
    causes = {d.action.path: d.cause for d in report.details}
    assert len(causes) >= 1
    for cause in causes.values():
        assert cause is not None
        assert (cause.address, cause.field) == ("service/gamma", "run.resources.requests.cpu")


def test_nothing_is_looked_up_where_nothing_changes(place: Place):
    assert place.report("alpha.yaml", "type: http", "type: http") == Report((), ())
