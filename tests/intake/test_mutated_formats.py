"""10,000 damaged documents over all formats: diagnostics, and never anything else."""

import os
import pathlib
import random

import mutations
import pytest

import optional
from telford.basics.diagnostics import Severity
from telford.estate import loading
from telford.intake import emission, formats, joining, routing
from telford.intake.format import Needs, Sources
from telford.intake.imported import Imported, Options, Status
from telford.rules import registry

HERE = pathlib.Path(__file__).resolve().parent
# Where each format's samples are; the real estates stand in for what they are written in.
FOLDERS = {
    "kubernetes": HERE.parent / "golden" / "import-harbour" / "manifests",
    "backstage": HERE / "samples" / "backstage",
    "score": HERE / "samples" / "score",
    "openslo": HERE / "samples" / "openslo",
    "sloth": HERE / "samples" / "sloth",
    "pyrra": HERE / "samples" / "pyrra",
    "openapi": HERE / "samples" / "openapi",
    "asyncapi": HERE / "samples" / "asyncapi",
    "codeowners": HERE / "samples",
}
REAL = {"compose": ("awesome-compose", "retail-store", "sock-shop/deploy/docker-compose")}
# All of them together; each format gets its share.
COUNT = int(os.environ.get("TELFORD_MUTATIONS", "10000"))
# Larger files are only slower.
LARGEST = 20_000
# How many of the damaged estates are loaded and judged as well.
JUDGED = int(os.environ.get("TELFORD_JUDGED", "10"))


def samples(name: str) -> dict[str, str]:
    folders = [FOLDERS[name]] if name in FOLDERS else []
    if name in REAL:
        folders += [optional.real_estates() / folder for folder in REAL[name]]
    one = next(one for one in formats.FORMATS if one.name == name)
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            known = path.name.endswith(one.suffixes) or path.name in one.names
            if path.is_file() and known and path.stat().st_size < LARGEST:
                text = path.read_text("utf-8")
                if one.claims(path.name, text):
                    found[path.relative_to(folder).as_posix()] = text
    return found


def read(path: str, text: str) -> Imported:
    """One file through the door, every wish of its readers refused."""
    options = Options(fallback="damaged")
    routed = routing.route({path: text}, formats.FORMATS)
    parts = []
    for one in formats.FORMATS:
        sources = Sources(routed.of(one))
        if not sources.texts:
            continue
        for _ in range(50):
            answer = one.read(sources, options)
            if isinstance(answer, Imported):
                parts.append(answer)
                break
            refused = {item.path: "it is not there" for item in answer.files}
            refused |= {item.output: "it is not rendered" for item in answer.renderings}
            assert refused, "a reader that needs nothing answers"
            sources = Sources(sources.texts, {**sources.unreadable, **refused})
        assert not isinstance(answer, Needs), f"{one.name} asks for ever"
    return joining.join(parts, options)


def covered() -> list[str]:
    return [one.name for one in formats.FORMATS if one.name in FOLDERS or one.name in REAL]


@pytest.mark.parametrize("name", covered())
def test_damaged_documents_give_diagnostics_only(name):
    rng = random.Random(f"telford {name}")
    corpus = sorted(samples(name).items())
    assert corpus
    for turn in range(COUNT // len(covered())):
        path, text = rng.choice(corpus)
        damaged = mutations.mutated(text, rng)
        try:
            answer = read(path, damaged)
            _hold(answer, judged=turn % JUDGED == 0)
        except Exception as error:  # noqa: BLE001 - the damaged text must be seen
            pytest.fail(f"turn {turn} of {name}: {error!r}\n{path}:\n{damaged}")


def _hold(answer: Imported, *, judged: bool) -> None:
    """Every problem says where and what to do; every leaf has a home or a reason."""
    for problem in answer.diagnostics:
        assert problem.summary
        # What is only worth knowing may be about the whole input.
        whole = problem.severity is Severity.INFO
        assert problem.position is not None or problem.address or whole
    for fate in answer.report.fates:
        assert fate.to or fate.reason or fate.status is not Status.DROPPED
    made = emission.files(answer.documents)
    if judged:
        loaded = loading.load(made)
        registry.check(loaded)
        broken = [d for d in loaded.diagnostics if d.severity is Severity.ERROR]
        assert not broken, f"what import wrote is wrong: {broken[0]}"


def test_every_format_is_covered():
    """The infrastructure formats have tests like this one beside their samples."""
    assert {one.name for one in formats.FORMATS} - set(covered()) <= {
        "terraform",
        "cloudformation",
        "gitops",
    }
