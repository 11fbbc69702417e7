"""dev -> staging -> prod by binding the very release; by hand, out of order, by itself."""

import dataclasses
import json
import pathlib
from collections.abc import Iterator

import pytest

import bindings
import stores
from telford.app import cluster_place, loading, promotion, release, workloads
from telford.app import quarantine as quarantines
from telford.backends import files
from telford.basics.errors import RefusedError, UsageError
from telford.estate import overlays
from telford.estate.model import Estate
from telford.estate.place import Place
from telford.flows import orders
from telford.store.store import Store
from telford.testing.clock import FakeClock

LOCAL = workloads.Local("/estates/shop", "/usr/bin/python3")
SERVICE = "service/orders"
DIGEST = "shop/orders@sha256:" + "b" * 64
ESTATE = """
apiVersion: telford/v1
kind: Team
name: shop
---
apiVersion: telford/v1
kind: Environment
name: dev
---
apiVersion: telford/v1
kind: Environment
name: staging
order: 1
---
apiVersion: telford/v1
kind: Environment
name: prod
order: 2
promotion: {after: 1h, automatic: true}
---
apiVersion: telford/v1
kind: Config
name: settings
owner: team/shop
values: {MODE: old}
---
apiVersion: telford/v1
kind: Secret
name: database
owner: team/shop
store: vault
path: kv/orders
---
apiVersion: telford/v1
kind: Service
name: orders
owner: team/shop
delivery: canary
routes: [{path: /}]
run:
  image: shop/orders:1.0.0
  env:
    MODE: {config: settings, key: MODE}
    PASSWORD: {secret: database, key: password}
  local:
    command: [python, serve.py]
    env: {MODE: old}
---
apiVersion: telford/v1
kind: Delivery
name: canary
owner: team/shop
steps: [{weight: 50%, soak: 1s}]
---
apiVersion: telford/v1
kind: Objective
name: availability
owner: team/shop
service: orders
target: 99%
sli: {availability: {}}
"""

ON_CLUSTER = ESTATE.replace(
    """  local:
    command: [python, serve.py]
    env: {MODE: old}
""",
    "",
)


class World:
    """A store with all places; releases end as the test says."""

    def __init__(self, folder: pathlib.Path, text: str = ESTATE) -> None:
        self.clock = FakeClock()
        self.store = Store(stores.fresh(folder / "store.db"), self.clock)
        self.estate = estate(text)
        self.on_cluster = text == ON_CLUSTER
        for place in ("dev", "staging", "prod"):
            self.bind(place, "1.0.0", release.digest(self.service(), "1.0.0"))

    def service(self) -> workloads.Bound:
        return workloads.named(overlays.bind(self.estate, Place("dev")), "orders")

    def bind(self, place: str, version: str, digest: str, row: str | None = None) -> None:
        binding = overlays.bind(self.estate, Place(place))
        local = cluster_place.on_cluster(LOCAL, binding) if self.on_cluster else LOCAL
        generation = bindings.following(self.store, place, SERVICE)
        made = workloads.workload(workloads.named(binding, "orders"), version, generation, local)
        known = self.store.releases.get(row) if row else None
        if known:
            released = orders.workload(known.workloads["canary"])
            made = dataclasses.replace(released, generation=generation)
        bindings.bind(self.store, place, SERVICE, made, digest=digest, release=row)

    def prepared(self, place: str, origin: str, skip: str = "") -> release.Prepared:
        binding = overlays.bind(self.estate, Place(place))
        now = self.clock.now()
        found = promotion.find(
            self.store, self.estate, binding, "orders", origin, skip=skip, now=now
        )
        return promotion.prepare(self.store, binding, LOCAL, found, now=now)

    def released(self, place: str, image: str, version: str) -> release.Prepared:
        binding = overlays.bind(self.estate, Place(place))
        return release.prepare(
            self.store, binding, LOCAL, "orders", image=image, version=version, now=self.clock.now()
        )

    def finish(self, made: release.Prepared, phase: str = "promoted") -> str:
        """Start it and let it end so."""
        row = release.start(self.store, made, who="ann", now=self.clock.now())
        self.end(row.id, phase)
        return row.id

    def end(self, key: str, phase: str) -> None:
        row = self.store.releases.get(key)
        assert row is not None
        lease = self.store.leases.take(row.place, "one", 10.0, gone=lambda other: True)
        done = dataclasses.replace(row, phase=phase, active=False, finished_at=self.clock.now())
        with self.store.writing(lease) as writing:
            self.store.releases.save(writing, [done])
        if phase == "promoted":
            self.bind(row.place, row.to_version, row.digest, row.id)


