"""What remembered answers share: their key, made of texts and code, and their diagnostics as JSON.

Light on purpose: it is on the path that answers while the judges and targets would still be
loading. Called by `telford.app.remember` (checks) and `telford.app.desires` (builds).
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import telford
from telford.basics.diagnostics import Diagnostic, Position, Severity


def code_version(names: Iterable[str]) -> str:
    """A hash of these folders and files of the package, code and data: an upgrade voids a key."""
    total = hashlib.sha256()
    package = Path(telford.__file__).parent
    for name in names:
        where = package / name
        for path in sorted(where.rglob("*") if where.is_dir() else [where]):
            if path.suffix in (".py", ".toml"):
                total.update(path.relative_to(package).as_posix().encode())
                total.update(path.read_bytes())
    return total.hexdigest()


def key(seed: str, texts: Mapping[str, str]) -> str:
    """Names these very texts; `seed` says what else the answer depends on."""
    parts = [seed.encode()]
    for name in sorted(texts):
        parts.append(name.encode("utf-8", "surrogatepass"))
        parts.append(texts[name].encode("utf-8", "surrogatepass"))
    lengths = ",".join(map(str, map(len, parts)))
    return hashlib.sha256(b"".join([lengths.encode(), b":", *parts])).hexdigest()


def kept(diagnostics: Iterable[Diagnostic]) -> list[dict[str, object]]:
    """Diagnostics as JSON rows, complete."""
    return [{**one.as_json(), "length": one.length} for one in diagnostics]


def restored(row: Mapping[str, object]) -> Diagnostic:
    """The reverse of `kept`; raises ValueError, KeyError or TypeError for anything else."""
    position = None
    if row["file"] is not None:
        position = Position(str(row["file"]), int(str(row["line"])), int(str(row["column"])))
    return Diagnostic(
        str(row["code"]),
        Severity(str(row["severity"])),
        str(row["summary"]),
        address=str(row["address"]),
        position=position,
        source=str(row["source"]),
        length=int(str(row["length"])),
        detail=str(row["detail"]),
        fix=str(row["fix"]),
    )
