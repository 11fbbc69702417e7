"""What starting a prepared release would do, in sentences, before anything is done.

Called by the portal's forms (a release, a rollout, a retry, a way back).
"""

from collections.abc import Iterator

from telford.app import release_again, release_words
from telford.app.release import Prepared
from telford.basics.errors import RefusedError, TelfordError
from telford.deliver import judging, strategies
from telford.store.releases import Release
from telford.store.store import Store

AGAIN = ("retry", "rollback")
"""What can be done with a release that ended."""


def steps(prepared: Prepared) -> tuple[str, ...]:
    """In the order in which it would happen."""
    return tuple(_steps(prepared))


def again(store: Store, release: Release, verb: str, now: float) -> Prepared:
    """The release that `retry` or `rollback` of one that ended would be.

    Raises what `release_again` raises, and `RefusedError` where it has not ended.
    """
    if verb == "retry":
        return release_again.retry(store, release, now=now)
    if release.active:
        raise RefusedError(f"{release.id} is not over: it is {release.phase}")
    return release_again.back_to(store, release.id, now=now)


def refusals(store: Store, release: Release, now: float) -> dict[str, str]:
    """Which of `AGAIN` cannot be done with it now -> why not."""
    found = {}
    for verb in AGAIN:
        try:
            again(store, release, verb, now)
        except TelfordError as error:
            found[verb] = error.message
    return found


def _steps(prepared: Prepared) -> Iterator[str]:
    policy = prepared.policy
    replicas = strategies.start(policy).canary
    stopped = strategies.stops_first(policy)
    before = (
        f"once {prepared.from_version} has stopped"
        if stopped
        else (f"beside {prepared.from_version}, without traffic")
    )
    yield (
        f"{replicas} replica{'s' * (replicas != 1)} of {prepared.name} {prepared.to_version} "
        f"{'start' if replicas != 1 else 'starts'} {before}."
    )
    weights = ", ".join(one.name for one in strategies.stages(policy))
    if policy.strategy == "canary":
        yield (
            f"It gets {weights} and then all of the requests, one step at a time, each as soon as "
            "its evidence says that it is good enough."
        )
    else:
        yield f"It goes through these stages and then has everything: {weights}."
    if policy.skip_analysis:
        yield "Nothing is compared: an emergency."
    elif any(stage.against in {"stable", "baseline"} for stage in strategies.stages(policy)):
        yield _compared(prepared)
    else:
        yield (
            f"Its rates are judged by the objective every "
            f"{judging.duration(prepared.tick_seconds)}; it goes back to {prepared.from_version} "
            "by itself as soon as they are shown to be too high (wrongly in at most "
            f"{policy.alpha * 100:g}% of releases)."
        )
    if policy.gates:
        names = ", ".join(dict.fromkeys(gate.name for gate in policy.gates))
        yield f"It waits wherever one of its gates is closed: {names}."
    if not policy.skip_analysis:
        yield f"Its error bounds: {release_words.error_bounds(policy)}."
    sentence = prepared.forecast.sentence
    yield f"{sentence[0].upper()}{sentence[1:]}."
    yield "Your name and reason go into the audit log."


def _compared(prepared: Prepared) -> str:
    policy = prepared.policy
    return (
        f"Errors and slowness are compared every {judging.duration(prepared.tick_seconds)}; it goes "
        f"back to {prepared.from_version} by itself as soon as it is shown to be worse (wrongly in "
        f"at most {policy.alpha * 100:g}% of releases)."
    )
