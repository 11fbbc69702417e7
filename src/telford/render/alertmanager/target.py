"""Target `alertmanager`: for each place who is told of which alert, and the words of it.

No window of the estate silences an alert: a freeze stops changes, not failures, and a rota has
people at every hour. Called by `telford.render.registry`.
"""

from typing import Any

from telford.estate.kinds import structure
from telford.render import monitoring
from telford.render.alertmanager import (
    contacts,
    inhibition,
    levels,
    problems,
    routes,
    templates,
)
from telford.render.artifacts import NOTHING, Rendering, ready
from telford.render.scene import Scene
from telford.render.target import Target
from telford.road import conventions, heading

NAME = "alertmanager"
TEMPLATES = "telford.tmpl"


def _place(scene: Scene) -> Rendering:
    """The configuration and its templates; nothing where nobody could be told."""
    environment = monitoring.owner(scene)
    mail = _mail(scene, environment)
    book = contacts.Book(scene, by_mail=bool(mail))
    known = routes.ways(scene, book)
    if not known:
        return NOTHING
    needs = inhibition.critical(scene)
    said = (
        *(() if mail else problems.no_mail(scene, environment)),
        *problems.unreached(scene, known, book),
        *(problems.turns(scene, known, book) if mail and scene.binding.production else ()),
        *problems.circles(scene, inhibition.circles(needs)),
        *problems.guesses(scene),
    )
    told = _configuration(scene, known, book, mail, needs)
    words = heading.comment(environment, "{{/*").rstrip("\n") + " */}}\n"
    text = words + templates.TEXT
    path = f"{NAME}/{scene.place}/{TEMPLATES}"
    file = monitoring.file(scene, NAME, "alertmanager.yaml", told)
    return Rendering((file, ready(path, environment, NAME, scene.place, text)), said)


def _configuration(
    scene: Scene,
    known: tuple[routes.Way, ...],
    book: contacts.Book,
    mail: dict[str, str],
    needs: dict[str, tuple[str, ...]],
) -> dict[str, Any]:
    production = scene.binding.production
    everybody = routes.everybody(scene, book)
    unowned = contacts.receiver(routes.UNOWNED, everybody, by_mail=book.by_mail)
    return {
        **({"global": mail} if mail else {}),
        "templates": [TEMPLATES],
        "route": routes.tree(known, book, production=production),
        "receivers": [unowned, *routes.receivers(known, book, production=production)],
        "inhibit_rules": inhibition.rules(needs, _voices(scene, known, book, needs)),
    }


def _voices(
    scene: Scene,
    known: tuple[routes.Way, ...],
    book: contacts.Book,
    needs: dict[str, tuple[str, ...]],
) -> inhibition.Voices:
    """Who may raise alerts here that hold others back, or are held back."""
    ways = {way.owner: way for way in known}
    symptoms = inhibition.promised(scene)
    servers = {server for found in needs.values() for server in found}
    alerting = {one for one in servers if one in symptoms or _runs(scene, one)}
    causes = {one for one in alerting if _heard(scene, one, ways, book)}
    return inhibition.Voices(symptoms, frozenset(causes))


def _runs(scene: Scene, address: str) -> bool:
    return address.partition("/")[0] in ("service", "datastore") and scene.runs(address)


def _heard(scene: Scene, address: str, ways: dict[str, routes.Way], book: contacts.Book) -> bool:
    """Whether the owner of something hears of its pages as loudly as anybody could of theirs."""
    spec = scene.bound(address).spec
    way = ways.get(routes.owner_of(scene, spec.owner))
    if way is None:
        return False
    production = scene.binding.production
    if not levels.pages(None, production=production):
        return way.ticket.reachable(by_mail=book.by_mail)
    tier = spec.tier if isinstance(spec, structure.Service) else None
    loud = levels.pages(tier, production=production)
    return loud and way.page.reachable(by_mail=book.by_mail)


def _mail(scene: Scene, environment: str) -> dict[str, str]:
    """How mail leaves the place, as the Environment says; empty where it does not."""
    said = scene.bound(environment).spec.annotations
    server = said.get(conventions.ANNOTATION_MAIL_SERVER, "")
    sender = said.get(conventions.ANNOTATION_MAIL_FROM, "")
    return {"smtp_smarthost": server, "smtp_from": sender} if server and sender else {}


TARGET = Target(
    NAME,
    "who is told of which alert: routes by owner and tier, inhibition by dependencies",
    place=_place,
)
