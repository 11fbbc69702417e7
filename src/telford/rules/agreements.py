"""Agreements: contracts can be read, break nobody silently, and are what callers think they are."""

import datetime as dt
from collections.abc import Iterator

from telford.basics.diagnostics import Severity
from telford.estate import suggestions
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds.contracts import Contract
from telford.estate.kinds.structure import Service, Stream
from telford.estate.model import Entity
from telford.rules import offered
from telford.rules.offered import Consumer, Step
from telford.rules.rule import EstateRule, Finding, Rule, Subject, World, base

# Changes and consumers that one diagnostic lists; `telford contracts` shows all of them.
_SHOWN = 8


def _unreadable(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Contract)
    if subject.lost("type"):
        return
    for index, version in enumerate(spec.versions):
        read = subject.world.offered.document(subject.entity, index)
        if read is None or not read.problem or subject.lost("versions", index):
            continue
        key = "file" if version.file is not None else "document"
        what = (
            f"`{version.file}`"
            if version.file is not None
            else f"the document of {version.version}"
        )
        yield Finding(
            ("versions", index, key),
            f"{what} cannot be read as {spec.type}: {read.problem}",
            "name a file beside this one, or put the document right",
            key=version.file is None,
        )


def _breaks(world: World) -> Iterator[Finding]:
    for entity in world.estate.of_kind("Contract"):
        for step in world.offered.steps(entity):
            if step.breaking and not step.major:
                yield _break(world, entity, step)


def _break(world: World, entity: Entity, step: Step) -> Finding:
    lines = [
        _said(world, entity, step, number) for number in range(min(len(step.breaking), _SHOWN))
    ]
    more = len(step.breaking) - _SHOWN
    if more > 0:
        lines.append(f"and {more} more")
    whom = _whom(step.broken)
    return Finding(
        ("versions", step.index, "version"),
        f"{step.newer} breaks what {step.older} promised, without a major step{whom}",
        f"call it {_next(step.older)}, or keep what was promised",
        "\n  ".join(lines),
        lenient=world.is_as_found(entity.spec),
        subject=base(entity, world),
    )


def _said(world: World, entity: Entity, step: Step, number: int) -> str:
    """One change in a line, with its place."""
    change = step.breaking[number]
    index = step.index if change.newer else step.index - 1
    read = world.offered.document(entity, index)
    line = change.line or (read.line(change.path) if read is not None else 0)
    file = world.offered.path(entity, index) or entity.file
    where = f" ({file}:{line})" if line else ""
    about = f"{change.operation}: " if change.operation else ""
    return f"{about}{change.summary}{where}"


def _whom(broken: tuple[Consumer, ...]) -> str:
    names = sorted({consumer.address for consumer in broken})
    if not names:
        return ""
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"; it breaks {', '.join(names[:_SHOWN])}{rest}"


def _next(version: str) -> str:
    numbers = offered.order(version)
    if numbers is None:
        return "something else"
    major, minor, _ = numbers
    return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"


def _operations(world: World) -> Iterator[Finding]:
    """What callers name and no version offers."""
    for entity in world.estate.of_kind("Contract"):
        spec = entity.spec
        assert isinstance(spec, Contract)
        read = [world.offered.document(entity, index) for index in range(len(spec.versions))]
        if any(one is None or one.problem for one in read):
            continue
        for consumer in world.offered.consumers(entity):
            use = consumer.use
            if use is None:
                continue
            meant = [
                one.operations
                for one, version in zip(read, spec.versions, strict=True)
                if one is not None and use.version in {None, version.version}
            ]
            known = frozenset[str]().union(*meant)
            for number, said in enumerate(use.operations):
                if known and not any(offered.is_offered(said, operation) for operation in known):
                    near = suggestions.nearest(said, known)
                    yield Finding(
                        ("uses", consumer.index, "operations", number),
                        f"contract/{spec.name} has no `{said}`",
                        f"did you mean `{near}`?" if near else f"write one of {_some(known)}",
                        subject=base(world.estate.entities[consumer.address], world),
                    )


