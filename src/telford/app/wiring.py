"""Where everything of an estate that runs is kept, and how its records are opened.

Files live in the state folder (``.telford`` beside the estate, hidden from its loader):

    store.db        records            flows.db    the durable engine's own
    places/PLACE/   a local place      up.json     where a running `telford up` can be reached
    up.log          what a detached one said    portal.token   what opens its portal

Called by the use cases that run or look at a place; `telford.app.controlling` adds the controller.
"""

from dataclasses import dataclass
from pathlib import Path

from telford.app.settings import Settings
from telford.basics import clock as clocks
from telford.basics.errors import PermanentError, RefusedError
from telford.store.store import Store

STATE_FOLDER = ".telford"
PRIVATE = 0o700


@dataclass(frozen=True, slots=True)
class Files:
    """Where everything of one estate is kept; `estate` is its own folder (None: nothing of it is
    needed).
    """

    state: Path
    store_url: str
    estate: Path | None = None

    @property
    def flows_url(self) -> str:
        """The durable engine's database: a file beside the records on SQLite; a schema of its own
        in the records' database elsewhere, so that controllers on several machines share it.
        """
        if self.store_url.startswith("sqlite"):
            return f"sqlite:///{self.state / 'flows.db'}"
        return self.store_url

    @property
    def token(self) -> Path:
        """The portal's start token; private."""
        return self.state / "portal.token"

    @property
    def serving(self) -> Path:
        """Where a running `telford up` can be reached; private, it holds the start token."""
        return self.state / "up.json"

    @property
    def log(self) -> Path:
        """What a detached `telford up` said."""
        return self.state / "up.log"

    def place(self, name: str) -> Path:
        """The folder of a local place."""
        return self.state / "places" / name.replace("/", "_")


def files(settings: Settings, folder: Path) -> Files:
    """Where the files of an estate's folder are; nothing is made yet."""
    state = Path(settings.state) if settings.state else folder / STATE_FOLDER
    state = state.absolute()
    url = settings.store or f"sqlite:///{state / 'store.db'}"
    return Files(state, url, folder.absolute())


def open_store(kept: Files, clock: clocks.Clock) -> Store:
    """The records, made where they are not there yet."""
    try:
        kept.state.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise PermanentError(
            f"cannot make the folder {kept.state}: {error.strerror}",
            fix="set TELFORD_STATE to a folder that you may write to",
        ) from error
    return Store(kept.store_url, clock)


def look(kept: Files, clock: clocks.Clock) -> Store:
    """The records of a place that has run. Raises `RefusedError` where there are none."""
    if kept.store_url.startswith("sqlite") and not (kept.state / "store.db").exists():
        raise RefusedError("nothing has run here yet", fix="start the estate: telford up")
    return Store(kept.store_url, clock)
