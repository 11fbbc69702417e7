"""What every target makes of three estates, word for word: tests/golden/targets/TARGET/ESTATE.

The texts of one place, and of what is about no single place, are kept whole; those of the other
places by their digests (`DIGESTS`), so that a change anywhere is noticed and one place is read.
`TELFORD_GOLDENS=write` refreshes them; read the difference.
"""

import hashlib
import os
import pathlib
import shutil
from functools import cache

import pytest

import optional
from telford.app import loading, rendering
from telford.basics.diagnostics import Severity
from telford.estate import overlays
from telford.estate.model import Estate
from telford.render import artifacts, registry
from telford.render.artifacts import Rendering

GOLDEN = optional.REPOSITORY / "tests" / "golden" / "targets"
# Estate -> the place whose texts are kept whole.
READ = {
    "shop": "prod/eu-west-1",
    "boutique": "prod/europe-west1",
    "organisation": "prod/eu-west-1/passengers",
}
DIGESTS = "DIGESTS"
CASES = [(target.name, estate) for target in registry.TARGETS for estate in READ]


@cache
def _estate(name: str) -> Estate:
    loaded = loading.load_folder(optional.REPOSITORY / "examples" / name / "estate")
    assert not [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
    return loaded.estate


def _rendering(target: str, name: str) -> Rendering:
    estate = _estate(name)
    one = registry.BY_NAME[target]
    world = rendering.world(estate, overlays.places(estate), [one])
    return artifacts.joined([one.everywhere(world), *map(one.in_place, world.scenes)])


def _expected(target: str, name: str) -> dict[str, str]:
    """File name -> text; the digests of what is not kept whole are one more file."""
    kept, digests = {}, []
    for unit in _rendering(target, name).units:
        text = unit.make()
        if unit.place in ("", READ[name]):
            kept[unit.path.removeprefix(f"{target}/")] = text
        else:
            digests.append(f"{hashlib.sha256(text.encode()).hexdigest()[:16]}  {unit.path}\n")
    return {**kept, DIGESTS: "".join(digests)} if digests else kept


def _written(folder: pathlib.Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(("target", "name"), CASES, ids=lambda value: value)
def test_a_target_makes_the_golden_files_of_an_estate(target: str, name: str):
    made = _expected(target, name)
    folder = GOLDEN / target / name
    if os.environ.get("TELFORD_GOLDENS") == "write":
        shutil.rmtree(folder, ignore_errors=True)
        for path, text in made.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    assert made == _written(folder)


@pytest.mark.parametrize(("target", "name"), CASES, ids=lambda value: value)
def test_no_two_files_of_a_target_share_a_path_and_all_lie_in_its_folder(target: str, name: str):
    paths = [unit.path for unit in _rendering(target, name).units]
    assert len(paths) == len(set(paths))
    assert all(path.startswith(f"{target}/") for path in paths)