def _some(known: frozenset[str]) -> str:
    shown = ", ".join(sorted(known)[:5])
    return shown + (", ..." if len(known) > 5 else "")


def _versions(world: World) -> Iterator[Finding]:
    """Callers of a version that is not offered, or that nobody may count on any more."""
    for entity in world.estate.of_kind("Contract"):
        spec = entity.spec
        assert isinstance(spec, Contract)
        if base(entity, world).shortened("versions"):
            continue
        known = {version.version: version for version in spec.versions}
        for consumer in world.offered.consumers(entity):
            if consumer.use is None or consumer.use.version is None:
                continue
            version = known.get(consumer.use.version)
            subject = base(world.estate.entities[consumer.address], world)
            path = ("uses", consumer.index, "version")
            if version is None:
                yield Finding(
                    path,
                    f"contract/{spec.name} is not offered in version {consumer.use.version}",
                    f"write one of {', '.join(known)}",
                    subject=subject,
                )
            elif (
                version.sunset
                and world.today
                and dt.date.fromisoformat(version.sunset) < world.today
            ):
                yield Finding(
                    path,
                    f"nobody may count on version {version.version} since {version.sunset}",
                    f"move to {spec.versions[-1].version}",
                    subject=subject,
                )


def _keeper(subject: Subject) -> Iterator[Finding]:
    """Contracts that are not of the sort that their keeper speaks, or keep another stream."""
    spec = subject.spec
    if isinstance(spec, Stream):
        yield from _other_stream(subject, spec)
        return
    assert isinstance(spec, Contract)
    if subject.lost("type"):
        return
    if spec.stream is not None and spec.type == "openapi":
        yield Finding(
            ("type",), "a stream has messages and no requests", "write asyncapi or protobuf"
        )
    if spec.service is None:
        return
    found = subject.world.index.refer("Service", spec.service, spec)
    keeper = subject.world.estate.entities[found[0]].spec if len(found) == 1 else None
    if not isinstance(keeper, Service) or keeper.type not in {"grpc", "http"}:
        return
    if "type" in keeper.model_fields_set and (keeper.type == "grpc") != (spec.type == "protobuf"):
        yield Finding(
            ("type",),
            f"`{spec.service}` speaks {keeper.type}, and the contract is {spec.type}",
            "let the two be of one sort",
            lenient=True,
        )


def _other_stream(subject: Subject, spec: Stream) -> Iterator[Finding]:
    if spec.contract is None:
        return
    found = subject.world.index.refer("Contract", spec.contract, spec)
    other = subject.world.estate.entities[found[0]] if len(found) == 1 else None
    if other is None or not isinstance(other.spec, Contract) or other.spec.stream is None:
        return
    kept = subject.world.index.refer("Stream", other.spec.stream, other.spec)
    if kept and kept != [str(subject.entity.address)]:
        yield Finding(
            ("contract",),
            f"the contract `{spec.contract}` describes another stream, `{other.spec.stream}`",
            "give each stream a contract of its own, or leave `stream` out of a shared one",
        )


def _order(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Contract)
    seen: dict[str, int] = {}
    for index, version in enumerate(spec.versions):
        if version.version in seen:
            yield Finding(
                ("versions", index, "version"), f"{version.version} is there twice", "keep one"
            )
        seen[version.version] = index
        before = offered.order(spec.versions[index - 1].version) if index else None
        now = offered.order(version.version)
        if before is not None and now is not None and now < before:
            yield Finding(
                ("versions", index, "version"),
                f"{version.version} stands behind {spec.versions[index - 1].version}",
                "write the oldest first: each is compared with the one before",
            )
        if version.released and version.sunset and version.sunset < version.released:
            yield Finding(
                ("versions", index, "sunset"), "it ends before it begins", "swap the two days"
            )


_ONE = "{openapi: 3.1.0, info: {title: T, version: '1'}, paths: {/orders: {get: {responses: {}}}}}"
_NONE = "{openapi: 3.1.0, info: {title: T, version: '1'}, paths: {}}"


