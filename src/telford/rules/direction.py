"""Direction: what is on hold is not begun with, what replaces is not itself replaced by it, and
initiatives end after they begin.
"""

from collections.abc import Iterator

from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, document, documents
from telford.estate.kinds.direction import Initiative, Technology
from telford.estate.kinds.structure import Datastore, Service, Stream
from telford.rules import circles
from telford.rules.rule import EstateRule, Finding, Path, Rule, Subject, World, base


def _on_hold(world: World) -> Iterator[Finding]:
    held = [e.spec for e in world.estate.of_kind("Technology") if isinstance(e.spec, Technology)]
    held = [technology for technology in held if technology.ring == "hold"]
    if not held:
        return
    for entity in world.estate.entities.values():
        spec = entity.spec
        if not isinstance(spec, Service | Datastore | Stream) or world.is_as_found(spec):
            continue
        for technology in held:
            path = _uses(spec, technology)
            if path is not None:
                other = technology.replaced_by
                yield Finding(
                    path,
                    f"it uses {technology.title or technology.name}, which is on hold",
                    f"use {other}" if other else "say in an Initiative when it goes",
                    technology.why,
                    subject=base(entity, world),
                )


def _uses(spec: Service | Datastore | Stream, technology: Technology) -> Path | None:
    """Where a thing says that it uses a technology; None where it does not."""
    if not isinstance(spec, Service) and spec.engine in technology.engines:
        return ("engine",)
    run = spec.run if not isinstance(spec, Stream) else None
    image = run.image if run is not None else None
    if image is not None and any(_is_image(image, start) for start in technology.images):
        return ("run", "image")
    return None


def _is_image(image: str, start: str) -> bool:
    """Whether an image's name begins so, at a border: ``node`` is not ``node-red``."""
    rest = image.removeprefix(start)
    return image.startswith(start) and (
        rest[:1] in {"", ":", "@", "/"} or start.endswith(("/", ":", "-"))
    )


def _circles(world: World) -> Iterator[Finding]:
    following: dict[str, list[tuple[Path, str]]] = {}
    for kind in ("Technology", "Initiative"):
        for entity in world.estate.of_kind(kind):
            spec = entity.spec
            said: list[tuple[Path, str]] = []
            if isinstance(spec, Technology) and spec.replaced_by is not None:
                said = [(("replacedBy",), spec.replaced_by)]
            elif isinstance(spec, Initiative):
                said = [(("dependsOn", i), name) for i, name in enumerate(spec.depends_on)]
            for path, name in said:
                found = world.index.refer(kind, name, spec)
                if len(found) == 1:
                    following.setdefault(str(entity.address), []).append((path, found[0]))
    edges = {address: [target for _, target in steps] for address, steps in following.items()}
    for address, steps in following.items():
        circle = circles.back_to(address, edges)
        if circle and min(circle) == address:
            yield Finding(
                next(path for path, target in steps if target in circle),
                "it comes back to itself",
                "take one of them away",
                " -> ".join([*circle, circle[0]]),
                subject=base(world.estate.entities[address], world),
            )


def _dates(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Initiative)
    if spec.start is not None and spec.due is not None and spec.due < spec.start:
        yield Finding(
            ("due",), f"it ends on {spec.due}, before it begins on {spec.start}", "swap them"
        )
        return
    for index, milestone in enumerate(spec.milestones):
        if milestone.due is None:
            continue
        if spec.due is not None and milestone.due > spec.due:
            yield Finding(
                ("milestones", index, "due"),
                f"the milestone is due after the end of the whole ({spec.due})",
                "move one of the two",
            )
        elif spec.start is not None and milestone.due < spec.start:
            yield Finding(
                ("milestones", index, "due"),
                f"the milestone is due before it begins ({spec.start})",
                "move one of the two",
            )
    if spec.status == "done" and any(not milestone.done for milestone in spec.milestones):
        left = next(i for i, milestone in enumerate(spec.milestones) if not milestone.done)
        yield Finding(
            ("milestones", left),
            f"it is done, and `{spec.milestones[left].name}` is not",
            "write `done: true`, or take the milestone away",
            lenient=True,
        )


RULES = (
    Rule(
        Code(
            "TEL248",
            "an initiative whose days do not fit",
            "A plan that contradicts itself is read by nobody.",
            document("Initiative", "move", 'title: T\nstart: "2027-02-01"\ndue: "2027-01-01"'),
            document("Initiative", "move", 'title: T\nstart: "2027-01-01"\ndue: "2027-02-01"'),
            "`due` is not before `start`, milestones are between the two, and what is done has no"
            " milestone open (a warning).",
        ),
        (Initiative,),
        _dates,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL246",
            "something on hold",
            "The organisation decided to begin nothing with it; each new use makes leaving dearer.",
            documents(
                document("Technology", "mysql", "ring: hold\nengines: [mysql]"),
                document("Datastore", "book", "engine: mysql"),
            ),
            documents(
                document("Technology", "mysql", "ring: hold\nengines: [mysql]"),
                document("Datastore", "book", "engine: postgres"),
            ),
            "a warning: what is on the road uses no engine and no image of a Technology on hold.",
        ),
        _on_hold,
        severity=Severity.WARNING,
    ),
    EstateRule(
        Code(
            "TEL247",
            "a succession or a plan that comes back to itself",
            "Nothing in it can ever be first.",
            documents(
                document("Technology", "a", "ring: adopt\nreplacedBy: b"),
                document("Technology", "b", "ring: adopt\nreplacedBy: a"),
            ),
            documents(
                document("Technology", "a", "ring: adopt\nreplacedBy: b"),
                document("Technology", "b", "ring: adopt"),
            ),
            "Following `replacedBy` of technologies, or `dependsOn` of initiatives, never comes back.",
        ),
        _circles,
    ),
)  # fmt: skip
