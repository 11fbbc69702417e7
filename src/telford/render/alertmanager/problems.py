"""What this target has to say: TEL590 to TEL594. Called by `target`.

- TEL590 (warning): no mail server is known, so nobody can be mailed.
- TEL591 (warning): a team or person whom no message reaches.
- TEL592 (info): a rota has turns, which an Alertmanager does not know.
- TEL593 (info): things that need one another in a circle: none of their alerts is held back.
- TEL594 (info): a critical dependency is only inferred: no alert is held back because of it.
"""

from collections.abc import Iterator, Mapping

from telford.basics.diagnostics import Diagnostic, Severity
from telford.estate.kinds import people, structure
from telford.render.alertmanager.contacts import Book
from telford.render.alertmanager.routes import Way
from telford.render.findings import finding
from telford.render.scene import Scene
from telford.road import conventions


def no_mail(scene: Scene, environment: str) -> Iterator[Diagnostic]:
    """Somebody has an address, and nothing takes the mail."""
    addressed = [a for a, b in scene.of_kind("Person", "Team") if getattr(b.spec, "email", None)]
    if addressed:
        yield finding(
            scene.bound(environment),
            "TEL590",
            Severity.WARNING,
            "the Alertmanager cannot mail anybody: no mail server is known",
            field=("annotations",),
            detail="Only channels are told.",
            fix=f"annotations: {{{conventions.ANNOTATION_MAIL_SERVER}: mail.example.com:587,"
            f" {conventions.ANNOTATION_MAIL_FROM}: alerts@example.com}}",
        )


def unreached(scene: Scene, known: tuple[Way, ...], book: Book) -> Iterator[Diagnostic]:
    """Owners without any contact, theirs or above them."""
    for way in known:
        if not way.ticket.reachable(by_mail=book.by_mail):
            yield finding(
                scene.bound(way.owner),
                "TEL591",
                Severity.WARNING,
                f"no alert reaches {way.owner}",
                detail="What is theirs is told to the teams that have no team above them.",
                fix='give it a `chat: "#channel"`, or an `email` and the place a mail server',
            )


def turns(scene: Scene, known: tuple[Way, ...], book: Book) -> Iterator[Diagnostic]:
    """Rotas with more than one member."""
    for rota in sorted(filter(None, {book.rota(way.owner) for way in known})):
        spec = scene.bound(rota).spec
        if isinstance(spec, people.Rota) and len(spec.members) > 1:
            yield finding(
                scene.bound(rota),
                "TEL592",
                Severity.INFO,
                f"all {len(spec.members)} members are mailed when something pages, whosever turn it is",
                field=("members",),
                detail="An Alertmanager knows hours and weekdays, and no turns.",
            )


def circles(scene: Scene, group: Mapping[str, int]) -> Iterator[Diagnostic]:
    """Said once for each circle, at its first member."""
    members: dict[int, list[str]] = {}
    for address in sorted(group):
        members.setdefault(group[address], []).append(address)
    for found in sorted(members.values()):
        if len(found) > 1:
            yield finding(
                scene.bound(found[0]),
                "TEL593",
                Severity.INFO,
                f"{', '.join(found)} need one another: none of their alerts is held back",
                field=("uses",),
                detail="Each would hold back the other's, and nobody would be told.",
            )


def guesses(scene: Scene) -> Iterator[Diagnostic]:
    """Critical dependencies of paved workloads that nobody confirmed."""
    users = [address for address, _ in scene.of_kind("Service", "Datastore")]
    yield from filter(None, scene.each(_guess, users))


def _guess(scene: Scene, address: str) -> Diagnostic | None:
    bound = scene.bound(address)
    spec = bound.spec
    if not isinstance(spec, structure.Service | structure.Datastore) or spec.road != "paved":
        return None
    doubted = [use.target[1] for use in spec.uses if use.critical and not use.policed]
    if not doubted:
        return None
    return finding(
        bound,
        "TEL594",
        Severity.INFO,
        f"alerts of {spec.name} are told even while {', '.join(doubted)} has one itself",
        field=("uses",),
        detail="That it needs them is only inferred.",
        fix=f"telford confirm {address}",
    )
