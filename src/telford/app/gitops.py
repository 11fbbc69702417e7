"""Where a place is in Git, and a thread for what is kept beside the controller.

What the estate says (Architecture: repository, delivery; Environment: git) becomes `Site`s, one a
service that Argo CD or Flux is in charge of. Called by `telford.app.beside`, which keeps them, by
`telford.app.setting` and by tests.
"""

import contextlib
import os
import posixpath
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from telford.app import desires, loading, rendering, workloads
from telford.app.desires import Desires, Scope
from telford.backends import files, process
from telford.backends.git_hosts import connecting
from telford.basics import clock as clocks
from telford.basics.errors import RefusedError, TelfordError
from telford.deliver.gitchange import Document, Rendered
from telford.estate import editing
from telford.estate.editing import Set
from telford.estate.kinds.paving import Architecture, Repository
from telford.estate.kinds.places import Environment
from telford.estate.kinds.structure import Service
from telford.estate.model import Bound, Estate
from telford.estate.place import Place
from telford.flows.gitops import Deliverer, Manner, Site
from telford.plan.actions import Inventory
from telford.ports.git import GitHost
from telford.render.scene import Scene
from telford.store.database import Lease
from telford.store.store import Store

IN_CHARGE = frozenset({"argo-cd", "flux"})
# What makes the manifests that they apply.
PACKAGING = ("kubernetes", "kustomize", "helm")
RECORDS = "telford"
STEP_SECONDS = 5.0
# A Git host may be slow to answer: several calls with their limits.
LEASE_SECONDS = 300.0
THREAD = "telford-gitops"


@dataclass(frozen=True, slots=True)
class Kept:
    """A place in Git: the repository as the estate says it, how changes get in, and its sites."""

    repository: Repository
    manner: Manner
    sites: tuple[Site, ...]


def kept(folder: Path, found: files.Texts, place: Place) -> Kept | None:
    """Where a place of an estate is in Git; None where nobody but us is in charge there.

    Raises `RefusedError` where the estate has errors, or names no repository.
    """
    estate = loading.require(loading.of_texts(found))
    scene = _scene(estate, place)
    chosen = [bound for bound in scene.binding.of_kind("Service") if _in_charge(scene, bound)]
    if not chosen:
        return None
    where = repository(estate)
    render = _Render(found, where, str(place))
    sites = [_site(folder, where, place, bound, render) for bound in chosen]
    return Kept(where, _manner(estate, place, where), tuple(sites))


def host(kept_in: Repository, state: Path) -> GitHost:
    """The repository's host; its objects, where it is bare, are kept in the state's folder."""
    remote = connecting.Remote(kept_in.host, kept_in.url, kept_in.token or "", kept_in.api or "")
    return connecting.connect(remote, state / "git", os.environ)


def deliverer(
    known: Kept, store: Store, lease: Lease, clock: clocks.Clock, state: Path
) -> Deliverer:
    """Who keeps the folder, under a lease: the place's, or that of `held`."""
    return Deliverer(store, lease, clock, host(known.repository, state), known.sites, known.manner)


@contextlib.contextmanager
def held(store: Store, place: Place) -> Iterator[Lease]:
    """The right to keep a place's folder from a process that does not control the place.

    Raises `RefusedError` where another process has it.
    """
    name = f"git {place}"
    lease = store.leases.take(name, process.identity(), LEASE_SECONDS, process.gone)
    try:
        yield lease
    finally:
        with contextlib.suppress(RefusedError):  # another one has it already
            store.leases.give_back(lease)


def beat(store: Store, lease: Lease) -> None:
    """Say that we live. Raises `RefusedError` where another process has taken over."""
    with store.writing(lease) as writing:
        store.leases.beat(writing)


@dataclass(slots=True)
class Keeping:
    """The thread; `stop` ends it within a step."""

    thread: threading.Thread
    ended: threading.Event

    def stop(self, limit_seconds: float = 10.0) -> None:
        """End it."""
        self.ended.set()
        self.thread.join(limit_seconds)


def keeping(
    steps: Sequence[Callable[[], Sequence[str]]],
    say: Callable[[str], None],
    step_seconds: float = STEP_SECONDS,
) -> Keeping:
    """Run the steps, one after the other, until stopped or until another controller has the place."""
    ended = threading.Event()

    def loop() -> None:
        while not ended.is_set():
            try:
                for step in steps:
                    for sentence in step():
                        say(sentence)
            except RefusedError:
                return  # the lease is another's: it keeps Git from now on
            except TelfordError as error:
                say(error.message)
            ended.wait(step_seconds)

    thread = threading.Thread(target=loop, name=THREAD, daemon=True)
    thread.start()
    return Keeping(thread, ended)


