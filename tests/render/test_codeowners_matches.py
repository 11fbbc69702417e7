"""An independent matcher of CODEOWNERS names the owners that the estate names, for every file."""

import pathlib

import pytest
import rendered
import target_estates
from codeowners import CodeOwners

import optional
from telford.app import loading
from telford.estate import overlays
from telford.estate.model import Entity, Estate
from telford.intake import codeowners as reader
from telford.intake import names
from telford.intake.format import Sources
from telford.intake.imported import Imported, Options
from telford.render import registry

# Estate -> the host whose handles count, and where the repository has the estate.
FOLDERS = {"shop": "estate/", "boutique": "estate/", "organisation": "estate/"}
BUILT = ("boutique", "organisation")


def voice(estate: Estate, owner: str) -> str:
    """How an owner is asked; "" where it cannot be."""
    entity = estate.entities.get(owner)
    if entity is None:
        return ""
    handle = entity.spec.handles.get("github", "")
    return f"@{handle}" if handle else entity.spec.email or ""


def answers(entity: Entity) -> str:
    """Who answers for what a document says, in the words of this test."""
    kind, address = entity.address.kind, str(entity.address)
    if kind == "person" and entity.spec.team:
        return f"team/{entity.spec.team}"
    return address if kind in ("team", "person") else entity.spec.owner or ""


def matcher(name: str) -> CodeOwners:
    (artifact,) = target_estates.artifacts("codeowners", name)
    return CodeOwners(artifact.text)


def asked(found: CodeOwners, path: str) -> set[str]:
    return {owner for _, owner in found.of(path)}


def files(name: str) -> dict[str, set[str]]:
    """File of an example, as its repository has it -> the owners of what stands in it."""
    estate, found = target_estates.estate(name), dict[str, set[str]]()
    root = optional.REPOSITORY / "examples" / name / "estate"
    for entity in estate.entities.values():
        inside = pathlib.Path(entity.file).relative_to(root).as_posix()
        path = f"{FOLDERS[name]}{inside}"
        found.setdefault(path, set()).add(voice(estate, answers(entity)))
    return {path: voices - {""} for path, voices in found.items()}


@pytest.mark.proves(
    "codeowners",
    tool="codeowners (PyPI)",
    shows="every file of three estates is owned by those who own what stands in it",
)
@pytest.mark.parametrize("name", target_estates.EXAMPLES)
def test_every_file_of_an_estate_has_the_owners_that_the_estate_names(name: str):
    found = matcher(name)
    expected = {path: voices for path, voices in files(name).items() if voices}
    assert len(expected) >= 5
    assert {path: asked(found, path) for path in expected} == expected


@pytest.mark.proves(
    "codeowners",
    tool="codeowners (PyPI)",
    shows="every file that every target makes of two estates is owned by the owner of its cause",
)
@pytest.mark.parametrize("name", BUILT)
def test_every_generated_file_has_the_owner_of_what_it_is_made_of(name: str):
    found, estate = matcher(name), target_estates.estate(name)
    # One place is enough: paths differ in the name of the place alone.
    places = overlays.places(estate)[-1:]
    count = 0
    for target in registry.BY_NAME:
        for unit in target_estates.of(target, estate, places).units:
            owner = voice(estate, answers(estate.entities[unit.owner]))
            if owner:
                assert asked(found, f"deploy/{unit.path}") == {owner}, unit.path
                count += 1
    assert count > 60


def test_a_changed_line_is_noticed():
    (artifact,) = target_estates.artifacts("codeowners", "boutique")
    broken = CodeOwners(artifact.text.replace("/deploy/**/boutique/cart.*", "/deploy/boutique/x.*"))
    path = "deploy/kubernetes/prod/europe-west1/boutique/cart.yaml"
    assert asked(matcher("boutique"), path) == {"@boutique/orders"} != asked(broken, path)


@pytest.mark.proves(
    "codeowners",
    tool="telford import (intake/codeowners)",
    shows="the owner of every file of three estates comes back",
)
@pytest.mark.parametrize("name", target_estates.EXAMPLES)
def test_the_owners_of_files_come_back(name: str):
    (artifact,) = target_estates.artifacts("codeowners", name)
    answer = reader.read(Sources({"CODEOWNERS": artifact.text}), Options())
    assert isinstance(answer, Imported)
    assert answer.diagnostics == ()
    for path, voices in files(name).items():
        told = {
            names.slug(v.rpartition("/")[2] if v[0] == "@" else v.split("@")[0]) for v in voices
        }
        owner = reader.owner_of(path, answer.ownership)
        if told:
            assert owner is not None
            assert owner[0] in told, path


def test_who_cannot_be_asked_is_said_once():
    text = "".join(rendered.service(name) for name in ("orders", "catalogue"))
    made = target_estates.of("codeowners", rendered.estate(text))
    (said,) = made.diagnostics
    assert made.units == ()
    assert (said.code, said.address) == ("TEL583", "team/shop")
    assert "github: ORGANISATION/TEAM" in said.fix


ODD = """\
apiVersion: telford/v1
kind: Team
name: odd
email: odd@shop.example
---
apiVersion: telford/v1
kind: Service
name: {name}
owner: team/odd
run: {{image: 'x:1'}}
"""


def test_names_of_files_with_signs_and_spaces_are_matched(tmp_path: pathlib.Path):
    folder = tmp_path / "estate"
    (folder / "a [b]").mkdir(parents=True)
    (folder / "a [b]" / "c d.yaml").write_text(ODD.format(name="orders"))
    (folder / "plain.yaml").write_text(ODD.format(name="plain").split("---\n")[1])
    estate = loading.load_folder(folder).estate
    (artifact,) = target_estates.of("codeowners", estate).artifacts()
    found = CodeOwners(artifact.text)
    assert asked(found, "a [b]/c d.yaml") == {"odd@shop.example"}
    assert asked(found, "a [b]/c e.yaml") == set()
