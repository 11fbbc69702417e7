"""Promotion: what was rolled back does not come back, and releases go one way."""

from collections.abc import Iterator

from telford.estate.codes import Code, document, service
from telford.estate.kinds.places import Environment
from telford.estate.kinds.structure import Service
from telford.rules.rule import Finding, Rule, Subject

_BAD = "example/x:1@sha256:" + "a" * 64
_GOOD = "example/x:1@sha256:" + "b" * 64


def _quarantined(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Service)
    for one in spec.quarantine:
        if one.image == spec.run.image and not subject.lost("run", "image"):
            why = f": {one.reason}" if one.reason else ""
            yield Finding(
                ("run", "image"),
                f"this image is quarantined here{why}",
                "name another one; or let a person lift it: telford quarantine lift",
                detail=f"It was rolled back in {one.release}." if one.release else "",
            )


def _order(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Environment)
    before = spec.promotion.from_
    if before is None or subject.lost("order"):
        return
    for entity in subject.world.estate.of_kind("Environment"):
        other = entity.spec
        assert isinstance(other, Environment)
        if other.name == before and other.order >= spec.order:
            yield Finding(
                ("promotion", "from"),
                f"{before} does not come before {spec.name} (order {other.order} and {spec.order})",
                "let `order` rise on the way to users",
            )


def _hosted(subject: Subject) -> Iterator[Finding]:
    spec = subject.spec
    assert isinstance(spec, Environment)
    for entity in subject.world.estate.of_kind("Architecture"):
        repository = getattr(entity.spec, "repository", None)
        if repository is None or spec.git.changes != "request" or repository.host != "git":
            continue
        yield Finding(
            ("git", "changes"),
            "a request is asked for, and the repository has no host that knows requests",
            "say `repository.host` in the Architecture: github, gitlab or gitea; or `changes: commit`",
        )


RULES = (
    Rule(
        Code(
            "TEL760",
            "a quarantined image",
            "It was rolled back because it was worse; a later commit, or a build of an old one, would"
            " bring it back to users.",
            service(f"quarantine: [{{image: '{_BAD}'}}]\nrun: {{image: '{_BAD}'}}"),
            service(f"quarantine: [{{image: '{_BAD}'}}]\nrun: {{image: '{_GOOD}'}}"),
            "`run.image` is none of the images in `quarantine`, in any place.",
        ),
        (Service,),
        _quarantined,
    ),
    Rule(
        Code(
            "TEL761",
            "a promotion against the order",
            "A release would come to users before it was looked at where they are not.",
            document("Environment", "prod", "order: 1\npromotion: {from: staging}")
            + "---\n"
            + document("Environment", "staging", "order: 2"),
            document("Environment", "prod", "order: 2\npromotion: {from: staging}")
            + "---\n"
            + document("Environment", "staging", "order: 1"),
            "The environment of `promotion.from` has a lower `order`.",
        ),
        (Environment,),
        _order,
    ),
    Rule(
        Code(
            "TEL762",
            "a change request without a host",
            "Bare Git has branches but nobody who reviews them: no change would ever get in.",
            document("Architecture", "own", "repository: {url: /srv/git/estate.git}")
            + "---\n"
            + document("Environment", "prod", "git: {changes: request}"),
            document("Architecture", "own", "repository: {url: /srv/git/estate.git}")
            + "---\n"
            + document("Environment", "prod", "git: {changes: commit}"),
            "Where `git.changes` is `request`, the Architecture's `repository.host` is not `git`.",
        ),
        (Environment,),
        _hosted,
    ),
)
