"""Plan an estate against its folder of artifacts again and again, as a running server does.

The first plan costs what a build costs; one after an edit costs what the edit costs: only changed
files are read, only what may have another text is rendered (`telford.render.again`), and only files
that are to change are looked at in the folder. So a file of the folder that a person has edited,
and that the estate does not want changed, goes unseen here; `telford plan` sees it. Called by the
portal.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from telford.app import building, desires, extensions, loading, rendering, shares
from telford.app.building import Proposal
from telford.app.desires import Desires, Scope
from telford.backends import output
from telford.basics import diagnostics
from telford.basics.diagnostics import Diagnostic, Position
from telford.estate import loading as estate_loading
from telford.plan import actions
from telford.plan.actions import Entry, Inventory
from telford.ports.cache import Cache
from telford.render import again, patching
from telford.render.again import Piece, Step
from telford.render.artifacts import Rendering, Unit
from telford.render.scene import World


class Planner:
    """The estate of some paths, planned against one folder. Not for several threads at once."""

    def __init__(
        self,
        paths: Sequence[Path],
        out: Path,
        scope: Scope | None = None,
        cache: Cache | None = None,
    ) -> None:
        self._out = out
        self._scope = scope or Scope()
        self._code = desires.code_version()
        self._reloader = loading.Reloader(paths, cache)
        self._inventories = _Inventories(out)
        self._clear(())

    def _clear(self, targets: tuple[str, ...]) -> None:
        """Begin with nothing, for these targets."""
        self._targets = targets
        self._renderer = again.Renderer(extensions.in_order(targets))
        self._wanted = _Wanted(self._code)
        self._differing = _Differing()

    def plan(self) -> Proposal:
        """What a build of the estate as it is now would change.

        Raises `UsageError` for a path, place or target that there is not.
        """
        loaded = self._reloader.load()
        last, found = self._inventories.now(), self._reloader.found
        estate = building.estate_name(found)
        if diagnostics.has_errors(loaded.diagnostics):
            return self._nothing(last, loaded.diagnostics, estate)
        with loading.undisturbed():
            targets = rendering.chosen(loaded.estate, self._scope)
            names = tuple(target.name for target in targets)
            if names != self._targets:
                self._clear(names)
            places = rendering.places(loaded.estate, self._scope)
            world = rendering.world(loaded.estate, places, targets)
            self._wanted.take(self._renderer.update(world), last)
            said = self._wanted.said(self._unused(world))
            more = estate_loading.with_source(list(said), found.texts)
            every = diagnostics.ordered([*loaded.diagnostics, *more])
            if diagnostics.has_errors(every):
                return self._nothing(last, every, estate)
            return self._proposed(last, every, estate)

    def _unused(self, world: World) -> Iterable[Diagnostic]:
        if self._scope.place:
            return ()
        return patching.unused(world, self._wanted.hit(), whole=not self._scope.targets)

    def _nothing(self, last: Inventory, said: Iterable[Diagnostic], estate: str) -> Proposal:
        wanted = Desires({}, tuple(said))
        plan = actions.Plan((), self._inventories.digest, last.generation)
        return Proposal(self._out, last, wanted, plan, wanted.diagnostics, estate)

    def _proposed(self, last: Inventory, said: tuple[Diagnostic, ...], estate: str) -> Proposal:
        entries = self._wanted.entries
        paths = self._differing.paths(entries, last, self._wanted.touched())
        gone = {path: last.entries[path] for path in paths if path not in entries}
        part = Inventory({p: last.entries[p] for p in paths if p in last.entries}, last.generation)
        observed = output.observe(self._out, paths)
        desired = [entries[path] for path in paths if path not in gone]
        made = actions.plan(
            replace(part, pending=last.pending), desired, observed, in_scope=self._scope.covers
        )
        plan = replace(made, parent=self._inventories.digest)
        wanted = Desires(entries, said, self._wanted.text)
        every = building.with_edited(said, plan, self._out)
        return Proposal(self._out, last, wanted, plan, every, estate)


class _Inventories:
    """The inventory of a folder, read again only where its bytes have changed."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._mark = ""
        self._kept = Inventory()
        self.digest = self._kept.digest

    def now(self) -> Inventory:
        """The inventory as it is."""
        mark = output.observe(self._out, [output.INVENTORY]).get(output.INVENTORY, "")
        if mark != self._mark:
            self._kept = output.inventory(self._out)
            self._mark = mark
            self.digest = self._kept.digest
        return self._kept


class _Wanted:
    """Every entry that is wanted, kept up to date piece by piece."""

    def __init__(self, code: str) -> None:
        self._code = code
        self._units: dict[str, Unit] = {}
        self._remarks: dict[Piece, tuple[Diagnostic, ...]] = {}
        self._hits: dict[Piece, frozenset[Position]] = {}
        self._touched: set[str] = set()
        self.entries: dict[str, Entry] = {}

    def take(self, step: Step, last: Inventory) -> None:
        """What became of the pieces."""
        for piece, old in step.gone.items():
            self._drop(piece, old)
        for piece, before in step.again.items():
            if before is not None:
                self._drop(piece, before)
        for piece, rendering_ in step.renderings.items():
            self._add(piece, rendering_, last)

    def _drop(self, piece: Piece, old: Rendering) -> None:
        self._remarks.pop(piece, None)
        self._hits.pop(piece, None)
        for unit in old.units:
            self._touched.add(unit.path)
            self._units.pop(unit.path, None)

    def _add(self, piece: Piece, new: Rendering, last: Inventory) -> None:
        if new.diagnostics:
            self._remarks[piece] = new.diagnostics
        if new.hit:
            self._hits[piece] = new.hit
        for unit in new.units:
            assert unit.path not in self._units, f"two units want {unit.path}"
            self._touched.add(unit.path)
            self._units[unit.path] = unit
            earlier = self.entries.get(unit.path), last.entries.get(unit.path)
            self.entries[unit.path], _ = shares.named(unit, self._code, *earlier)

    def touched(self) -> set[str]:
        """The paths that pieces gave or gave before, since this was asked; entries of those that
        nobody gives any more are gone with it.
        """
        touched, self._touched = self._touched, set()
        for path in touched - self._units.keys():
            self.entries.pop(path, None)
        return touched

    def said(self, more: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """Everything that is to be said, and more."""
        for remarks in self._remarks.values():
            yield from remarks
        yield from more

    def hit(self) -> frozenset[Position]:
        """Where the patches are written that changed something."""
        return frozenset().union(*self._hits.values())

    def text(self, path: str) -> str:
        """The text of a file that is wanted."""
        return self._units[path].make()


class _Differing:
    """The paths where what is wanted is not what was written last."""

    def __init__(self) -> None:
        self._last: Inventory | None = None
        self._paths: set[str] = set()

    def paths(
        self, entries: Mapping[str, Entry], last: Inventory, touched: Iterable[str]
    ) -> tuple[str, ...]:
        """All of them, in order; only the touched ones are compared while the inventory stays."""
        if last is not self._last:
            self._last, self._paths = last, set()
            touched = {*entries, *last.entries}
        for path in touched:
            wanted, was = entries.get(path), last.entries.get(path)
            digests = [entry.digest if entry is not None else "" for entry in (wanted, was)]
            if digests[0] != digests[1]:
                self._paths.add(path)
            else:
                self._paths.discard(path)
        return tuple(sorted(self._paths))
