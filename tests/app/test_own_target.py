"""Targets of other packages: the guide's own example works, and what cannot be used is said."""

import pathlib
import re
import shutil
import tomllib

import pytest

import optional
from telford import plugin
from telford.app import build
from telford.app.desires import Scope
from telford.backends.cache import FileCache
from telford.basics.errors import PermanentError, UsageError
from telford.cli import main
from telford.render import registry

GUIDE = (optional.REPOSITORY / "docs" / "guides" / "own-target.md").read_text(encoding="utf-8")
SHOP = optional.REPOSITORY / "examples" / "shop" / "estate"


def block(language: str) -> str:
    """The first block of a language in the guide."""
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def packages(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """A folder of installed packages."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def install(packages: pathlib.Path, project: str, points: dict[str, str], **modules: str) -> None:
    """What installing a package leaves: its modules, and what it offers."""
    for name, text in modules.items():
        (packages / f"{name}.py").write_text(text, encoding="utf-8")
    info = packages / f"{project.replace('-', '_')}-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project}\nVersion: 1.0.0\n")
    rows = "".join(f"{name} = {value}\n" for name, value in points.items())
    (info / "entry_points.txt").write_text(f"[telford.targets]\n{rows}")


@pytest.fixture
def guide(packages: pathlib.Path) -> pathlib.Path:
    """The guide's package, installed."""
    project = tomllib.loads(block("toml"))["project"]
    points = project["entry-points"]["telford.targets"]
    install(packages, project["name"], points, example_inventory=block("python"))
    return packages


NAME = "example.inventory"


def test_the_guides_target_makes_what_the_guide_shows(guide: pathlib.Path, tmp_path: pathlib.Path):
    proposal = build.build(SHOP, tmp_path / "deploy", Scope((NAME,)))
    assert proposal.ok
    made = (tmp_path / "deploy" / NAME / "prod" / "eu-west-1" / "services.csv").read_text()
    shown = block("csv").splitlines()
    assert made.splitlines()[: len(shown)] == shown
    assert len(made.splitlines()) > 3
    assert {entry.target for entry in proposal.wanted.entries.values()} == {NAME}


def test_an_estate_may_name_it_and_the_road_knows_it(guide: pathlib.Path, tmp_path: pathlib.Path):
    """Beside ours; `check` finds nothing wrong with the name, and loads nothing."""
    shutil.copytree(SHOP, tmp_path / "estate")
    (tmp_path / "estate" / "road.yaml").write_text(
        "apiVersion: telford/v1\nkind: Architecture\nname: shop\nowner: team/platform\n"
        f"targets: [openslo, {NAME}]\n"
    )
    assert main.run(["check", str(tmp_path / "estate")]) == 0
    proposal = build.build(tmp_path / "estate", tmp_path / "deploy")
    assert {e.target for e in proposal.wanted.entries.values()} == {"openslo", NAME}


def test_a_package_that_changed_is_asked_again(guide: pathlib.Path, tmp_path: pathlib.Path):
    """Nothing that it made before is recalled, though the estate is the same."""
    cache, out = FileCache(tmp_path / "cache"), tmp_path / "deploy"
    for _ in range(2):
        first = build.build(SHOP, out, Scope((NAME,)), cache=cache)
        assert first.wanted.text is not None
    assert not first.plan.changes


def test_what_it_says_of_the_estate_stands_at_its_line(guide: pathlib.Path, tmp_path: pathlib.Path):
    shutil.copytree(SHOP, tmp_path / "estate")
    path = tmp_path / "estate" / "orders.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(image: \S+/orders):\S+", r"\1", text), encoding="utf-8")
    proposal = build.build(tmp_path / "estate", tmp_path / "deploy", Scope((NAME,)))
    said = [one for one in proposal.diagnostics if one.code == "EXAMPLE001"]
    assert {one.address for one in said} == {"service/shop.orders"}
    assert said[0].position is not None
    line = path.read_text(encoding="utf-8").splitlines()[said[0].position.line - 1]
    assert "image:" in line


