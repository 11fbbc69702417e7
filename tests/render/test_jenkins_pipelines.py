"""The shared library of Jenkins parses, keeps no secret, and bounds every stage."""

import pathlib
import re
import subprocess

import delivered
import pytest

import optional

_ESTATE = "organisation"


def _groovy() -> dict[str, str]:
    return {
        path: text
        for path, text in delivered.files("jenkins", _ESTATE).items()
        if path.endswith((".groovy", "Jenkinsfile"))
    }


# Each breaks a file in its own way: the parser must see both.
_BROKEN = (("agent none", "agent none {"), ("'", '"""'))


def _odd() -> str:
    """The Jenkinsfile of a service whose build argument is full of Groovy."""
    text = delivered.service("odd").replace(
        "1.0.0}", '1.0.0, build: {args: {A: "it\'s ${1 + 1} \\\\ "}}}'
    )
    pins = (optional.REPOSITORY / "examples/organisation/estate/pins.yaml").read_text()
    known = delivered.estate(delivered.ROAD, pins.replace("team/platform", "team/us"), text)
    found = {unit.path: unit.make() for unit in delivered.rendered("jenkins", known).units}
    return found["jenkins/services/shop.odd/Jenkinsfile"]


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """File -> whether the parser refuses it: all files in one run, since a JVM starts slowly."""
    folder: pathlib.Path = tmp_path_factory.mktemp("groovy")
    library = _groovy()["vars/telfordService.groovy"]
    files = {**_groovy(), "odd": _odd()}
    files |= {f"broken{n}": library.replace(old, new, 1) for n, (old, new) in enumerate(_BROKEN)}
    paths = {name: folder / f"file{number}.groovy" for number, name in enumerate(files)}
    for name, path in paths.items():
        path.write_text(files[name], encoding="utf-8")
    command = [optional.require_tool("groovy-parse"), *map(str, paths.values())]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 1
    return {name: f"{path}: startup failed" in result.stderr for name, path in paths.items()}


@pytest.mark.proves(
    "jenkins",
    tool="Groovy's own parser",
    shows="the shared library and every Jenkinsfile of an estate are Groovy",
)
def test_every_file_is_groovy(refused: dict[str, bool]):
    assert len(_groovy()) == 6
    assert not any(refused[name] for name in _groovy())


def test_a_broken_file_is_refused(refused: dict[str, bool]):
    assert all(refused[f"broken{number}"] for number in range(len(_BROKEN)))


def test_a_word_of_the_estate_is_no_groovy(refused: dict[str, bool]):
    """A quote or an expression in a build argument stays a text."""
    assert r"buildArgs: 'A=it\'s ${1 + 1} \\ '," in _odd()
    assert not refused["odd"]


def _blocks(text: str, head: str) -> list[str]:
    """The bodies of blocks that begin with a line, up to the brace that closes them."""
    found = []
    for start in re.finditer(rf"^( *){head}", text, re.MULTILINE):
        end = text.index(f"\n{start[1]}}}", start.end())
        found.append(text[start.end() : end])
    return found


@pytest.mark.parametrize("name", ["telfordService", "telfordEstate"])
def test_every_stage_that_runs_something_has_a_limit(name: str):
    text = _groovy()[f"vars/{name}.groovy"]
    stages = _blocks(text, r"stage\('[^']+'\) \{")
    running = [stage for stage in stages if "steps {" in stage and "parallel {" not in stage]
    assert len(running) >= 3
    assert all("timeout(time:" in stage for stage in running)


def test_every_image_is_named_by_digest():
    for text in _groovy().values():
        for image in re.findall(r"^ *(?:image|toolchain:) (['\"].*?['\"]),?$", text, re.MULTILINE):
            assert "@sha256:" in image or image == '"${service.toolchain}"'


def test_what_is_secret_comes_by_the_id_of_a_credential():
    text = _groovy()["vars/telfordService.groovy"]
    for secret in ("REGISTRY_PASSWORD", "SIGSTORE_ID_TOKEN", "TELFORD_STORE"):
        lines = [line for line in text.splitlines() if secret in line]
        assert lines
        assert all("Variable:" in line or "variable:" in line for line in lines)


def test_production_waits_for_a_person_and_places_come_in_their_order():
    text = _groovy()["vars/telfordService.groovy"]
    titles = re.findall(r"stage\('((?:Promote|Approve)[^']+)'\)", text)
    assert titles[:4] == [
        "Promote to dev",
        "Promote to staging/eu-west-1",
        "Approve prod",
        "Promote to prod/eu-west-1/passengers",
    ]
