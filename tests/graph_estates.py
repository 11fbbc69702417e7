"""Estates for the graph's tests: drawn at random, of any size, and one of five hundred services."""

import random
from dataclasses import dataclass

from hypothesis import strategies as st

from telford.estate import loading
from telford.estate.graph import Graph
from telford.estate.model import Estate

_HEAD = "apiVersion: telford/v1\nkind: "


@dataclass(frozen=True)
class Drawn:
    """Services 0..size-1 and who uses whom: (from, to) -> critical."""

    size: int
    uses: dict[tuple[int, int], bool]

    @property
    def graph(self) -> Graph:
        return Graph(estate_of(self.size, self.uses))

    def neighbours(self, node: int, critical: bool = False) -> set[int]:
        return {b for (a, b), hard in self.uses.items() if a == node and (hard or not critical)}


def name(number: int) -> str:
    """Ten and more sort as they count."""
    return f"s{number:03d}"


def address(number: int) -> str:
    return f"service/{name(number)}"


def estate_of(size: int, uses: dict[tuple[int, int], bool]) -> Estate:
    texts = []
    for number in range(size):
        items = [
            f"{{service: {name(b)}, critical: {str(hard).lower()}}}"
            for (a, b), hard in uses.items()
            if a == number
        ]
        texts.append(f"{_HEAD}Service\nname: {name(number)}\nuses: [{', '.join(items)}]\n")
    return estate("---\n".join(texts))


def estate(text: str) -> Estate:
    """The estate of one text; documents without their apiVersion line may be given."""
    return loading.load({"e.yaml": text}).estate


@st.composite
def drawn(draw: st.DrawFn, most: int = 7) -> Drawn:
    size = draw(st.integers(1, most))
    pair = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    pairs = draw(st.lists(pair.filter(lambda p: p[0] != p[1]), unique=True, max_size=3 * size))
    return Drawn(size, {p: draw(st.booleans()) for p in pairs})


def organisation(services: int = 500, systems: int = 25, seed: int = 7) -> str:
    """The text of an organisation as they are: a few systems that everybody uses, front ends that
    nobody calls, most calls at home, streams between systems, three environments, eight teams.
    """
    random_ = random.Random(seed)
    texts = [f"{_HEAD}Team\nname: team-{n}\n" for n in range(8)]
    texts += [
        f"{_HEAD}Environment\nname: {e}\norder: {n}\n"
        for n, e in enumerate(("dev", "staging", "prod"))
    ]
    size = services // systems
    for system in range(systems):
        texts += _system(system, size, random_)
    return "---\n".join(texts)


SYSTEMS = (
    "identity", "ledger", "catalogue", "notify", "search", "pricing", "basket", "checkout", "payments",
    "stock", "shipping", "returns", "support", "loyalty", "reviews", "media", "content", "ads",
    "analytics", "fraud", "tax", "partners", "mobile", "web", "backoffice",
)  # fmt: skip
ROLES = ("api", "reader", "writer", "worker", "rules", "sync", "export", "admin", "cache", "gate")


def system_name(number: int) -> str:
    again = number // len(SYSTEMS)
    return SYSTEMS[number % len(SYSTEMS)] + (f"-{again}" if again else "")


def service_name(system: int, number: int) -> str:
    again = number // len(ROLES)
    return f"{system_name(system)}-{ROLES[number % len(ROLES)]}" + (
        f"-{again + 1}" if again else ""
    )


def _system(system: int, size: int, random_: random.Random) -> list[str]:
    home, owner = system_name(system), f"team/team-{system % 8}"
    head = f"system: {home}\nowner: {owner}\n"
    texts = [f"{_HEAD}System\nname: {home}\nowner: {owner}\n"]
    texts.append(f"{_HEAD}Datastore\nname: {home}-db\n{head}engine: postgres\n")
    texts.append(f"{_HEAD}Stream\nname: {home}-events\n{head}engine: kafka\n")
    for number in range(size - 2):
        uses = _uses(system, number, size - 2, random_)
        texts.append(
            f"{_HEAD}Service\nname: {service_name(system, number)}\n{head}tier: {random_.randrange(4)}\n"
            f"uses: [{', '.join(dict.fromkeys(uses))}]\n"
        )
    return texts


def _uses(system: int, number: int, size: int, random_: random.Random) -> list[str]:
    """Later ones of a system use earlier ones; other systems are reached through their api."""
    uses = []
    if number:
        others = sorted({random_.randrange(number) for _ in range(2)})
        uses += [_use(f"service: {service_name(system, other)}", random_) for other in others]
    if number in {0, 2}:
        access = "read" if number == 0 else "readwrite"
        uses.append(f"{{datastore: {system_name(system)}-db, access: {access}}}")
    if number == 2:
        uses.append(f"{{stream: {system_name(system)}-events, role: publish}}")
    if system and random_.random() < 0.35:
        other = min(random_.randrange(system), random_.randrange(system))
        uses.append(_use(f"service: {service_name(other, 0)}", random_))
    if system and number == 3:
        other = random_.randrange(system)
        uses.append(f"{{stream: {system_name(other)}-events, role: consume, critical: false}}")
    return uses


def _use(what: str, random_: random.Random) -> str:
    soft = "" if random_.random() < 0.7 else ", critical: false"
    guessed = ", inferred: {from: env URL}" if random_.random() < 0.1 else ""
    return f"{{{what}, timeout: {random_.choice((1, 2, 5))}00ms{soft}{guessed}}}"
