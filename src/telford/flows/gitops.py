"""Git kept as a place is: bindings become commits or change requests, rollbacks stay rolled back.

Level by level, as the controller's tick: what the store says is stable must be what Git says, and
what differs is *owed*, a row that outlives Git being away. A step that was killed anywhere is found
again: a commit by a line of its message, a change request by its branch. Writes to the store are
fenced by the lease's epoch, writes to Git by the head that they stand on and by the generation in the
place's record. Runs beside the tick, never in it, because a Git host may take its time. Made by
`telford.app.gitops`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from telford.basics import clock as clocks
from telford.basics.errors import OutsideError, PermanentError, RefusedError, TelfordError
from telford.deliver import gitchange, quarantine
from telford.deliver.gitchange import Change, Document, Kept, Rendered
from telford.deliver.quarantine import Quarantine
from telford.flows import boundaries as edges
from telford.ports.git import CLOSED, MERGED, GitHost, Submission
from telford.store.bindings import Bound
from telford.store.database import Lease
from telford.store.git_changes import ASKED, DONE, STUCK, GitChange
from telford.store.releases import Release
from telford.store.store import Store

ACTOR = "controller"
GIT_DECIDE, GIT_COMMIT, GIT_REQUEST, GIT_MERGE, GIT_RECORD = (
    "git.decide",
    "git.commit",
    "git.request",
    "git.merge",
    "git.record",
)
BOUNDARIES = (GIT_DECIDE, GIT_COMMIT, GIT_REQUEST, GIT_MERGE, GIT_RECORD)
"""The effects of this room, each with a "before" and an "after"."""
# A host that is away is asked again, later each time; one that says no for good now and then, because
# a new token or a new right mends it without anybody telling us.
RETRY_CAP_SECONDS = 60.0
REFUSED_SECONDS = 300.0
_DOUBLINGS = 10
# Ended releases that are looked through for those that their evidence condemned.
LOOKED_BACK = 200
_MOMENT_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Site:
    """Where one service of a place is in Git. `render` gives the manifests with an image, before and
    after, as the estate makes them; `document` where the estate itself is there; `version` and
    `image` are what the estate says today.
    """

    service: str
    place: str
    record: str
    render: Callable[[str], Sequence[Rendered]] = field(compare=False, repr=False)
    document: Document | None = None
    version: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a change gets in: the branch, by commit or by request, and whether that is merged by us."""

    branch: str
    by_request: bool = False
    merge: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What a step did, for whoever shows it: sentences, and since when Git is behind (None: it is
    not).
    """

    said: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    behind_since: float | None = None


class Deliverer:
    """One place's Git folder, kept by the holder of a lease: the place's, or one of its own."""

    def __init__(  # every collaborator comes in by name
        self,
        store: Store,
        lease: Lease,
        clock: clocks.Clock,
        host: GitHost,
        sites: Sequence[Site],
        manner: Manner,
        *,
        retry_seconds: float = 2.0,
        boundaries: edges.Boundaries | None = None,
    ) -> None:
        self._store = store
        self._lease = lease
        self._clock = clock
        self._host = host
        assert sites, "nobody but us is in charge there"
        self._place = sites[0].place
        self._sites = {one.service: one for one in sites}
        self._manner = manner
        self._retry = retry_seconds
        self._boundaries = boundaries or edges.Quiet()
        self._looked_at = ""

    def step(self) -> Report:
        """Everything that is due now. Raises `RefusedError` where the lease was lost."""
        said: list[str] = []
        problems: list[str] = []
        condemn(self._store, self._lease, self._place)
        for site in self._sites.values():
            self._decide(site, said, problems)
        for row in self._store.git_changes.open(self._place):
            if row.next_at <= self._clock.now():
                self._carry(row, said, problems)
        self._look(said, problems)
        return Report(tuple(said), tuple(problems), behind_since(self._store, self._place))

    # --- what is owed -------------------------------------------------------------------------

    def _decide(self, site: Site, said: list[str], problems: list[str]) -> None:
        """Owe a change where the binding, or what is kept out, is not what was written last."""
        bound = self._store.bindings.get(site.place, site.service)
        if bound is None:
            return
        image = self._image(site, bound)
        wanted = _Wanted(bound, image, self._kept_out(site))
        written = self._store.git_changes.of(site.place, site.service)
        if not image or wanted.met_by(written):
            return
        try:
            change = _change(site, wanted, written)
        except TelfordError as error:
            problems.append(f"{site.service}: {error.message}")
            return
        self._owe(change)
        said.append(f"{change.title}: owed to Git")

    def _owe(self, change: Change) -> None:
        # Later than the one before it, also within one moment: the newest is what Git shall say.
        before = self._store.git_changes.of(change.place, change.service)
        after = before[-1].at + _MOMENT_SECONDS if before else 0.0
        row = GitChange(
            id=change.id,
            place=change.place,
            service=change.service,
            purpose=change.purpose,
            generation=change.generation,
            digest=change.digest,
            change=change.to_json(),
            at=max(self._clock.now(), after),
        )
        with (
            edges.around(self._boundaries, GIT_DECIDE),
            self._store.writing(self._lease) as writing,
        ):
            if self._store.git_changes.owe(writing, row):
                detail = {"change": row.id, "digest": row.digest, "service": row.service}
                self._store.audit.append(
                    writing, ACTOR, f"owes Git a {row.purpose}", f"place/{row.place}", detail
                )

    def _kept_out(self, site: Site) -> tuple[Kept, ...]:
        found = self._store.quarantines.of(site.place, site.service)
        by_image = {one.image: Kept(one.image, one.reason, one.id) for one in found if one.image}
        return tuple(by_image[image] for image in sorted(by_image))

    def _image(self, site: Site, bound: Bound) -> str:
        """The image of what is bound; of what no release brought, as the estate says it."""
        version = self._store.versions.get(bound.service, bound.digest)
        if version is not None:
            return version.image
        return site.image if site.version == bound.version else ""

    # --- carrying it out ----------------------------------------------------------------------

    def _carry(self, row: GitChange, said: list[str], problems: list[str]) -> None:
        """One change, as far as it gets now; what went wrong is kept in its row."""
        change = Change.from_json(row.change)
        try:
            after = self._delivered(row, change)
        except RefusedError as error:
            after = replace(self._later(row, error.message, REFUSED_SECONDS), state=STUCK)
        except PermanentError as error:
            after = self._later(row, error.message, REFUSED_SECONDS)
        except OutsideError as error:
            pause = min(self._retry * 2 ** min(row.attempts, _DOUBLINGS), RETRY_CAP_SECONDS)
            after = self._later(row, error.message, pause)
        if after.problem:
            problems.append(f"{change.title}: {after.problem}")
        if after.state != row.state:
            said.append(f"{change.title}: {after.state}")
        self._record(row, after)

    def _later(self, row: GitChange, problem: str, pause: float) -> GitChange:
        at = self._clock.now() + pause
        return replace(row, attempts=row.attempts + 1, next_at=at, problem=problem)

    def _record(self, before: GitChange, after: GitChange) -> None:
        if after == before:
            return
        with (
            edges.around(self._boundaries, GIT_RECORD),
            self._store.writing(self._lease) as writing,
        ):
            self._store.git_changes.save(writing, after)
            if after.state != before.state:
                detail = {"change": after.id, "commit": after.commit, "url": after.url}
                detail |= {"problem": after.problem, "service": after.service}
                verb = f"{after.purpose} in Git is {after.state}"
                self._store.audit.append(writing, ACTOR, verb, f"place/{after.place}", detail)

    def _delivered(self, row: GitChange, change: Change) -> GitChange:
        """The row after the next steps in Git."""
        into = self._manner.branch
        known = self._host.find(into, change.line)
        if known:
            return self._done(row, known)
        if self._manner.by_request:
            return self._requested(row, change)
        head = self._head(into)
        commit = self._committed(change, head, into, create=False)
        return self._done(row, commit or head)

    def _requested(self, row: GitChange, change: Change) -> GitChange:
        """By a pull or merge request: its branch, the request, and where that is wanted the merge."""
        into = self._manner.branch
        asked = self._host.request(change.branch, into)
        if asked is None:
            if not self._host.find(change.branch, change.line):
                head = self._head(into)
                if not self._committed(change, head, change.branch, create=True):
                    return self._done(row, head)
            with edges.around(self._boundaries, GIT_REQUEST):
                asked = self._host.open_request(change.branch, into, change.title, change.message)
        if asked.state == CLOSED:
            raise RefusedError(f"people closed the change request {asked.url}")
        if asked.state != MERGED and self._manner.merge:
            with edges.around(self._boundaries, GIT_MERGE):
                asked = self._host.merge(asked)
        if asked.state == MERGED:
            return replace(self._done(row, asked.head), url=asked.url)
        pause = self._clock.now() + min(self._retry * 5, RETRY_CAP_SECONDS)
        return replace(
            row, state=ASKED, url=asked.url, commit=asked.head, next_at=pause, problem=""
        )

    def _committed(self, change: Change, head: str, branch: str, *, create: bool) -> str:
        """The commit, "" where the branch says all of it already."""
        heads = {path: self._host.read(path, head) for path in change.paths}
        files = gitchange.texts(change, heads)
        if not files:
            return ""
        at = self._clock.now()
        wanted = Submission(branch, head, change.message, files, at, create)
        with edges.around(self._boundaries, GIT_COMMIT):
            return self._host.commit(wanted)

    def _head(self, branch: str) -> str:
        head = self._host.head(branch)
        if not head:
            raise PermanentError(
                f"{self._host.name} has no branch {branch}",
                fix="make it, or say another one: the Environment's git.branch",
            )
        return head

    def _done(self, row: GitChange, commit: str) -> GitChange:
        at = self._clock.now()
        return replace(row, state=DONE, commit=commit, done_at=at, problem="")

    # --- what others write --------------------------------------------------------------------

    def _look(self, said: list[str], problems: list[str]) -> None:
        """Where the branch moved: see whether it brings back what is kept out."""
        held = {one.service: one for one in self._store.git_changes.open(self._place)}
        try:
            head = self._host.head(self._manner.branch)
            if not head or head == self._looked_at:
                return
            for service, site in self._sites.items():
                if service not in held:  # what is owed anyway takes it out
                    self._look_at(site, head, said)
        except OutsideError as error:
            problems.append(error.message)
            return
        self._looked_at = head

    def _look_at(self, site: Site, head: str, said: list[str]) -> None:
        known = {one.id: one for one in self._store.quarantines.of(site.place, site.service)}
        written = self._store.git_changes.of(site.place, site.service)
        bound = self._store.bindings.get(site.place, site.service)
        if not known or not written or bound is None:
            return
        last = Change.from_json(written[-1].change)
        heads = {one.path: self._host.read(one.path, head) for one in last.rendered}
        if last.document is not None:
            heads[last.document.path] = self._host.read(last.document.path, head)
        images = {key: one.image for key, one in known.items()}
        for key in gitchange.brings_back(last, heads, images):
            self._take_out(site, bound, known[key], last, head, said)

    def _take_out(  # all of what is known of it
        self,
        site: Site,
        bound: Bound,
        one: Quarantine,
        last: Change,
        head: str,
        said: list[str],
    ) -> None:
        """Owe the rollback once more, or raise the alarm: never for ever."""
        if one.alarm is not None:
            return
        again = quarantine.returned(one)
        if again:
            more = (*(kept.image for kept in last.kept_out), head)
            key = gitchange.key(site.place, site.service, bound.generation, bound.digest, *more)
            reason = f"commit {head[:12]} brought back what is quarantined: {one.reason}"
            self._owe(replace(last, id=key, purpose=gitchange.REAPPLY, reason=reason))
        count(self._store, self._lease, one, f"commit {head[:12]}")
        said.append(f"{one.sentence}; commit {head[:12]} brought it back")
        if not again:
            said.append(f"{one.id}: it came back {one.returns} times; a person must look at it")


def condemn(store: Store, lease: Lease, place: str) -> tuple[Quarantine, ...]:
    """Quarantine the versions of releases that their own evidence rolled back; each once."""
    found = [
        _quarantine(store, row)
        for row in store.releases.find(place=place, active=False, limit=LOOKED_BACK)
        if row.phase in quarantine.CONDEMNED and store.quarantines.get(row.id) is None
    ]
    if found:
        with store.writing(lease) as writing:
            for one in found:
                if store.quarantines.add(writing, one):
                    detail = {"service": one.service, "version": one.version, "why": one.reason}
                    store.audit.append(
                        writing, ACTOR, "quarantined", f"quarantine/{one.id}", detail
                    )
    return tuple(found)


def count(store: Store, lease: Lease, one: Quarantine, how: str) -> None:
    """Write down that a quarantined version came back, or that it did so too often."""
    again = quarantine.returned(one)
    with store.writing(lease) as writing:
        store.quarantines.returned(writing, one.id, alarm=not again)
        verb = "took out again" if again else "gave up taking out"
        detail = {"how": how, "service": one.service, "version": one.version}
        store.audit.append(writing, ACTOR, verb, f"quarantine/{one.id}", detail)


def behind_since(store: Store, place: str) -> float | None:
    """Since when Git does not say what runs; None where it does."""
    return min((one.at for one in store.git_changes.open(place)), default=None)


def quarantined(row: Release, image: str) -> Quarantine:
    """The quarantine that the row of a rolled back release stands for."""
    reason = row.state.get("reason", "") if isinstance(row.state, Mapping) else ""
    return Quarantine(
        id=row.id,
        place=row.place,
        service=row.service,
        version=row.to_version,
        digest=row.digest,
        image=image,
        reason=str(reason) or "rolled back",
        who=ACTOR,
        at=row.finished_at or row.created_at,
    )


def _quarantine(store: Store, row: Release) -> Quarantine:
    version = store.versions.get(row.service, row.digest)
    return quarantined(row, version.image if version is not None else "")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What Git is to say of a service."""

    bound: Bound
    image: str
    kept: tuple[Kept, ...]

    def met_by(self, written: Sequence[GitChange]) -> bool:
        """Whether the newest change says just this, carried out or not yet."""
        if not written:
            return False
        last = Change.from_json(written[-1].change)
        said = (last.generation, last.digest, last.image, last.kept_out)
        return said == (self.bound.generation, self.bound.digest, self.image, self.kept)

    def purpose(self, written: Sequence[GitChange]) -> str:
        """What the change is called: another release, one that was there before, or only what is
        kept out.
        """
        if written and written[-1].digest == self.bound.digest:
            before = Change.from_json(written[-1].change).kept_out
            if before == self.kept:
                return gitchange.PROMOTE  # the same release under other settings
            more = len(self.kept) > len(before)
            return gitchange.QUARANTINE if more else gitchange.LIFT
        known = any(one.digest == self.bound.digest for one in written)
        return gitchange.ROLLBACK if known else gitchange.PROMOTE


