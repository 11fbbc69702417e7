"""The tree of routes: for each owner tickets and pages, and those who are called after them.

A page that nobody silenced goes on to whoever the rota names, when it says: an Alertmanager has no
acknowledgement but the silence, so a route with that wait says it again. Called by `target`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from telford.basics import units
from telford.estate.kinds import people
from telford.render.alertmanager import contacts, levels
from telford.render.alertmanager.contacts import Book, Contacts
from telford.render.scene import Scene
from telford.road import conventions

# Who is told of what belongs to nobody that the estate knows.
UNOWNED = "whoever is there"


@dataclass(frozen=True, slots=True)
class Way:
    """One owner's: the address, who gets tickets, who is woken, and who after how long."""

    owner: str
    ticket: Contacts
    page: Contacts
    after: tuple[tuple[str, str, Contacts], ...] = ()


def ways(scene: Scene, book: Book) -> tuple[Way, ...]:
    """Of everybody who owns something, by address."""
    owners = scene.table("alertmanager owners", _owners)
    return tuple(_way(scene, book, owner) for owner in owners)


def _owners(scene: Scene) -> dict[str, bool]:
    texts = {scene.bound(address).spec.owner for address in scene.binding.entities}
    owners = {owner_of(scene, text) for text in texts if text}
    return dict.fromkeys(sorted(owners - {""}), True)


def owner_of(scene: Scene, text: str | None) -> str:
    """The address that an `owner` names, a team where it names no kind; "" where it is nobody."""
    kind, _, name = (text or "").rpartition("/")
    return scene.find(kind or "team", name, None) or ""


def _way(scene: Scene, book: Book, owner: str) -> Way:
    after = tuple(_after(scene, book, owner))
    return Way(owner, book.ticket(owner), book.page(owner), after)


def _after(scene: Scene, book: Book, owner: str) -> Iterator[tuple[str, str, Contacts]]:
    """Who is called when nobody answered: (how long, whom, how)."""
    rota = book.rota(owner)
    spec = scene.bound(rota).spec if rota else None
    if not isinstance(spec, people.Rota):
        return
    for step in spec.escalation:
        kind, _, name = step.to.partition("/")
        to = scene.find(kind, name, spec.system)
        found = book.to(to) if to is not None else Contacts()
        if to is not None and found.reachable(by_mail=book.by_mail):
            yield step.after, to, found


def everybody(scene: Scene, book: Book) -> Contacts:
    """The channels, else the mail, of the teams that have no team above them; of all teams where
    those cannot be reached.
    """
    teams = list(scene.of_kind("Team"))
    highest = [address for address, bound in teams if getattr(bound.spec, "parent", None) is None]
    found = _tickets(book, highest)
    if found.reachable(by_mail=book.by_mail):
        return found
    return _tickets(book, [address for address, _ in teams])


def _tickets(book: Book, teams: list[str]) -> Contacts:
    found = Contacts()
    for team in teams:
        found |= book.ticket(team)
    return found


def tree(known: tuple[Way, ...], book: Book, *, production: bool) -> dict[str, Any]:
    """The route that everything takes, and those below it."""
    every = [_route(way, book, production=production) for way in known]
    below = [route for route in every if route]
    return {"receiver": UNOWNED, **levels.timing("ticket"), "routes": below}


def _route(way: Way, book: Book, *, production: bool) -> dict[str, Any]:
    """Nothing for an owner whom no message reaches: what is theirs goes to whoever is there."""
    if not way.ticket.reachable(by_mail=book.by_mail):
        return {}
    made: dict[str, Any] = {
        "matchers": [_owned_by(way.owner)],
        "receiver": ticket_name(way.owner),
    }
    if levels.pages(None, production=production):
        made["routes"] = list(_pages(way))
    return made


def _owned_by(owner: str) -> str:
    """A team may be written without its kind."""
    kind, _, name = owner.partition("/")
    literal = name.replace(".", r"\.")
    label = conventions.ALERT_LABEL_OWNER
    return f'{label}=~"(team/)?{literal}"' if kind == "team" else f'{label}="{owner}"'


def _pages(way: Way) -> Iterator[dict[str, Any]]:
    matchers = [f'{conventions.ALERT_LABEL_SEVERITY}="page"']
    quiet = levels.quiet_tiers()
    if quiet:
        tiers = "|".join(map(str, quiet))
        matchers.append(f'{conventions.ALERT_LABEL_TIER}!~"{tiers}"')
    first = {"matchers": matchers, "receiver": page_name(way.owner), **levels.timing("page")}
    steps = [
        {
            "matchers": matchers,
            "receiver": later_name(way.owner, after, to),
            **levels.timing("page"),
            "group_wait": units.duration_text(units.seconds(after)),
        }
        for after, to, _ in way.after
    ]
    every = [first, *steps]
    for route in every[:-1]:
        yield {**route, "continue": True}
    yield every[-1]


def receivers(known: tuple[Way, ...], book: Book, *, production: bool) -> Iterator[dict[str, Any]]:
    """What the routes lead to."""
    for way in known:
        if not way.ticket.reachable(by_mail=book.by_mail):
            continue
        yield contacts.receiver(ticket_name(way.owner), way.ticket, by_mail=book.by_mail)
        if levels.pages(None, production=production):
            yield contacts.receiver(page_name(way.owner), way.page, by_mail=book.by_mail)
            for after, to, found in way.after:
                name = later_name(way.owner, after, to)
                yield contacts.receiver(name, found, by_mail=book.by_mail)


def ticket_name(owner: str) -> str:
    """The receiver of an owner's tickets."""
    return f"{owner}: ticket"


def page_name(owner: str) -> str:
    """The receiver of an owner's pages."""
    return f"{owner}: page"


def later_name(owner: str, after: str, to: str) -> str:
    """The receiver of pages that nobody answered."""
    return f"{owner}: page after {after} to {to}"
