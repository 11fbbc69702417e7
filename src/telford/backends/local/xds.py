"""Envoy's dynamic files: each written whole, once per change, and remembered until confirmed.

`dataplane` asks for files by what they are made from; a file whose source has not changed is
neither built nor written again.
"""

import json
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from telford.backends.local import envoy_config, layout

Make = Callable[[], list[envoy_config.Plain]]


@dataclass(slots=True)
class _File:
    """What was written last: its source, its text, and the version that Envoy will show."""

    source: Hashable
    text: str
    version: str


class Files:
    """The files below one run folder."""

    def __init__(self, paths: layout.Layout) -> None:
        self._paths = paths
        self._written: dict[str, _File] = {}
        self._confirmed: dict[str, _File] = {}
        self._number = 0

    def clear(self) -> None:
        """Delete what a killed supervisor left; nobody reads it now."""
        with layout.disk_errors(f"cannot clear {self._paths.xds}"):
            for file in [*self._paths.xds.glob("*.json"), *self._paths.xds.glob("*/*.json")]:
                file.unlink()

    def __contains__(self, name: str) -> bool:
        return name in self._written

    def put(self, name: str, source: Hashable, make: Make) -> bool:
        """Write the file if its source changed; True where Envoy has yet to confirm it."""
        before = self._written.get(name)
        if before is None or before.source != source:
            self._write(name, source, json.dumps(make()))
        return self._confirmed.get(name) is not self._written[name]

    def _write(self, name: str, source: Hashable, text: str) -> None:
        confirmed = self._confirmed.get(name)
        if confirmed is not None and confirmed.text == text:
            # A return to what Envoy has, after a rejection: it would not show a new version of it.
            version = confirmed.version
        else:
            self._number += 1
            version = str(self._number)
        whole = f'{{"version_info": "{version}", "resources": {text}}}'
        layout.write_whole(self._paths.run / name, whole)
        self._written[name] = _File(source, text, version)

    def version(self, name: str) -> str:
        """What Envoy shows once it has taken the file."""
        return self._written[name].version

    def confirm(self, name: str) -> None:
        """Envoy has taken the file as it is."""
        self._confirmed[name] = self._written[name]

    def reject(self, name: str) -> None:
        """Envoy goes on with what it had; the next wish is written whatever it is."""
        self._written.pop(name, None)

    def delete(self, name: str) -> None:
        """Remove a file that nothing names any more."""
        self._written.pop(name, None)
        self._confirmed.pop(name, None)
        with layout.disk_errors(f"cannot delete {name}"):
            (self._paths.run / name).unlink(missing_ok=True)
