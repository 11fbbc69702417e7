"""Systems, addresses and owners for things that code makes. Called by
`telford.intake.cloud.reading`.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from telford.estate.address import Address
from telford.intake import names as texts
from telford.intake.cloud.meaning import Thing
from telford.intake.environments import stages
from telford.intake.imported import Options
from telford.intake.kubernetes import engines
from telford.intake.kubernetes.naming import Origin

# Folder names that say what is in them, not which system it is.
_GENERIC = frozenset(
    {
        *("terraform", "tf", "infra", "infrastructure", "iac", "cloud", "aws", "gcp", "azure"),
        *("cloudformation", "cfn", "stacks", "stack", "templates", "live", "envs", "env"),
        *("environments", "environment", "modules", "module", "deploy", "deployment", "root"),
        *("src", "config", "main", "sam", "plans", "plan", "state", "ops", "platform"),
    }
)


@dataclass(slots=True)
class Names:
    """The addresses that were given, so that none is given twice."""

    options: Options
    taken: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def give(self, kind: str, system: str, wish: str, folder: str, key: str) -> Address:
        """An address for a thing: as it wishes, else with its folder's last word, else with a
        digest of its key.
        """
        space = "running" if kind in ("Service", "Datastore") else kind
        last = folder.rpartition("/")[2]
        wishes = texts.slug(wish), texts.slug(f"{wish}-{last}"), texts.told_apart(wish, key)
        for name in wishes:
            if self.taken.setdefault((space, system, name), key) == key:
                break
        return Address(kind.lower(), system, name)

    def system(self, folder: str) -> str:
        """The system of what lies in a folder: the nearest name that says something."""
        if self.options.system:
            return texts.slug(self.options.system)
        for part in reversed(folder.split("/")):
            word = part.lower()
            if word in ("", ".", "..") or word in _GENERIC or stages.stage_of(word):
                continue
            return texts.slug(part)
        return texts.slug(self.options.fallback)


def without_stage(wish: str, environment: str) -> str:
    """A name without the words of the environment that is imported: ``shop-orders`` of
    ``shop-prod-orders``, so that it is one thing in all of them. All of it, where nothing would
    remain or the environment is no known stage.
    """
    own = stages.stage_of(environment)
    if own is None:
        return wish
    kept = []
    for word in re.split(r"[^a-zA-Z0-9]+", wish):
        stage = stages.stage_of(word) if word else None
        if word and (stage is None or stage.name != own.name):
            kept.append(word)
    return "-".join(kept) or wish


def owner(things: Iterable[Mapping[str, str]]) -> Origin:
    """The team that tags name (``text`` is a slug), or an empty one."""
    wanted = {name.lower(): name for name in engines.conventions()["owner"]}
    for labels in things:
        lowered = {key.lower(): (key, value) for key, value in labels.items()}
        for name in wanted:
            if name in lowered and lowered[name][1]:
                key, value = lowered[name]
                return Origin(f"tag {key}", texts.slug(value.removeprefix("team/")))
    return Origin("", "")


def system_of(thing: Thing, names: Names) -> str:
    """The system of a thing: by its tags, else by its folder."""
    if not names.options.system:
        wanted = ("system", "application", "project", *engines.conventions()["part-of"])
        lowered = {key.lower(): value for key, value in thing.labels.items()}
        for name in wanted:
            if lowered.get(name):
                return texts.slug(lowered[name])
    return names.system(thing.resource.folder)