def _contract(versions: str, keeper: str = "service: orders") -> str:
    return document("Contract", "orders", f"type: openapi\n{keeper}\nversions:\n{versions}")


def _two(second: str, *uses: str) -> str:
    versions = (
        f"  - {{version: 1.0.0, document: {_ONE}}}\n  - {{version: {second}, document: {_NONE}}}"
    )
    callers = [document("Service", "web", f"uses: [{{service: orders{use}}}]") for use in uses]
    return documents(service(""), _contract(versions), *callers)


def _single(use: str) -> str:
    return documents(
        service(""),
        _contract(f"  - {{version: 1.0.0, document: {_ONE}}}"),
        document("Service", "web", f"uses: [{{service: orders{use}}}]"),
    )


RULES = (
    Rule(
        Code(
            "TEL259",
            "a contract that cannot be read",
            "Nothing is compared, so nothing is found.",
            documents(service(""), _contract("  - {version: 1.0.0, document: {swagger: '2.0'}}")),
            documents(service(""), _contract(f"  - {{version: 1.0.0, document: {_ONE}}}")),
            "Each version has a document of its contract's type: OpenAPI 3, AsyncAPI 2 or 3, protobuf."
            " A `file` lies in the estate's folder.",
        ),
        (Contract,),
        _unreadable,
    ),
    Rule(
        Code(
            "TEL263",
            "a contract of another sort than its keeper",
            "Callers make requests of it that nothing answers.",
            documents(
                document("Stream", "placed", "engine: kafka"),
                _contract(f"  - {{version: 1.0.0, document: {_ONE}}}", "stream: placed"),
            ),
            documents(service(""), _contract(f"  - {{version: 1.0.0, document: {_ONE}}}")),
            "A stream has AsyncAPI or protobuf, a grpc service protobuf, an http service one of the"
            " others (a warning); a stream's contract does not describe another stream.",
        ),
        (Contract, Stream),
        _keeper,
    ),
    Rule(
        Code(
            "TEL264",
            "versions that are out of order",
            "Each is compared with the one before: in another order additions look like removals.",
            documents(
                service(""),
                _contract(
                    f"  - {{version: 1.1.0, document: {_ONE}}}\n  - {{version: 1.0.0, document: {_ONE}}}"
                ),
            ),
            documents(
                service(""),
                _contract(
                    f"  - {{version: 1.0.0, document: {_ONE}}}\n  - {{version: 1.1.0, document: {_ONE}}}"
                ),
            ),
            "Versions stand oldest first, each once, and end after they begin.",
        ),
        (Contract,),
        _order,
    ),
)
ESTATE_RULES = (
    EstateRule(
        Code(
            "TEL260",
            "a version that breaks its callers without saying so",
            "A minor version is taken without looking; that is what it is for.",
            _two("1.1.0", ""),
            _two("2.0.0", ""),
            "Between two versions of a Contract nothing breaks in the sense of its `compatibility`, or"
            " the first number of the version changes (the second one after a leading 0). Whoever is"
            " broken is named. What counts: docs/concepts/contracts.md.",
        ),
        _breaks,
    ),
    EstateRule(
        Code(
            "TEL261",
            "an operation that the contract does not have",
            "The call fails, or what was meant is not what is checked for breaking changes.",
            _single(', operations: ["GET /order"]'),
            _single(', operations: ["GET /orders"]'),
            "`operations` of a use are in the contract: `GET /orders/{id}`, a gRPC method, a message.",
        ),
        _operations,
    ),
    EstateRule(
        Code(
            "TEL262",
            "a version that is not offered, or no longer",
            "What a caller was written for is not there, or will be switched off under it.",
            _single(", version: 0.9.0"),
            _single(", version: 1.0.0"),
            "a warning: `version` of a use is one of the contract's, and not past its `sunset`.",
        ),
        _versions,
        severity=Severity.WARNING,
    ),
)
