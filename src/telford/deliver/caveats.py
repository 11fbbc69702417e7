"""What a release's strategy costs or cannot show, said before it starts. Called by the app floor."""

from collections.abc import Iterator

from telford.deliver import strategies
from telford.deliver.policy import Policy


def caveats(policy: Policy, service: str, stable: str, canary: str) -> tuple[str, ...]:
    """Sentences for the person who is about to start a release; empty where there is nothing."""
    return tuple(_caveats(policy, service, stable, canary))


def _caveats(policy: Policy, service: str, stable: str, canary: str) -> Iterator[str]:
    if policy.skip_analysis:
        yield (
            "Nothing is compared and nothing is rolled back by itself: only readiness, soak and "
            "gates count. That is recorded."
        )
    if strategies.stops_first(policy):
        gap = "takes no work" if not strategies.routes(policy) else "answers nobody"
        yield (
            f"{stable} stops before {canary} starts: {service} {gap} until the new version is "
            "ready, and again if it goes back."
        )
    elif strategies.shrinks(policy):
        yield (
            f"Old replicas give way as new ones come, so going back takes as long as {stable} "
            "needs to start again."
        )
    if policy.strategy == "ab":
        yield (
            "Who is in the segment is not drawn by lot: a difference between the versions may be "
            "one between their users."
        )
    if policy.strategy == "mirror":
        yield (
            f"Copies of requests do in {canary} whatever requests do: what it writes and calls, it "
            "writes and calls a second time."
        )
    if policy.sharing == "queue" and policy.strategy != "recreate":
        yield "Both versions take from one queue, so messages must be readable by both."