def estate(text: str = ESTATE) -> Estate:
    return loading.require(loading.of_texts(files.Texts(texts={"shop.yaml": text})))


@pytest.fixture
def world(tmp_path: pathlib.Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


def test_a_release_goes_from_place_to_place_by_digest_and_stays_the_same(world: World) -> None:
    world.finish(world.released("dev", DIGEST, "1.1.0"))
    made = world.prepared("staging", "dev")
    assert made.contents is not None
    assert (made.contents.image, made.to_version) == (DIGEST, "1.1.0")
    world.finish(made)
    world.clock.advance(3600)
    last = world.prepared("prod", "staging")
    known = world.store.bindings.get("dev", SERVICE)
    assert known is not None
    assert known.digest == made.digest == last.digest
    version = world.store.versions.get(SERVICE, last.digest)
    assert version is not None
    assert version.image == DIGEST


def images(made: release.Prepared) -> list[str]:
    [running] = [one for one in made.canary.objects if one["kind"] == "Deployment"]
    return [one["image"] for one in running["spec"]["template"]["spec"]["containers"]]


def test_what_a_cluster_runs_is_promoted_by_its_digest_by_hand_and_by_itself(
    tmp_path: pathlib.Path,
) -> None:
    world = World(tmp_path, ON_CLUSTER)
    world.finish(world.released("dev", DIGEST, "1.1.0"))
    made = world.prepared("staging", "dev")
    assert images(made) == [DIGEST]
    world.finish(made)
    world.clock.advance(3600)
    now = world.clock.now()
    [row], problems = promotion.go(world.store, world.estate, Place("prod"), LOCAL, now)
    assert problems == ()
    assert DIGEST in json.dumps(row.workloads["canary"]["objects"])
    world.store.close()


def test_what_was_started_by_up_can_be_promoted_too(world: World) -> None:
    world.bind("dev", "1.0.5", release.digest(world.service(), "1.0.5"))
    assert world.prepared("staging", "dev").to_version == "1.0.5"


def test_order_soak_and_a_changed_base_refuse_with_the_reason(world: World) -> None:
    world.finish(world.released("dev", DIGEST, "1.1.0"))
    with pytest.raises(RefusedError, match="prod comes after staging"):
        world.prepared("prod", "dev")
    assert world.prepared("prod", "dev", skip="customers cannot pay").to_version == "1.1.0"
    world.finish(world.prepared("staging", "dev"))
    with pytest.raises(RefusedError, match="stays in staging for 1h more"):
        world.prepared("prod", "staging")
    world.clock.advance(3600)
    world.estate = estate(ESTATE.replace("routes: [{path: /}]", "routes: [{path: /v2}]"))
    with pytest.raises(RefusedError, match="describes another service/orders"):
        world.prepared("prod", "staging")
    with pytest.raises(UsageError, match="does not run in nowhere"):
        world.prepared("prod", "nowhere")


def test_what_was_rolled_back_or_quarantined_does_not_go_on(world: World) -> None:
    world.finish(world.released("dev", DIGEST, "1.1.0"))
    made = world.prepared("staging", "dev")
    world.finish(made, "rolled-back")
    with pytest.raises(RefusedError, match="quarantined in staging"):
        world.prepared("staging", "dev")
    found = quarantines.add(world.store, "prod", SERVICE, "1.1.0", who="ann", reason="leaks memory")
    with pytest.raises(RefusedError, match="leaks memory"):
        world.finish(world.released("prod", DIGEST, "1.1.0"))
    with pytest.raises(UsageError, match="say why"):
        quarantines.lift(world.store, found.id, who="ann", reason=" ")
    quarantines.lift(world.store, found.id, who="ann", reason="it was the other one")
    with pytest.raises(RefusedError, match="lifted already"):
        quarantines.lift(world.store, found.id, who="bob", reason="again")
    assert world.finish(world.released("prod", DIGEST, "1.1.0"))


def test_an_automatic_promotion_happens_once_after_its_time(world: World) -> None:
    world.finish(world.released("dev", DIGEST, "1.1.0"))
    world.finish(world.prepared("staging", "dev"))
    prod = Place("prod")

    def go() -> tuple[str, ...]:
        begun, problems = promotion.go(world.store, world.estate, prod, LOCAL, world.clock.now())
        assert not problems
        return tuple(row.to_version for row in begun)

    assert go() == ()
    world.clock.advance(3600)
    assert go() == ("1.1.0",)
    assert go() == ()  # it is on its way
    [row] = world.store.releases.find(place="prod", active=True)
    assert row.reason == "promoted from staging by itself"
    world.end(row.id, "aborted")
    assert go() == ()  # a person said no: only a person tries again
    assert promotion.go(world.store, world.estate, Place("staging"), LOCAL, 1e12)[0] == ()


def test_the_matrix_says_what_is_where_and_what_waits_why(world: World) -> None:
    world.finish(world.released("dev", DIGEST, "1.1.0"))
    world.finish(world.prepared("staging", "dev"))
    [row] = promotion.matrix(world.store, world.estate, world.clock.now())
    cells = {one.place: one.as_json() for one in row.cells}
    assert [cells[one]["version"] for one in ("dev", "staging", "prod")] == [
        "1.1.0",
        "1.1.0",
        "1.0.0",
    ]
    assert cells["dev"]["next"] is None
    waiting = cells["prod"]["next"]
    assert (waiting["version"], waiting["from"], waiting["open"]) == ("1.1.0", "staging", False)
    assert waiting["opens_at"] == world.clock.now() + 3600
    assert promotion.matrix(world.store, world.estate, 0.0, "nothing") == ()


def test_configuration_that_changed_between_two_releases_comes_back_with_the_first(
    world: World,
) -> None:
    first = world.finish(world.released("dev", "", "1.0.1"))
    world.estate = estate(ESTATE.replace("MODE: old", "MODE: new"))
    second = world.finish(world.released("dev", "", "1.1.0"))
    rows = {key: world.store.releases.get(key) for key in (first, second)}
    settings = {key: row.workloads["settings"] for key, row in rows.items() if row}
    assert settings[first]["configs"] != settings[second]["configs"]
    assert settings[first]["secrets"] == settings[second]["secrets"]
    assert "password" not in str(settings)
    newest, before, *_ = world.store.bindings.history("dev", SERVICE)
    assert newest.workload is not None
    assert before.workload is not None
    assert newest.workload["env"] == {"MODE": "new"}
    assert before.workload["env"] == {"MODE": "old"}
    # A rollback binds what was bound: the workload of then, not what the estate says today.
    world.bind("dev", before.version, before.digest, first)
    again = world.store.bindings.get("dev", SERVICE)
    assert again is not None
    assert again.workload["env"] == {"MODE": "old"}


def test_a_secret_kept_elsewhere_is_another_setting(world: World) -> None:
    before = world.released("dev", "", "1.0.1").settings
    world.estate = estate(ESTATE.replace("kv/orders", "kv/orders-2"))
    after = world.released("dev", "", "1.0.1").settings
    assert before.secrets != after.secrets
    assert before.configs == after.configs
