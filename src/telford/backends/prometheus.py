"""Asks a running Prometheus (or what speaks its API) for its rules, its configuration and numbers.

It can only GET. Called by `telford.app.drift_rules` and by the place on Kubernetes.
https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import httpx

from telford.basics.errors import PermanentError, TemporaryError, UsageError

CONNECT_SECONDS = 5.0
# Listing ten thousand rules takes a second.
ANSWER_SECONDS = 30.0
# A byte now and then is no silence, and no answer either.
WHOLE_ANSWER_SECONDS = 60.0
MAX_BYTES = 256 * 1024 * 1024
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Reload:
    """Whether the configuration that lies on the disk was taken over the last time, and when."""

    ok: bool
    at: str


class Prometheus:
    """One server. Safe to ask again: it keeps nothing but its connections."""

    def __init__(self, url: str, answer_seconds: float = ANSWER_SECONDS) -> None:
        self.name = _shown(url)
        try:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(url)
            self._client = httpx.Client(
                base_url=url.rstrip("/"),
                headers={"User-Agent": "telford", "Accept": "application/json"},
                timeout=httpx.Timeout(answer_seconds, connect=CONNECT_SECONDS),
            )
        except (ValueError, httpx.InvalidURL) as error:
            raise UsageError(
                f"{self.name} is no URL", fix="such as http://127.0.0.1:9090"
            ) from error

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def groups(self) -> tuple[Mapping[str, Any], ...]:
        """Every group of rules with the health of each rule.

        Raises `OutsideError` where the server cannot be reached or does not say.
        """
        data = self._data("/api/v1/rules")
        groups = data.get("groups") if isinstance(data, dict) else None
        if not isinstance(groups, list):
            raise PermanentError(f"{self.name} lists no rules", fix="is it a Prometheus?")
        return tuple(group for group in groups if isinstance(group, dict))

    def configuration(self) -> str:
        """The configuration it runs with, as YAML; "" where it does not say (others of its kind
        have none).
        """
        try:
            data = self._data("/api/v1/status/config")
        except PermanentError:
            return ""
        return str(data.get("yaml", "")) if isinstance(data, dict) else ""

    def reload(self) -> Reload | None:
        """How the last reload went; None where it does not say."""
        try:
            data = self._data("/api/v1/status/runtimeinfo")
        except PermanentError:
            return None
        if not isinstance(data, dict) or "reloadConfigSuccess" not in data:
            return None
        return Reload(data["reloadConfigSuccess"] is True, str(data.get("lastConfigTime", "")))

    @cached_property
    def _formats(self) -> bool:
        try:
            return bool(self._data("/api/v1/format_query", {"query": "1"}) == "1")
        except PermanentError:
            return False

    def vector(self, query: str, at: float) -> list[tuple[Mapping[str, str], float]]:
        """Labels and value of each series of an instant query at a moment (epoch seconds).

        Raises `OutsideError` where there is no answer, or one that is no vector.
        """
        data = self._data("/api/v1/query", {"query": query, "time": f"{at:.3f}"})
        found = data.get("result") if isinstance(data, dict) else None
        if not isinstance(found, list) or data.get("resultType") != "vector":
            raise PermanentError(f"{self.name} answers no vector", fix="check the query")
        return [(one["metric"], float(one["value"][1])) for one in found]

    def formatted(self, expression: str) -> str | None:
        """An expression as the server's own parser writes it; None where it cannot say."""
        if not self._formats:
            return None
        try:
            data = self._data("/api/v1/format_query", {"query": expression})
        except PermanentError:
            return None
        return data if isinstance(data, str) else None

    def _data(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """What an answer holds. Raises `TemporaryError` where none came, `PermanentError` where the
        server refused.
        """
        for attempt in range(ATTEMPTS):
            last = attempt + 1 == ATTEMPTS
            try:
                status, body = self._once(path, params)
            except httpx.TransportError as error:
                if last or isinstance(error, httpx.ReadTimeout):
                    raise TemporaryError(
                        f"{self.name} cannot be reached: {error or type(error).__name__}",
                        fix="check the URL and the network",
                    ) from error
                continue
            if status < 500 or last:
                break
        if isinstance(body, dict) and body.get("status") == "success":
            return body.get("data")
        why = body.get("error") if isinstance(body, dict) else None
        raise PermanentError(
            f"{self.name} refused {path}: {why or f'it said {status}'}",
            fix="check the URL: it ends where /api/v1 begins",
        )

    def _once(self, path: str, params: Mapping[str, str] | None) -> tuple[int, Any]:
        data = bytearray()
        end = time.monotonic() + WHOLE_ANSWER_SECONDS
        with self._client.stream("GET", path, params=params) as response:
            for chunk in response.iter_bytes():
                data += chunk
                if time.monotonic() > end:
                    raise httpx.ReadTimeout("the answer goes on for too long")
                if len(data) > MAX_BYTES:
                    raise PermanentError(
                        f"{self.name} answers more than {MAX_BYTES:,} bytes", fix="check the URL"
                    )
        try:
            return response.status_code, json.loads(bytes(data))
        except (ValueError, RecursionError):
            return response.status_code, None


def _shown(url: str) -> str:
    """A URL without the name and password that may be in it."""
    head, at, rest = url.rpartition("@")
    return f"{head.partition('://')[0]}://{rest}" if at and "://" in head else url
