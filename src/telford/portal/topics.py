"""What each live topic looks at: the cheap answers to "has anything changed?"."""

from collections.abc import Mapping

from telford.portal.context import Context
from telford.portal.live import Look


def looks(context: Context) -> Mapping[str, Look]:
    """The word of each topic -> its revision."""

    def estate(_: str) -> str:
        described = context.estate.current()
        return f"{described.read_at} {described.estate.digest} {described.problem}"

    def releases(_: str) -> str:
        return repr(sorted(context.store.releases.revisions().items()))

    def release(key: str) -> str:
        revisions = context.store.releases.revisions()
        if key in revisions:
            return str(revisions[key])
        found = context.store.releases.get(key)
        return "" if found is None else f"{found.revision} {found.phase}"

    def objectives(_: str) -> str:
        found = context.store.objectives.of(context.place)
        return repr([(one.objective, one.at, one.state) for one in found])

    def audit(_: str) -> str:
        last = context.store.audit.tail(limit=1)
        return str(last[0].sequence) if last else ""

    def plan(_: str) -> str:
        if context.plans is None:
            return ""
        now = context.plans.current()
        made = now.told
        known = "" if made is None else f"{made.at} {made.proposal.plan.parent} {made.causes}"
        return f"{known} {now.stale} {now.problem}"

    return {
        "estate": estate,
        "plan": plan,
        "releases": releases,
        "release": release,
        "objectives": objectives,
        "audit": audit,
    }
