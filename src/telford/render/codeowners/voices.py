"""How the owners of things are asked on a Git host: by handle, else by e-mail. Called by `target`."""

from collections.abc import Iterable, Iterator

from telford.basics.diagnostics import Diagnostic, Position, Severity
from telford.estate.kinds import people
from telford.estate.model import Entity
from telford.render.scene import World
from telford.road import sources

HOSTS = ("github", "gitlab")


class Voices:
    """Owner address -> how it is asked; whoever cannot be asked is remembered."""

    def __init__(self, world: World) -> None:
        self._estate = world.estate
        self.host = _host(world)
        self._unheard: dict[str, Entity] = {}

    def of(self, owners: Iterable[str]) -> list[str]:
        """How owners are asked, in their order; those that cannot be are left out."""
        found = [voice for owner in owners if (voice := self._one(owner))]
        return list(dict.fromkeys(found))

    def _one(self, owner: str) -> str:
        kind, _, name = owner.rpartition("/")
        for entity in self._estate.refer(kind or "team", name, None):
            spec = entity.spec
            if isinstance(spec, people.Team | people.Person):
                handle = spec.handles.get(self.host, "").lstrip("@")
                if handle or spec.email:
                    return f"@{handle}" if handle else spec.email or ""
                self._unheard[str(entity.address)] = entity
        return ""

    def unheard(self) -> Iterator[Diagnostic]:
        """Each owner that cannot be asked, once."""
        for address, entity in sorted(self._unheard.items()):
            yield Diagnostic(
                "TEL583",
                Severity.WARNING,
                f"{address} cannot be asked about changes: it has no handle and no e-mail address",
                address=address,
                position=Position(entity.file, entity.node.line, entity.node.column),
                detail="What it owns has no line of its own in CODEOWNERS.",
                fix=f"say what {self.host} calls it, handles: {{{self.host}: ORGANISATION/TEAM}}",
            )


def _host(world: World) -> str:
    """The host whose handles are used: the repository's, else that of the pipelines."""
    repository = world.architecture.repository
    where = sources.web(repository.url).partition("://")[2] if repository is not None else ""
    named = next((host for host in HOSTS if host in where.partition("/")[0]), "")
    return named or ("gitlab" if world.choice("pipeline") == "gitlab-ci" else "github")
