"""References: every name in a document names one thing that is there."""

from collections.abc import Iterator

from telford.basics.diagnostics import Severity
from telford.estate import address as addresses
from telford.estate import suggestions
from telford.estate.codes import Code, document, documents, service
from telford.estate.kinds import registry
from telford.estate.kinds.base import Reference
from telford.rules.rule import Finding, Rule, Subject

_OWNERS = ("Team", "Person")


def _dangling(subject: Subject) -> Iterator[Finding]:
    world = subject.world
    for reference, found in subject.references:
        if found or _wrong_owner(reference):
            continue
        name = reference.text.rpartition(".")[2]
        if world.is_broken(reference.kind, name) or subject.lost(*reference.path):
            continue
        yield Finding(
            reference.path,
            f"there is no {reference.kind} `{reference.text}`",
            _fix(subject, reference),
        )


def _fix(subject: Subject, reference: Reference) -> str:
    """The nearest thing of the kind, or the same name of another kind, or what to add."""
    world = subject.world
    if not world.may_guess():
        return f"add a {reference.kind} of that name, or fix the name"
    known = world.names(reference.kind)
    if suggestions.nearest(reference.text, known) is None:
        others = [
            one for one in world.estate.entities.values() if one.address.name == reference.text
        ]
        if others:
            return f"there is a {others[0].spec.kind} of that name: {others[0].address}"
    return suggestions.for_name(reference.text, known, f"a {reference.kind} of that name")


def _ambiguous(subject: Subject) -> Iterator[Finding]:
    if subject.lost("system"):
        return
    for reference, found in subject.references:
        if len(found) > 1:
            names = [address.partition("/")[2] for address in sorted(found)]
            yield Finding(
                reference.path,
                f"`{reference.text}` may be any of {len(found)}: {', '.join(names)}",
                f"write one of them with its system, such as `{names[0]}`",
            )


def _wrong_owner(reference: Reference) -> bool:
    return reference.path == ("owner",) and reference.kind not in _OWNERS


def _owner_form(subject: Subject) -> Iterator[Finding]:
    for reference, _ in subject.references:
        if _wrong_owner(reference):
            yield Finding(
                reference.path,
                f"`{subject.spec.owner}` is not a team or a person",
                "write team/NAME or person/NAME",
            )


def _moved(subject: Subject) -> Iterator[Finding]:
    for index, moved in enumerate(subject.spec.moved):
        for key, text in (("from", moved.from_), ("to", moved.to)):
            try:
                kind = addresses.parse(text).kind
            except ValueError:
                kind = ""
            if kind not in {name.lower() for name in registry.BY_NAME}:
                yield Finding(
                    ("moved", index, key),
                    f"`{text}` is not an address",
                    "write kind/name, such as service/checkout",
                )


RULES = (
    Rule(
        Code(
            "TEL130",
            "a reference to nothing",
            "What is named is not in the estate, so nothing can be made of the dependency.",
            service("uses: [{service: catalouge}]")
            + "---\n"
            + document("Service", "catalogue", ""),
            service("uses: [{service: catalogue}]")
            + "---\n"
            + document("Service", "catalogue", ""),
            "Every reference (`system`, `owner`, `uses`, `delivery`, `service`, ...) names something"
            " that is there: in the same system first, then in the whole estate.",
        ),
        (),
        _dangling,
        as_found=Severity.ERROR,
    ),
    Rule(
        Code(
            "TEL131",
            "an ambiguous reference",
            "Several things have the name, and the nearest one cannot be told.",
            documents(
                "apiVersion: telford/v1\nkind: System\nname: a\nowner: team/shop\n",
                "apiVersion: telford/v1\nkind: System\nname: b\nowner: team/shop\n",
                document("Service", "catalogue", "system: a"),
                document("Service", "catalogue", "system: b"),
                service("uses: [{service: catalogue}]"),
            ),
            documents(
                "apiVersion: telford/v1\nkind: System\nname: a\nowner: team/shop\n",
                "apiVersion: telford/v1\nkind: System\nname: b\nowner: team/shop\n",
                document("Service", "catalogue", "system: a"),
                document("Service", "catalogue", "system: b"),
                service("uses: [{service: a.catalogue}]"),
            ),
            "A bare name that several systems have, used from outside all of them.",
        ),
        (),
        _ambiguous,
        as_found=Severity.ERROR,
    ),
    Rule(
        Code(
            "TEL132",
            "an owner that is neither a team nor a person",
            "Somebody is called when it breaks; a service cannot answer.",
            service("").replace("team/shop", "service/orders"),
            service(""),
            "`owner` is `team/NAME` or `person/NAME`.",
        ),
        (),
        _owner_form,
        as_found=Severity.ERROR,
    ),
    Rule(
        Code(
            "TEL133",
            "a rename that names no address",
            "History is kept by address; without one it is lost.",
            service("moved: [{from: order-service, to: service/orders}]"),
            service("moved: [{from: service/order-service, to: service/orders}]"),
            "`moved.from` and `moved.to` are addresses of a known kind.",
        ),
        (),
        _moved,
    ),
)
