"""The organisation's lock file, asked: the very thing that a name stands for, or what to add.

A target says what it wants as people write it, with the version that it was made for
(``actions/checkout@v4``). The lock's word counts: the same name, else the only pin of the same
thing in another version. Nothing is ever taken that the lock does not hold. Called by the targets
that make pipelines.

- TEL570 (error): a pin is missing. - TEL571 (error): a digest of the wrong form, or two versions
of which neither is asked for. - TEL572 (info): a pin far older than the newest.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from telford.basics.diagnostics import Diagnostic, Severity
from telford.road import pipeline
from telford.road.architecture import Architecture, Pin

_COMMIT = re.compile(r"[0-9a-f]{40}")
_IMAGE = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Locked:
    """Wanted name -> its pin, for all that the lock holds, and what is wrong with the rest."""

    pins: Mapping[str, Pin]
    problems: tuple[Diagnostic, ...]

    @property
    def whole(self) -> bool:
        """Whether everything that was wanted is there."""
        return not any(problem.severity is Severity.ERROR for problem in self.problems)

    def reference(self, name: str) -> str:
        """How a pipeline names it: ``owner/action@<commit>`` or ``image@sha256:...``."""
        return f"{thing(self.pins[name].name)}@{self.pins[name].digest}"

    def version(self, name: str) -> str:
        """The version that the pin says it is, for people: ``v4``, ``0.50``."""
        return version(self.pins[name].name)


def locked(held: Architecture, wanted: Iterable[str], target: str) -> Locked:
    """What the lock says of some names ("" is none), for a target."""
    pins, problems = {}, []
    for name in sorted({*wanted} - {""}):
        found = _found(held.pins, name)
        if len(found) == 1 and _formed(found[0], name):
            pins[name] = found[0]
        else:
            problems.append(_problem(held, name, found, target))
    problems += _old(held, pins.values())
    return Locked(pins, tuple(problems))


def thing(name: str) -> str:
    """``actions/checkout`` of ``actions/checkout@v4``, an image without its tag."""
    return pipeline.repository_of(name)


def version(name: str) -> str:
    """What a name says beside the thing; "" where it says nothing."""
    return name.removeprefix(thing(name)).lstrip("@:")


def _is_action(name: str) -> bool:
    return "@" in name and "@sha256:" not in name


def _found(pins: Mapping[str, Pin], name: str) -> list[Pin]:
    if name in pins:
        return [pins[name]]
    return [pins[other] for other in sorted(pins) if thing(other) == thing(name)]


def _formed(pin: Pin, name: str) -> bool:
    form = _COMMIT if _is_action(name) else _IMAGE
    return form.fullmatch(pin.digest) is not None


def _problem(held: Architecture, name: str, found: list[Pin], target: str) -> Diagnostic:
    if not found:
        return _missing(held, name, target)
    if len(found) > 1:
        names = ", ".join(pin.name for pin in found)
        summary = f"{target} needs {name}; the lock has {names}, and none of them by that name"
        fix = f"keep one version of {thing(name)}, or add {name} itself"
    else:
        form = "a commit: 40 hexadecimal digits" if _is_action(name) else "sha256: and 64 digits"
        summary = f"the digest of {found[0].name} is not {form}"
        fix = f"write the digest of {found[0].name} as {form}"
    return Diagnostic(
        code="TEL571",
        severity=Severity.ERROR,
        summary=summary,
        address=held.address,
        position=found[0].position,
        fix=fix,
    )


def _missing(held: Architecture, name: str, target: str) -> Diagnostic:
    form = "<the commit, 40 hexadecimal digits>" if _is_action(name) else "sha256:<64 digits>"
    return Diagnostic(
        code="TEL570",
        severity=Severity.ERROR,
        summary=f"{target} needs {name}, which is in no document of kind Pins",
        address=held.address,
        position=held.position,
        detail="A pipeline runs what a digest names and nothing else, and no digest is made up.",
        fix="add to a document of kind Pins: pins: {"
        f'"{name}": {{digest: "{form}", source: <URL>, date: <YEAR-MONTH-DAY>}}}}',
    )


def _old(held: Architecture, pins: Iterable[Pin]) -> Iterator[Diagnostic]:
    dated = [(dt.date.fromisoformat(pin.date), pin) for pin in pins if pin.date]
    if not dated:
        return
    newest = max(day for day, _ in dated)
    for day, pin in dated:
        if (newest - day).days > pipeline.old_days():
            yield Diagnostic(
                code="TEL572",
                severity=Severity.INFO,
                summary=f"{pin.name} was pinned on {day}, the newest pin is of {newest}",
                address=held.address,
                position=pin.position,
                fix=f"look whether {thing(pin.name)} has a newer release, and pin that",
            )
