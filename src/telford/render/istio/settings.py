"""The numbers and names of `istio.toml`, typed. Called by this target's modules."""

from dataclasses import dataclass
from functools import cache

from telford.basics import resources


@dataclass(frozen=True, slots=True)
class Settings:
    """All of `istio.toml`; `max_share` in percent."""

    trust_domain: str
    system_namespace: str
    gateway_selector: dict[str, str]
    untouched: str
    failed: str
    attempts: int
    consecutive_errors: int
    interval: str
    ejection: str
    max_share: int


@cache
def settings() -> Settings:
    """The settings; one value for the life of the process."""
    data = resources.toml("telford.render.istio", "istio.toml")
    retries, outliers = data["retries"], data["outliers"]
    return Settings(
        trust_domain=data["identity"]["trust_domain"],
        system_namespace=data["identity"]["system_namespace"],
        gateway_selector=data["gateway"]["selector"],
        untouched=retries["untouched"],
        failed=retries["failed"],
        attempts=retries["attempts"],
        consecutive_errors=outliers["consecutive_errors"],
        interval=outliers["interval"],
        ejection=outliers["ejection"],
        max_share=outliers["max_share"],
    )
