"""Data on its way: pipelines that run when they must, end, and do not make data less guarded."""

from collections.abc import Iterator

from telford.basics import units
from telford.estate.codes import Code, document, documents
from telford.estate.kinds.pipelines import Dataset, Pipeline
from telford.estate.kinds.structure import Datastore, Stream
from telford.rules import circles, schedules
from telford.rules.rule import EstateRule, Finding, Rule, Subject, World, base

# From the least guarded to the most.
_CLASSES = ("public", "internal", "confidential", "restricted")


def _schedule(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Pipeline)
    if spec.schedule is None:
        return
    problem = schedules.problem(spec.schedule)
    if problem:
        yield Finding(
            ("schedule",),
            f"`{spec.schedule}` is no schedule: {problem}",
            "write five fields of cron",
        )
        return
    if spec.type == "stream" and not subject.lost("type"):
        yield Finding(
            ("schedule",),
            "a streaming pipeline never ends, so nothing starts it again",
            "remove the schedule, or write `type: batch`",
            key=True,
        )
    gap = schedules.longest_gap_seconds(spec.schedule)
    if spec.freshness is not None and gap is not None and gap > units.seconds(spec.freshness):
        yield Finding(
            ("freshness",),
            f"its outputs may be {spec.freshness} old, and up to {units.duration_text(gap)} pass"
            " between two runs",
            "run it more often, or promise less",
        )


def _circles(world: World) -> Iterator[Finding]:
    """Pipelines that feed themselves, through others or not, each circle at its first by address."""
    feeds: dict[str, set[str]] = {}
    for edge in world.graph.edges:
        if edge.kind == "output":
            feeds.setdefault(edge.source, set()).add(edge.target)
        elif edge.kind == "input":
            feeds.setdefault(edge.target, set()).add(edge.source)
    for entity in world.estate.of_kind("Pipeline"):
        address = str(entity.address)
        circle = circles.back_to(address, feeds)
        if circle and min(a for a in circle if a.startswith("pipeline/")) == address:
            yield Finding(
                ("outputs",),
                "what it makes is what it reads",
                "write to another part, or split the pipeline",
                " -> ".join([*circle, address]),
                key=True,
                lenient=_by_part(entity.spec),
                subject=base(entity, world),
            )


def _by_part(spec: object) -> bool:
    """Whether inputs and outputs are told apart by part: then the circle may be of different ones."""
    assert isinstance(spec, Pipeline)
    return all(dataset.part for dataset in (*spec.inputs, *spec.outputs))


def _lower(subject: Subject) -> Iterator[Finding]:
    """Data that goes where it is less guarded than where it comes from."""
    spec = subject.spec
    if isinstance(spec, Stream):
        yield from _dead(subject, spec)
        return
    assert isinstance(spec, Pipeline)
    if subject.lost("dataClass") or subject.lost("personalData"):
        return
    known = [found for found in (_class(subject, d) for d in spec.inputs) if found is not None]
    carried: str | None = spec.data_class or max(known, key=_CLASSES.index, default=None)
    for index, output in enumerate(spec.outputs):
        kept = _class(subject, output)
        if carried and kept and _CLASSES.index(kept) < _CLASSES.index(carried):
            yield Finding(
                ("outputs", index),
                f"{carried} data goes to {output.target[1]}, which is {kept}",
                f"guard it as {carried}, or say with `dataClass` what is left of it here",
            )
        elif spec.personal_data and _is_impersonal(subject, output):
            yield Finding(
                ("outputs", index),
                f"data about people goes to {output.target[1]}, which says that it has none",
                f"add `personalData: true` to {output.target[0]}/{output.target[1]}",
            )


def _dead(subject: Subject, spec: Stream) -> Iterator[Finding]:
    if spec.dead_letter is None or spec.data_class is None:
        return
    found = subject.world.index.refer("Stream", spec.dead_letter, spec)
    other = subject.world.estate.entities[found[0]].spec if len(found) == 1 else None
    if not isinstance(other, Stream) or other.data_class is None:
        return
    if _CLASSES.index(other.data_class) < _CLASSES.index(spec.data_class):
        yield Finding(
            ("deadLetter",),
            f"{spec.data_class} messages that failed go to {spec.dead_letter}, which is"
            f" {other.data_class}",
            f"write `dataClass: {spec.data_class}` there",
        )


def _store(subject: Subject, dataset: Dataset) -> Datastore | Stream | None:
    kind, text = dataset.target
    found = subject.world.index.refer(kind, text, subject.spec)
    spec = subject.world.estate.entities[found[0]].spec if len(found) == 1 else None
    return spec if isinstance(spec, Datastore | Stream) else None


def _class(subject: Subject, dataset: Dataset) -> str | None:
    store = _store(subject, dataset)
    return store.data_class if store is not None else None


def _is_impersonal(subject: Subject, dataset: Dataset) -> bool:
    store = _store(subject, dataset)
    return store is not None and not store.personal_data and store.data_class is not None


def _two(
    pipeline: str, first: str = "engine: postgres", second: str = "engine: object-store"
) -> str:
    return documents(
        document("Datastore", "book", first),
        document("Datastore", "lake", second),
        document("Pipeline", "nightly", f"inputs: [{{datastore: book}}]\noutputs: [{{datastore: lake}}]\n{pipeline}"),
    )  # fmt: skip


RULES = (
    Rule(
        Code(
            "TEL252",
            "a pipeline that runs too seldom, or at no time",
            "The figures are older than was promised every day, by design.",
            _two('schedule: "0 4 * * *"\nfreshness: 6h'),
            _two('schedule: "0 4 * * *"\nfreshness: 1d6h'),
            "`schedule` is five fields of cron, of a batch; between two runs there is less time than"
            " `freshness`.",
        ),
        (Pipeline,),
        _schedule,
    ),
    Rule(
        Code(
            "TEL254",
            "data that goes where it is less guarded",
            "Data is as well guarded as the weakest place that it lies in.",
            _two("", "engine: postgres\ndataClass: restricted", "engine: object-store\ndataClass: internal"),
            _two(
                "dataClass: internal",
                "engine: postgres\ndataClass: restricted",
                "engine: object-store\ndataClass: internal",
            ),
            "An output of a Pipeline is of the class of its inputs or above, or the pipeline says with"
            " `dataClass` what is left; data about people stays marked; dead letters are guarded as"
            " the stream they come from.",
        ),
        (Pipeline, Stream),
        _lower,
    ),
)  # fmt: skip
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL253",
            "a pipeline that feeds itself",
            "Each run works on its own results; the first mistake is never washed out.",
            documents(
                document("Datastore", "lake", "engine: object-store"),
                document("Pipeline", "p", "inputs: [{datastore: lake}]\noutputs: [{datastore: lake}]"),
            ),
            documents(
                document("Datastore", "lake", "engine: object-store"),
                document("Datastore", "mart", "engine: object-store"),
                document("Pipeline", "p", "inputs: [{datastore: lake}]\noutputs: [{datastore: mart}]"),
            ),
            "Following pipelines from output to input never comes back; a warning where every dataset"
            " names its part.",
        ),
        _circles,
    ),
)  # fmt: skip
