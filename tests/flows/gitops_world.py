"""dev, staging and prod over one bare repository, each with a stand-in for Argo CD that applies it.

The estate, what is built of it and the records lie in one repository. A release is bound as the
controller binds it: the place first, then the store; Git follows by `Deliverer`. `Argo` applies what
its folder says to the fake place, whatever anybody else wants there.
"""

import functools
import pathlib
import shutil
import tempfile
from collections.abc import Callable

import bare_git
import bindings
import git_estates
import quick_yaml as yaml
from git_model import Model
from git_stand_ins import ORIGIN, STAND_INS
from telford.app import desires, gitops, rendering
from telford.app.desires import Scope
from telford.backends import files
from telford.backends.git_hosts import connecting
from telford.deliver.contents import Contents
from telford.estate.place import Place
from telford.estate.workload import Split
from telford.flows import boundaries as edges
from telford.flows.carrying import Outside
from telford.flows.gitops import Deliverer, Manner, Report
from telford.flows.guarding import Guard
from telford.plan.actions import Inventory
from telford.ports.git import GitHost
from telford.store.database import Lease
from telford.store.releases import Release
from telford.store.store import Store
from telford.store.versions import Version
from telford.testing.clock import FakeClock
from telford.testing.place import FakePlace, a_workload

SERVICE, NAME = "service/shop.orders", "orders"
PLACES = ("dev", "staging", "prod")
IMAGES = {
    version: f"registry.example.com/orders:{version}@sha256:{digit * 64}"
    for version, digit in (("1.0.0", "a"), ("1.1.0", "b"), ("1.2.0", "c"))
}
ESTATE = git_estates.shop(
    ("dev", "staging", "prod\nproduction: true"),
    {
        NAME: f"""run:
  # By digest: what was tested is what runs.
  image: {IMAGES["1.0.0"]}
  ports: [{{name: http, port: 8080}}]"""
    },
    delivery="argo-cd",
)
MANIFEST = "deploy/kubernetes/{}/shop/orders.yaml"
DOCUMENT = "estate/shop.yaml"
RECORD = "deploy/telford/{}/releases.json"


@functools.cache
def built() -> dict[str, str]:
    """What `telford build` makes of the estate, by its path in the repository."""
    found = files.Texts(texts={"estate/shop.yaml": ESTATE})
    made = rendering.desires(found, Scope(), Inventory(), desires.code_version())
    assert made.text is not None, made.diagnostics
    return {f"deploy/{path}": made.text(path) for path in made.entries}


