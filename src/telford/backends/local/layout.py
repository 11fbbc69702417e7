"""Where a local place keeps its files, and how they are made private and written whole.

    ROOT/                     0700
    ├── state.json            what is wanted (workloads, splits, routes, generations)
    ├── run/                  0700, worth nothing after the supervisor ended
    │   ├── supervisor.lock   held by the supervisor, its pid inside
    │   ├── supervisor.sock   0600, the protocol
    │   ├── admin.sock        0600, Envoy's own admin
    │   ├── bootstrap.json    Envoy's start configuration
    │   └── xds/              lds.json, cds.json, rds/, eds/
    ├── logs/                 supervisor.log, envoy.log, SERVICE/VERSION/REPLICA.log (.1 is older)
    └── data/SERVICE/         what `{state}` in a command stands for

Used by the supervisor and by the client; holds no decisions.
"""

import contextlib
import os
import pathlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from telford.basics.errors import PermanentError

PRIVATE_FOLDER = 0o700
PRIVATE_SOCKET = 0o600


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one place; `root` is absolute."""

    root: pathlib.Path

    @property
    def run(self) -> pathlib.Path:
        """Sockets, lock and Envoy's configuration."""
        return self.root / "run"

    @property
    def xds(self) -> pathlib.Path:
        """Envoy's dynamic configuration."""
        return self.run / "xds"

    @property
    def logs(self) -> pathlib.Path:
        """Everything that anybody said."""
        return self.root / "logs"

    @property
    def state_file(self) -> pathlib.Path:
        """What is wanted."""
        return self.root / "state.json"

    @property
    def lock(self) -> pathlib.Path:
        """Held while a supervisor lives."""
        return self.run / "supervisor.lock"

    def replica_log(self, service: str, version: str, replica: str) -> pathlib.Path:
        """The log of one replica, all its restarts one after the other."""
        return self.logs / service / version / f"{replica}.log"

    def data(self, service: str) -> pathlib.Path:
        """The folder of a service's own that outlives restarts."""
        return self.root / "data" / service

    def create(self) -> None:
        """Make the folders; raises `PermanentError` where the disk refuses."""
        with disk_errors(f"cannot prepare the folder {self.root}"):
            for folder in (self.root, self.run):
                folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
                folder.chmod(PRIVATE_FOLDER)
            for folder in (self.xds / "rds", self.xds / "eds", self.logs):
                folder.mkdir(parents=True, exist_ok=True)


@contextlib.contextmanager
def disk_errors(what: str) -> Iterator[None]:
    """Turn an error of the disk into a sentence with a next step."""
    try:
        yield
    except OSError as error:
        raise PermanentError(
            f"{what}: {error.strerror or error}",
            fix="check that the folder may be written and that its disk has space",
        ) from error


def write_whole(path: pathlib.Path, text: str, *, durable: bool = False) -> None:
    """Replace a file so that a reader sees the old or the new text, never a part.

    Only its owner may read it: environments hold secrets. `durable` also survives a power cut (file and folder are synced). Raises `PermanentError`.
    """
    temporary = path.with_name(f".{path.name}.new")
    with disk_errors(f"cannot write {path}"):
        try:
            with open(temporary, "w", encoding="utf-8", opener=_private) as file:
                file.write(text)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
            if durable:
                _sync_folder(path.parent)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: pathlib.Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def bind_private(path: pathlib.Path) -> socket.socket:
    """A listening unix socket at `path`, mode 0600, replacing what a dead supervisor left."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with short_path(path) as name:
        listener.bind(name)
    path.chmod(PRIVATE_SOCKET)
    listener.listen(64)
    return listener


@contextlib.contextmanager
def short_path(path: pathlib.Path) -> Iterator[str]:
    """A name for a socket that fits the kernel's limit of 108 bytes however deep `path` is."""
    if len(os.fsencode(path)) < 100:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
