"""What a service is told by its environment; nothing else configures the shop."""

import os
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from shop import log, upstream

DEFAULT_TIMEOUT_SECONDS = 1.0
LOOPBACK = "127.0.0.1"


class SettingError(SystemExit):
    """A setting is missing or wrong; as a SystemExit it ends the process with its sentence."""


@dataclass(frozen=True)
class Settings:
    """The environment of one service: PORT, HOST, SHOP_VERSION, STATE_DIR and the addresses it calls."""

    service: str
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def version(self) -> str:
        """SHOP_VERSION, by default 1.0.0."""
        return self.environment.get("SHOP_VERSION") or "1.0.0"

    @property
    def port(self) -> int:
        """PORT: the port to listen on (0 takes a free one and logs it)."""
        value = self._required("PORT")
        if not value.isdigit() or int(value) > 65535:
            raise SettingError(f"{self.service}: PORT must be 0 to 65535, not {value!r}")
        return int(value)

    @property
    def host(self) -> str:
        """HOST: the address to listen on, by default this machine's own, 127.0.0.1."""
        return self.environment.get("HOST") or LOOPBACK

    @property
    def state_folder(self) -> pathlib.Path:
        """STATE_DIR: a folder of the service's own that outlives restarts; made if missing."""
        folder = pathlib.Path(self._required("STATE_DIR"))
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def upstream(self, name: str) -> upstream.Upstream:
        """The client for NAME_URL, with NAME_TIMEOUT_SECONDS (1 s unless it is set)."""
        prefix = name.upper()
        url = self._required(f"{prefix}_URL")
        try:
            limit = self.environment.get(f"{prefix}_TIMEOUT_SECONDS") or DEFAULT_TIMEOUT_SECONDS
            return upstream.Upstream(name, url, timeout_seconds=float(limit))
        except ValueError as error:
            raise SettingError(f"{self.service}: {prefix}_URL or its timeout: {error}") from error

    def log(self) -> log.Log:
        """The log of this service."""
        return log.logger(self.service, self.version)

    def _required(self, name: str) -> str:
        value = self.environment.get(name, "")
        if not value:
            raise SettingError(f"{self.service}: the environment variable {name} is not set")
        return value