class World:
    """See the module. `url` is the store's; only it, the repository and the places outlive `boot`."""

    def __init__(self, folder: pathlib.Path, url: str, manner: Manner | None = None) -> None:
        self.folder, self.url = folder, url
        self.manner = manner or Manner("main")
        self.clock = FakeClock()
        self.origin = folder / "origin.git"
        self.begin()
        (folder / "estate").mkdir()
        (folder / DOCUMENT).write_text(ESTATE)
        self.places = {name: FakePlace(self.clock, {}, {}, 1) for name in PLACES}
        self.synced: dict[str, str] = {}
        self.starts = 0
        self.said: list[str] = []
        self.boot()
        for name in PLACES:
            self.bind(name, "1.0.0")

    def begin(self) -> None:
        """The repository as every world begins with it."""
        shutil.copytree(_template(), self.origin)

    # --- the controllers ----------------------------------------------------------------------

    def boot(self, boundaries: edges.Boundaries | None = None) -> None:
        """New controllers over what is left after a kill."""
        self.starts += 1
        if self.starts > 1:
            self.store.close()
        self.store = Store(self.url, self.clock)
        self.leases = {name: self._lease(name) for name in PLACES}
        self.deliverers = {name: self.deliverer(name, boundaries) for name in PLACES}
        self.guards = {
            name: Guard(self.store, self.leases[name], name, self.outside(name), boundaries)
            for name in PLACES
        }

    def deliverer(
        self, place: str, boundaries: edges.Boundaries | None = None, lease: Lease | None = None
    ) -> Deliverer:
        """The keeper of one place's folder."""
        return Deliverer(
            self.store,
            lease or self.leases[place],
            self.clock,
            self.host(place),
            self.sites(place),
            self.manner,
            boundaries=boundaries,
        )

    def host(self, place: str) -> GitHost:
        """The repository as one controller reaches it."""
        remote = connecting.Remote("git", str(self.origin))
        return connecting.connect(remote, self.folder / f"kept-{place}", {})

    def sites(self, place: str) -> tuple[gitops.Site, ...]:
        """As the estate says it."""
        return _sites((self.folder / DOCUMENT).read_text(), place)

    def outside(self, place: str) -> Outside:
        """The ports of one place."""
        fake = self.places[place]
        return Outside(fake, fake, fake)

    def step(self, place: str = "prod") -> Report:
        """One step of a place's guard and Git keeper."""
        self.clock.advance(5.0)
        self.said += self.guards[place].step()
        report = self.deliverers[place].step()
        self.said += [*report.said, *report.problems]
        return report

    def _lease(self, place: str) -> Lease:
        holder = f"controller {self.starts}"
        return self.store.leases.take(place, holder, 10.0, gone=lambda other: True)

    # --- releases -----------------------------------------------------------------------------

    def bind(self, place: str, version: str, setting: str = "", release: str = "") -> None:
        """A version becomes the stable one: in the place, then in the store."""
        generation = bindings.following(self.store, place, SERVICE)
        workload = a_workload(NAME, version, generation=generation)
        self._run(place, version, generation)
        contents = Contents(SERVICE, version, IMAGES[version], "base")
        known = Version(SERVICE, contents.digest, version, IMAGES[version], self.clock.now())
        with self.store.writing(self.leases[place]) as writing:
            self.store.versions.record(writing, known)
        bindings.bind(
            self.store,
            place,
            SERVICE,
            workload,
            lease=self.leases[place],
            digest=contents.digest,
            release=release or f"{NAME}-{version}-{place}",
        )

    def roll_back(self, place: str, bad: str, good: str) -> None:
        """A release of `bad` was rolled back by its evidence; `good` is stable (again)."""
        digest = Contents(SERVICE, bad, IMAGES[bad], "base").digest
        row = Release(
            id=f"{NAME}-{bad}-{place}",
            service=SERVICE,
            name=NAME,
            place=place,
            from_version=good,
            to_version=bad,
            digest=digest,
            phase="rolled-back",
            policy={},
            state={"reason": "2.1 times the errors"},
            workloads={},
            who="ann",
            reason="",
            tick_seconds=1.0,
            created_at=self.clock.now(),
            active=False,
            finished_at=self.clock.now(),
        )
        known = Version(SERVICE, digest, bad, IMAGES[bad], self.clock.now())
        with self.store.writing() as writing:
            self.store.versions.record(writing, known)
            self.store.releases.create(writing, row)
        bound = self.store.bindings.get(place, SERVICE)
        if bound is None or bound.version != good:
            self.bind(place, good, release="again")

    def _run(self, place: str, version: str, generation: int) -> None:
        fake = self.places[place]
        fake.apply(a_workload(NAME, version, generation=generation))
        fake.route(Split(NAME, generation, {version: 10_000}))
        for _, other in [key for key in fake.workloads if key[1] != version]:
            fake.remove(NAME, other, generation)

    # --- Git and who applies it ---------------------------------------------------------------

    def git(self) -> dict[str, str]:
        """What lies on the branch."""
        return bare_git.checkout(self.origin)

    def log(self) -> list[str]:
        """Messages, newest first."""
        return bare_git.log(self.origin)

    def argo(self, place: str, revision: str = "main") -> str:
        """Apply the folder of a place as it is at a revision; the version that runs then."""
        version = image_of(self.show(revision, MANIFEST.format(place)))
        fake = self.places[place]
        if (NAME, version) not in fake.workloads:
            highest = max(one.generation for one in fake.workloads.values())
            highest = max(highest, fake.splits[NAME].generation)
            self._run(place, version, highest)
        return version

    def show(self, revision: str, path: str) -> str:
        """A file at a revision."""
        return bare_git.git("-C", str(self.origin), "show", f"{revision}:{path}")

    def running(self, place: str) -> dict[str, int]:
        """Who answers."""
        return dict(self.places[place].splits[NAME].weights)

    def away(self) -> None:
        """The repository is not there."""
        self.origin.rename(self.folder / "away.git")

    def back(self) -> None:
        """It is there again."""
        (self.folder / "away.git").rename(self.origin)

    def push(self, files: dict[str, str], message: str = "by hand") -> str:
        """Somebody else's commit."""
        return bare_git.push(self.origin, files, message)

    def until(self, done: Callable[[], bool], place: str = "prod", limit: int = 40) -> None:
        """Step until something is so."""
        for _ in range(limit):
            if done():
                return
            self.step(place)
        raise AssertionError(f"not within {limit} steps; said: {self.said}")


class Hosted(World):
    """The same over a stand-in for a host with an HTTP API, in this process."""

    kind = "github"

    def begin(self) -> None:
        """See `World.begin`."""
        self.model = Model()
        self.model.begin({DOCUMENT: ESTATE, **built()})
        self.behind = STAND_INS[self.kind](self.model)

    def host(self, place: str) -> GitHost:
        """See `World.host`."""
        remote = connecting.Remote(self.kind, f"{ORIGIN}/{self.model.repository}", "env:T")
        return connecting.connect(
            remote, self.folder, {"T": self.model.token}, transport=self.behind.transport()
        )

    def git(self) -> dict[str, str]:
        """See `World.git`."""
        return dict(self.model.files("main") or {})

    def log(self) -> list[str]:
        """See `World.log`."""
        return [one.message for one in self.model.log("main")]

    def show(self, revision: str, path: str) -> str:
        """See `World.show`; ``main~1`` is the commit before."""
        back = int(revision.partition("~")[2] or 0)
        return self.model.log("main")[back].files[path]


def image_of(text: str) -> str:
    """The version that a manifest runs."""
    for one in yaml.safe_load_all(text):
        if one["kind"] == "Deployment":
            image = one["spec"]["template"]["spec"]["containers"][0]["image"]
            return next(version for version, known in IMAGES.items() if known == image)
    raise AssertionError("no Deployment")


@functools.cache
def _sites(text: str, place: str) -> tuple[gitops.Site, ...]:
    """Shared by every world of the same estate: what is rendered is rendered once."""
    folder = pathlib.Path("/somewhere/estate")
    found = files.Texts(texts={"/somewhere/estate/shop.yaml": text})
    kept = gitops.kept(folder, found, Place(place))
    assert kept is not None
    return kept.sites


@functools.cache
def _template() -> pathlib.Path:
    """The repository as every world begins with it."""
    _HELD.append(tempfile.TemporaryDirectory())
    origin = pathlib.Path(_HELD[-1].name) / "origin.git"
    bare_git.bare(origin, {DOCUMENT: ESTATE, **built()})
    return origin


_HELD: list[tempfile.TemporaryDirectory[str]] = []
