"""What people settled of something imported: refused dependencies and adopted capabilities that
contradict the rest of the document.
"""

from collections.abc import Iterator

from telford.basics.diagnostics import Severity
from telford.estate.codes import Code, documents, service
from telford.estate.kinds.structure import Datastore, Service
from telford.road import capabilities
from telford.rules.rule import Finding, Rule, Subject


def _refused(subject: Subject) -> Iterator[Finding]:
    """A dependency that is refused and used all the same."""
    spec = subject.spec
    assert isinstance(spec, Service | Datastore)
    own = f"{spec.system}." if spec.system else ""
    used = {(key, text.removeprefix(own)) for key, text in (use.target for use in spec.uses)}
    for index, item in enumerate(spec.refused):
        for key in ("service", "datastore", "stream"):
            text = getattr(item, key)
            if text is not None and (key, text.removeprefix(own)) in used:
                yield Finding(
                    ("refused", index, key),
                    f"`{text}` is refused and used at once",
                    "take it out of `refused`, or out of `uses`",
                )


def _adopted(subject: Subject) -> Iterator[Finding]:
    """Something adopted that has no effect."""
    spec = subject.spec
    assert isinstance(spec, Service | Datastore)
    if spec.adopted and spec.road == "paved":
        yield Finding(
            ("adopted",),
            "what is on the road has adopted everything",
            "remove `adopted`, or write `road: as-found`",
        )
        return
    fitting = {one.name for one in capabilities.of(spec)}
    for index, name in enumerate(spec.adopted):
        if name not in fitting and not subject.lost("type"):
            yield Finding(
                ("adopted", index),
                f"`{name}` adds nothing to this kind of workload",
                f"remove it; one of: {', '.join(sorted(fitting))}",
            )


_STOCK = service("").replace("name: orders", "name: stock")

RULES = (
    Rule(
        Code(
            "TEL200",
            "a dependency that is refused and used",
            "A person said that it is none, and the document says that it is one.",
            documents(
                service("uses: [{service: stock, timeout: 1s}]\nrefused: [{service: stock}]"),
                _STOCK,
            ),
            documents(service("refused: [{service: stock}]"), _STOCK),
            "Nothing stands in `refused` and in `uses`.",
        ),
        (Service, Datastore),
        _refused,
        severity=Severity.WARNING,
    ),
    Rule(
        Code(
            "TEL201",
            "an adopted capability without an effect",
            "Whoever reads it believes in something that no build adds.",
            service("adopted: [probes]"),
            service("road: as-found\nadopted: [probes]"),
            "`adopted` names what the road adds to this kind of workload, of something as-found.",
        ),
        (Service, Datastore),
        _adopted,
        severity=Severity.WARNING,
    ),
)