def _change(site: Site, wanted: _Wanted, written: Sequence[GitChange]) -> Change:
    bound, kept = wanted.bound, wanted.kept
    out = {Change.from_json(one.change).image for one in written} | {one.image for one in kept}
    purpose = wanted.purpose(written)
    after = written[-1].id if written else ""
    return Change(
        id=gitchange.key(site.place, site.service, bound.generation, bound.digest, after),
        purpose=purpose,
        place=site.place,
        service=site.service,
        release=bound.release or "",
        version=bound.version,
        digest=bound.digest,
        generation=bound.generation,
        image=wanted.image,
        images_out=tuple(sorted(out - {wanted.image, ""})),
        record=site.record,
        rendered=_manifests(site, wanted, purpose, written),
        document=site.document,
        kept_out=kept,
        reason="; ".join(one.reason for one in kept if one.reason),
    )


def _manifests(
    site: Site, wanted: _Wanted, purpose: str, written: Sequence[GitChange]
) -> tuple[Rendered, ...]:
    """As the estate makes them; a release that was there before gets the very manifests of then,
    configuration included, and what is only about a quarantine touches none.
    """
    last = {one.path: one.after for row in written for one in _rendered_by(row)}
    if purpose in (gitchange.QUARANTINE, gitchange.LIFT):
        return tuple(Rendered(path, text, text) for path, text in last.items())
    then: dict[str, str] = {}
    if purpose == gitchange.ROLLBACK:
        same = [row for row in written if row.digest == wanted.bound.digest]
        then = {one.path: one.after for row in same for one in _rendered_by(row)}
    made = {one.path: one for one in site.render(wanted.image)}
    made |= {path: Rendered(path, "", text) for path, text in then.items() if path not in made}
    return tuple(
        Rendered(path, last.get(path, one.before), then.get(path, one.after))
        for path, one in made.items()
    )


def _rendered_by(row: GitChange) -> tuple[Rendered, ...]:
    return Change.from_json(row.change).rendered if row.state == DONE else ()