def _scene(estate: Estate, place: Place) -> Scene:
    names = rendering.chosen(estate, Scope())
    return rendering.world(estate, (place,), names).scenes[0]


def _in_charge(scene: Scene, bound: Bound) -> bool:
    address = str(bound.entity.address)
    return scene.runs(address) and scene.choice("delivery", address) in IN_CHARGE


def repository(estate: Estate) -> Repository:
    """The Architecture's repository. Raises `RefusedError` where no document says one."""
    for entity in estate.of_kind("Architecture"):
        assert isinstance(entity.spec, Architecture)
        if entity.spec.repository is not None:
            return entity.spec.repository
    raise RefusedError(
        "no document says in which repository the estate is kept",
        fix="say it in the Architecture: repository: {url: <the Git URL>, path: deploy}",
    )


def _manner(estate: Estate, place: Place, where: Repository) -> Manner:
    specs = [entity.spec for entity in estate.of_kind("Environment")]
    spec = next(one for one in specs if one.name == place.environment)
    assert isinstance(spec, Environment)
    branch = spec.git.branch or where.branch
    return Manner(branch, spec.git.changes == "request", spec.git.merge)


def _site(
    folder: Path,
    where: Repository,
    place: Place,
    bound: Bound,
    render: Callable[[Bound, str], Sequence[Rendered]],
) -> Site:
    spec = bound.spec
    assert isinstance(spec, Service)
    image = spec.run.image or ""
    document = None
    if where.estate:
        name = Path(bound.entity.file).absolute().relative_to(folder.absolute()).as_posix()
        path = posixpath.normpath(posixpath.join(where.estate, name))
        document = Document(path, str(bound.entity.address), str(place))
    record = posixpath.join(where.path, RECORDS, str(place), "releases.json")
    return Site(
        service=str(bound.entity.address),
        place=str(place),
        record=record,
        render=partial(render, bound),
        document=document,
        version=workloads.tag(image) if image else "",
        image=image,
    )


@dataclass(slots=True)
class _Render:
    """Makes the manifests of a service with an image, before and after, and what else changes by
    it; each once.
    """

    found: files.Texts
    repository: Repository
    place: str
    made: dict[tuple[str, str], tuple[Rendered, ...]] = field(default_factory=dict)
    before: Desires | None = None

    def __call__(self, bound: Bound, image: str) -> tuple[Rendered, ...]:
        """Raises `RefusedError` where the estate has an error, with that image or at all."""
        wanted = (str(bound.entity.address), image)
        if wanted not in self.made:
            self.made[wanted] = tuple(self._make(bound, image))
        return self.made[wanted]

    def _make(self, bound: Bound, image: str) -> Iterator[Rendered]:
        if self.before is None:
            self.before = _desired(self.found)
        before, texts = self.before, self.found.texts
        file, address = bound.entity.file, bound.entity.address
        change = Set(("run", "image"), image)
        edited = editing.edit(texts[file], address, [change], self.place)
        found = replace(self.found, texts={**texts, file: edited}, digests={})
        after = _desired(found)
        assert before.text is not None
        assert after.text is not None
        for path, entry in after.entries.items():
            old = before.entries.get(path)
            same = old is not None and old.digest == entry.digest
            if same and (entry.owner != str(address) or entry.place != self.place):
                continue
            text = before.text(path) if old is not None else ""
            where = posixpath.normpath(posixpath.join(self.repository.path, path))
            yield Rendered(where, text, after.text(path))
        for path in before.entries.keys() - after.entries.keys():
            where = posixpath.normpath(posixpath.join(self.repository.path, path))
            yield Rendered(where, before.text(path), "")


def _desired(found: files.Texts) -> Desires:
    """Of every place: what overlays share depends on all of them."""
    estate = loading.require(loading.of_texts(found))
    names = [one.name for one in rendering.chosen(estate, Scope()) if one.name in PACKAGING]
    scope = Scope(tuple(names))
    made = rendering.desires(found, scope, Inventory(), desires.code_version())
    if not made.ok:
        first = next(one for one in made.diagnostics if one.severity.value == "error")
        raise RefusedError(f"the estate has an error: {first.summary}", fix=first.fix)
    return made