GOOD = block("python")
BAD = {
    "fails to import": ("raise OSError('no licence')", "cannot be loaded: OSError: no licence"),
    "is not there": ("x = 1", "cannot be loaded: AttributeError"),
    "is no plugin": ("PLUGIN = {}", "is no telford.plugin.Plugin"),
    "is of another version": (
        GOOD.replace("version=1", "version=2"),
        "written for version 2 of telford.plugin, and this is version 1",
    ),
    "has another name": (
        GOOD.replace("plugin.Target(NAME,", "plugin.Target('example.other',"),
        "calls itself example.other",
    ),
    "needs what is not ours": (
        GOOD.replace("place=_place", "place=_place, needs=('example.other',)"),
        "needs target example.other",
    ),
    "writes elsewhere": (
        GOOD.replace('path = f"{NAME}/', 'path = f"kubernetes/'),
        "wants to write kubernetes/",
    ),
    "climbs out": (
        GOOD.replace('path = f"{NAME}/', 'path = f"{NAME}/../../'),
        "wants to write example.inventory/../../",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_package_that_cannot_be_used_is_named(
    case: str, packages: pathlib.Path, tmp_path: pathlib.Path
):
    text, said = BAD[case]
    module = "own_" + case.replace(" ", "_")
    install(packages, "example-inventory", {NAME: f"{module}:PLUGIN"}, **{module: text})
    with pytest.raises(UsageError) as raised:
        build.build(SHOP, tmp_path / "deploy", Scope((NAME,)))
    assert said in str(raised.value)
    assert "example-inventory" in str(raised.value)
    assert raised.value.fix
    assert not list((tmp_path / "deploy").rglob("*.csv"))


def test_a_target_that_fails_is_named_and_nothing_is_written(
    packages: pathlib.Path, tmp_path: pathlib.Path
):
    broken = GOOD.replace("    said = []\n", "    said = [][1]\n")
    install(packages, "example-inventory", {NAME: "own_broken:PLUGIN"}, own_broken=broken)
    with pytest.raises(PermanentError, match=r"package example-inventory fails .*IndexError"):
        build.build(SHOP, tmp_path / "deploy", Scope((NAME,)))


def test_two_packages_that_offer_the_same_are_both_named(
    guide: pathlib.Path, tmp_path: pathlib.Path
):
    install(guide, "other-inventory", {NAME: "example_inventory:PLUGIN"})
    with pytest.raises(UsageError, match="example-inventory, other-inventory"):
        build.build(SHOP, tmp_path / "deploy", Scope((NAME,)))


def test_a_name_of_ours_is_ours_whatever_a_package_offers(
    packages: pathlib.Path, tmp_path: pathlib.Path
):
    """A third party's name has a dot, so the one without never loads a package."""
    install(packages, "thief", {"openslo": "own_thief:PLUGIN"}, own_thief="raise OSError")
    assert build.build(SHOP, tmp_path / "deploy", Scope(("openslo",))).ok
    assert not [name for name in registry.BY_NAME if "." in name]


def test_a_name_without_an_owner_is_refused(packages: pathlib.Path, tmp_path: pathlib.Path):
    install(packages, "thief", {"inventory": "own_thief:PLUGIN"}, own_thief="raise OSError")
    with pytest.raises(UsageError, match="package thief has no owner in its name") as raised:
        build.build(SHOP, tmp_path / "deploy", Scope(("inventory",)))
    assert "OWNER.inventory" in (raised.value.fix or "")


@pytest.mark.parametrize(
    ("name", "said"),
    [("inventory", "there is no target inventory"), ("example.x", "no installed package offers")],
)
def test_a_target_that_nobody_offers_is_said_with_those_that_are(
    name: str, said: str, guide: pathlib.Path, tmp_path: pathlib.Path
):
    with pytest.raises(UsageError, match=said) as raised:
        build.build(SHOP, tmp_path / "deploy", Scope((name,)))
    assert NAME in (raised.value.fix or "")


def test_what_is_kept_stable_is_complete():
    public = {name for name in vars(plugin) if not name.startswith("_")} - {"dataclass"}
    assert sorted(public) == sorted(plugin.__all__)
