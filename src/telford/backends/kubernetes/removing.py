"""`remove`: a version ends; and where the version at home ends, the new one moves home. Used by `place`.

After a promotion all requests go to a guest, and the home still has the old version. Its removal
is the guest's move: the home takes the new version's template and rolls, with nobody sent to it;
once every pod of it is ready, requests are led home, and the guest ends. So what is left is what
the estate renders for the new version, and nothing else (docs/decisions/0018).
"""

import dataclasses

from telford.backends.kubernetes import arms, names, pods, running
from telford.backends.kubernetes.ground import Ground, Snapshot
from telford.backends.kubernetes.record import Arm, Record
from telford.backends.kubernetes.routing import Router
from telford.basics.errors import PermanentError, RefusedError, TemporaryError
from telford.ports.objects import Object
from telford.road import conventions

# An order is asked again after that; the move goes on where it was.
MOVE_SECONDS = 30.0
_REST_SECONDS = 0.5


class Remover:
    """Ends versions of services in one namespace."""

    def __init__(self, on: Ground, router: Router, move_seconds: float = MOVE_SECONDS) -> None:
        self._ground = on
        self._router = router
        self._move_seconds = move_seconds

    def remove(self, service: str, version: str, generation: int) -> None:
        """See `ports.Cluster.remove`. Raises `TemporaryError` while a version moves home."""
        self._ground.decide(
            lambda: self._once(service, version, generation), f"remove {service} {version}"
        )

    def _once(self, service: str, version: str, generation: int) -> None:
        seen = self._ground.look()
        kept = seen.record(service)
        going = [one for one in kept.arms if one.version == version]
        if not going:
            self._sweep(seen, kept)
            if generation > kept.generation:
                kept = self._begin(seen, kept, generation)
            if generation >= kept.generation:
                self._finish_move(seen, kept)
            return
        if kept.weight(version):
            raise RefusedError(
                f"version {version} of {service} carries {kept.weight(version) / 100:g}% of the"
                " traffic",
                fix=f"route {service} to another version first",
            )
        kept = self._begin(seen, kept, generation, leaving=version)
        for arm in going:
            if arm.home:
                self._leave_home(seen, kept)
            else:
                self._end_guest(seen, kept, arm)
            seen = self._ground.look()
            kept = seen.record(service)

    def _begin(self, seen: Snapshot, kept: Record, generation: int, leaving: str = "") -> Record:
        """The fences, and that somebody leaves, in one write."""
        wanted = kept.fenced(generation, seen.workload_generation(kept), "removal")
        marked = tuple(
            dataclasses.replace(one, leaving=True) if one.version == leaving else one
            for one in kept.arms
        )
        wanted = self._ground.keep(seen, dataclasses.replace(wanted, arms=marked))
        stamped = [one.name for one in wanted.arms]
        self._ground.stamp(seen, wanted.kind, stamped, wanted.generation)
        self._router.fence(seen, wanted)
        return wanted

    def _end_guest(self, seen: Snapshot, kept: Record, arm: Arm) -> None:
        """Out of the routes first, then the pods (which drain), then what was made for them."""
        others = tuple(one for one in kept.arms if one.name != arm.name)
        rest = dataclasses.replace(kept, arms=others)
        self._router.lead(seen, rest)
        item = seen.get(kept.kind, arm.name)
        if item is not None:
            self._ground.delete(seen, kept.kind, item)
        service = seen.get("Service", arm.name)
        if service is not None and conventions.LABEL_RUNS in (service["metadata"]["labels"] or {}):
            self._ground.delete(seen, "Service", service)
        again = any(one.version == arm.version for one in rest.arms)
        for made in kept.made if not again else ():
            if made.version == arm.version:
                self._drop(seen, made.api_version, made.kind, made.name)
        self._ground.keep(seen, kept.without(arm.name))

    def _drop(self, seen: Snapshot, api_version: str, kind: str, name: str) -> None:
        """Something that a guest brought, where it is ours."""
        resource = self._ground.resource(api_version, kind)
        listing = self._ground.server.get(resource, self._ground.namespace, name)
        for item in listing.items:
            if arms.seen_generation(item):
                self._ground.delete(seen, kind, item)

    def _leave_home(self, seen: Snapshot, kept: Record) -> None:
        heir = kept.arm(kept.whole) if kept.whole else None
        if heir is not None and not heir.home:
            self._move_home(seen, kept, heir)
            return
        if kept.guests:
            raise RefusedError(
                f"no other version of {kept.service} has all of its traffic",
                fix="route it to one version first",
            )
        if not kept.ours:
            raise RefusedError(
                f"{kept.home} was in the cluster before {kept.service} was released there",
                fix="delete it yourself if it shall end",
            )
        self._end_home(seen, kept)

    def _end_home(self, seen: Snapshot, kept: Record) -> None:
        """The only version, made by us: everything of it."""
        arm = kept.at_home
        assert arm is not None, "who leaves home is there"
        item = seen.running(kept, arm)
        if item is not None:
            self._ground.delete(seen, kept.kind, item)
        for other in reversed(arms.others(arm.workload)):
            about = other["metadata"]
            resource = self._ground.resource(str(other["apiVersion"]), str(other["kind"]))
            found = self._ground.server.get(resource, self._ground.namespace, str(about["name"]))
            for one in found.items:
                self._ground.delete(seen, str(other["kind"]), one)
        empty = dataclasses.replace(kept.without(arm.name), home="", adopted="", ours=False)
        self._ground.keep(seen, empty)

    # --- the move home -------------------------------------------------------------------------

    def _move_home(self, seen: Snapshot, kept: Record, heir: Arm) -> None:
        """Each step is seen to be done before the next; whoever comes back goes on."""
        old = kept.at_home
        assert old is not None, "somebody leaves"
        # 1. The home takes the new version, with nobody sent to it.
        self._furnish(seen, kept, old, heir)
        # 2. Every pod of it is ready, as many as the guest has.
        self._await_home(kept, old, heir)
        # 3. Requests are led home, and the cluster shows that they are.
        seen = self._ground.look()
        kept = seen.record(kept.service)
        at_home = dataclasses.replace(heir, name=old.name, home=True)
        moved = dataclasses.replace(
            kept.remembering(old),
            adopted=heir.version,
            arms=(at_home, *(dataclasses.replace(one, leaving=True) for one in kept.guests)),
            made=tuple(one for one in kept.made if one.version != heir.version),
        )
        moved = self._ground.keep(seen, moved)
        self._router.lead(seen, moved)
        self._router.confirm(kept.service)
        # 4. The guest ends.
        self._end_guests(moved.service)

    def _finish_move(self, seen: Snapshot, kept: Record) -> None:
        """The last steps of a move whose holder was killed when the old version was gone."""
        if any(one.leaving for one in kept.guests):
            self._router.lead(seen, kept)
            self._router.confirm(kept.service)
            self._end_guests(kept.service)

    def _end_guests(self, service: str) -> None:
        seen = self._ground.look()
        kept = seen.record(service)
        for arm in kept.guests:
            if arm.leaving:
                self._end_guest(seen, kept, arm)
                seen = self._ground.look()
                kept = seen.record(service)

    def _furnish(self, seen: Snapshot, kept: Record, old: Arm, heir: Arm) -> None:
        item = seen.running(kept, old)
        if item is None:
            raise PermanentError(f"{old.name} is gone", fix="apply it again, then promote again")
        if running.at_home(item, kept) == heir.version:
            return
        git = arms.gitops(item)
        if git:
            raise TemporaryError(
                f"{old.name} is what {git} says: it waits for the commit that says"
                f" {heir.version}, and {heir.name} serves until then",
                fix=f"promote {kept.service} in Git",
            )
        for other in arms.others(heir.workload):
            if other.get("kind") != "Service":
                about = {**other["metadata"], "namespace": self._ground.namespace}
                self._ground.apply(seen, {**other, "metadata": about})
        moved = arms.home(dataclasses.replace(heir.workload, generation=kept.generation), item)
        if seen.scaler(kept) is None:
            guest = seen.running(kept, heir)
            serving = int(guest["spec"].get("replicas", 1)) if guest else 0
            moved["spec"]["replicas"] = max(heir.workload.replicas, serving)
        self._ground.update(seen, kept.kind, moved)

    def _await_home(self, kept: Record, old: Arm, heir: Arm) -> None:
        """Bounded: the order comes back, and what is done is not done again."""
        clock = self._ground.clock
        end = clock.monotonic() + self._move_seconds
        while True:
            seen = self._ground.look()
            item = seen.running(kept, old)
            if item is not None and pods.settled(item, heir.workload.replicas):
                return
            if clock.monotonic() >= end:
                status = (item.get("status") or {}) if item else {}
                ready = int(status.get("readyReplicas", 0))
                late = f" ({pods.overdue(item)})" if item and pods.overdue(item) else ""
                raise TemporaryError(
                    f"version {heir.version} moves home: {ready} of its replicas are ready in"
                    f" {old.name}{late}; {heir.name} serves until all are",
                    retry_after_seconds=2.0,
                )
            self._ground.rest(seen, kept.kind, _REST_SECONDS)

    def _sweep(self, seen: Snapshot, kept: Record) -> None:
        """What a controller made that was overtaken and died before it could take it back."""
        known = {one.name for one in kept.arms}
        for kind in (kept.kind, "Service"):
            for item in seen.of(kind):
                labels = item["metadata"].get("labels") or {}
                mine = names.label(kept.service) == labels.get(conventions.LABEL_SERVICE)
                inert = kind == "Service" or not item["spec"].get("replicas", 1)
                guest = conventions.LABEL_RUNS in labels and _name(item) not in known
                if mine and inert and guest:
                    self._ground.delete(seen, kind, item)


def _name(item: Object) -> str:
    return str(item["metadata"]["name"])
