"""The design of the verdicts' benchmark: which worlds, what must hold in them. Data, no measuring.

A fraction of all combinations, chosen so that every level of every factor of the design appears:
stable error rates of .01 to 1%, effects of x1 to x100, 1 to 5,000 requests a second, weights of 1 to
50% and a ramp, and every kind of noise. Called by `bench_verdicts`.
"""

import math
from collections.abc import Iterator

import verdict_cells
from verdict_cells import Cell
from verdict_latency import Slowness
from verdict_traffic import Traffic

MAX_CELLS = 200
EVERY = ("E1", "E2", "E4")


def sections(releases: int) -> dict[str, list[Cell]]:
    """All cells by section; `releases` in those with a bound, a fifth of it in those of times."""
    few = max(releases // 5, min(releases, 20))
    found = {
        "independent": [*independent(releases), *alone(releases)],
        "clustered": list(clustered(releases)),
        "persistent": list(persistent(releases)),
        "promotion": list(promotion(releases)),
        "latency": list(latency(releases, few)),
        "guards": list(guards(releases)),
        "good": list(good(few)),
        "price": list(price(few)),
        "watch": list(watch(few)),
        "peers": list(peers(releases)),
    }
    assert sum(map(len, found.values())) <= MAX_CELLS, "the design promises at most that many"
    return found


def independent(releases: int) -> Iterator[Cell]:
    """A/A with independent errors: every engine must keep alpha."""
    grid = (
        (0.001, 50, 0.1), (0.001, 50, 0.5), (0.001, 500, 0.05), (0.01, 50, 0.1), (0.01, 5, 0.5),
        (0.0001, 5000, 0.1), (0.0005, 500, 0.25), (0.0001, 500, 0.05), (0.0005, 5000, 0.01),
        (0.001, 1, 0.5), (0.005, 50, 0.1), (0.005, 5, 0.1), (0.01, 1, 0.1), (0.01, 500, 0.01),
        (0.001, 5000, 0.1), (0.0001, 1, 0.1),
    )  # fmt: skip
    worlds = [Traffic(*one) for one in grid]
    worlds += [
        Traffic(0.001, 50, 0.1, noise=noise)
        for noise in ("outage", "short outage", "drift", "gaps", "resets")
    ]
    worlds += [Traffic(0.001, 500, 0.1, noise="diurnal"), Traffic(0.001, 500, 0.1, noise="outage")]
    worlds.append(Traffic(0.001, 50, 0.1, noise="cold start", warmup=8))
    for world in worlds:
        yield Cell("rollback", f"A/A {describe(world)}", world, releases, EVERY, EVERY)
    ramp, both = Traffic(0.001, 50, 0.0), ("E1", "E2")
    yield Cell("rollback", f"A/A {describe(ramp)}", ramp, releases, both, both)
    two = Traffic(0.001, 50, 0.1)
    name = f"A/A two indicators and fuses, {describe(two)}"
    yield Cell("whole policy", name, two, releases, ("E2",), ("E2",))
    margin = Traffic(0.001, 500, 0.1, effect=1.1)
    name = f"at a margin of 1.1, {describe(margin)}"
    yield Cell("rollback", name, margin, releases, ("E1 margin",), ("E1 margin",))


def alone(releases: int) -> Iterator[Cell]:
    """A version exactly at what its objective allows, with all traffic: E0 must not roll back."""
    for budget, rps in ((0.01, 50), (0.005, 50), (0.001, 500), (0.01, 1)):
        world = Traffic(budget, rps, 1.0)
        name = f"at the objective, {describe(world)}"
        yield Cell("rollback", name, world, releases, ("E0",), ("E0",), p_max=budget)


def clustered(releases: int) -> Iterator[Cell]:
    """A/A with errors that hang together: E4 must keep alpha, E1 and E2 are shown."""
    every = ("E4", "E2", "E1")
    for rho in (0.01, 0.05, 0.2):
        for p0, rps, replicas in ((0.001, 50, 10), (0.01, 50, 10), (0.001, 500, 20)):
            world = Traffic(
                p0, rps, 2 / replicas, noise="clustered", rho=rho, canary=2, replicas=replicas
            )
            yield Cell("rollback", f"A/A {describe(world)}", world, releases, every, ("E4",))
    group = Traffic(0.001, 50, 0.5, noise="clustered", rho=0.2, canary=4, replicas=8)
    yield Cell("rollback", f"A/A {describe(group)}", group, releases, every, ("E4",))
    retries = Traffic(0.001, 50, 0.2, noise="retries")
    yield Cell("rollback", f"A/A {describe(retries)}", retries, releases, every, ("E4",))
    own = Traffic(0.001, 50, 0.2, noise="own drift", canary=2, replicas=10)
    yield Cell("rollback", f"A/A {describe(own)}", own, releases, every)
    cold = Traffic(0.001, 50, 0.1, noise="cold start")
    yield Cell("rollback", f"A/A {describe(cold)}, counted", cold, releases, every)


def persistent(releases: int) -> Iterator[Cell]:
    """A/A on replicas that differ for good: no engine can keep alpha; the probe is shown."""
    for host in ("spread", "sick"):
        for p0, rps in ((0.001, 50), (0.001, 500), (0.01, 50)):
            world = Traffic(p0, rps, 0.2, canary=2, replicas=10)
            name = f"A/A hosts {host}, {describe(world)}"
            yield Cell("persistent", name, world, releases, ("E4", "E2"), host=host)


def promotion(releases: int) -> Iterator[Cell]:
    """A canary exactly at the border of what may be promoted."""
    for p_max, rps, weight in (
        (0.01, 50, 0.1),
        (0.005, 50, 0.5),
        (0.005, 500, 0.1),
        (0.01, 1, 1.0),
    ):
        world = Traffic(p_max, rps, weight)
        name = f"at p_max, {describe(world)}"
        yield Cell("promotion", name, world, releases, ("E0",), ("E0",), p_max=p_max)
    for p0, rps, weight in ((0.001, 500, 0.1), (0.01, 50, 0.1), (0.01, 50, 0.5)):
        world = Traffic(p0, rps, weight, effect=2.0)
        yield Cell("promotion", f"x2, {describe(world)}", world, releases, ("E1",), ("E1",))
    drift = Traffic(0.01, 50, 0.1, effect=2.0, noise="drift")
    yield Cell("promotion", f"x2, {describe(drift)}", drift, releases, ("E1",), ("E1",))
    worst = Traffic(0.005, 50, 0.5, effect=2.0)
    name = f"x2 and at p_max, {describe(worst)}"
    yield Cell("promotion", name, worst, releases, ("either",), ("either",), p_max=0.01)
    bursts = Traffic(0.01, 50, 0.2, noise="clustered", rho=0.05, canary=2, replicas=10)
    yield Cell("promotion", f"at p_max, {describe(bursts)}", bursts, releases, ("E0",), p_max=0.01)


def latency(releases: int, few: int) -> Iterator[Cell]:
    """E3: equal and faster canaries must not be rolled back; slower ones are found."""
    both = ("E3", "E2 over 250 ms")
    for rps, weight in ((50, 0.1), (5, 0.5), (500, 0.05), (1, 0.1)):
        world = Traffic(0.0, rps, weight)
        name = f"A/A latency, {describe(world)}"
        yield Cell("latency", name, world, releases, both, both, slow=Slowness())
    world = Traffic(0.0, 50, 0.1)
    faster = Slowness(shift=0.9)
    name = f"latency x0.9, {describe(world)}"
    yield Cell("latency", name, world, releases, both, both, slow=faster)
    for rps in (50, 500):
        world = Traffic(0.0, rps, 0.1)
        for shift in (1.05, 1.1, 1.25, 1.5, 2.0):
            name = f"latency x{shift:g}, {describe(world)}"
            yield Cell("latency", name, world, few, both, slow=Slowness(shift=shift))
        for part in (0.005, 0.02, 0.1):
            name = f"{part:.1%} of requests 1 s later, {describe(world)}"
            yield Cell("latency", name, world, few, both, slow=Slowness(tail=part))


def guards(releases: int) -> Iterator[Cell]:
    """The placebo test among ten stable replicas, at its declared level of 1%."""
    half = {"weight": 0.5, "canary": 5, "replicas": 10}
    alike = Traffic(0.001, 50, **half)
    bursts = Traffic(0.001, 50, noise="clustered", rho=0.05, **half)
    yield _guard(f"alike, {describe(alike)}", alike, releases, ("E2", "E4"))
    outage = Traffic(0.001, 50, noise="outage", **half)
    yield _guard(f"alike, {describe(outage)}", outage, releases, ("E2", "E4"))
    yield _guard(f"bursts, {describe(bursts)}", bursts, releases, ("E4",))
    sick = Traffic(0.001, 50, noise="bad node", **half)
    yield _guard(f"one bad node, {describe(sick)}", sick, releases, ())


def _guard(name: str, world: Traffic, releases: int, must: tuple[str, ...]) -> Cell:
    return Cell("placebo", f"placebo, {name}", world, releases, ("E2", "E4"), must)


def good(releases: int) -> Iterator[Cell]:
    """A canary as good as the stable version: how long until it is promoted."""
    for p0, p_max in ((1e-9, 0.01), (0.0001, 0.005), (0.001, 0.005), (0.002, 0.005)):
        world = Traffic(p0, 50, 0.1, length=960)
        name = f"good, budget {p_max:.1%}, {describe(world)}"
        yield Cell("promotion", name, world, releases, ("E0",), p_max=p_max)
    for p0, rps in ((0.001, 50), (0.01, 50), (0.001, 500)):
        world = Traffic(p0, rps, 0.1, length=960)
        yield Cell("promotion", f"good, {describe(world)}", world, releases, ("E1",))
    for p0, p_max in ((0.001, 0.005), (0.004, 0.005)):
        world = Traffic(p0, 500, 0.1, length=960)
        name = f"good, budget {p_max:.1%}, either, {describe(world)}"
        yield Cell("promotion", name, world, releases, ("either",), p_max=p_max)


def price(releases: int) -> Iterator[Cell]:
    """A worse canary: how long until it is rolled back, over the limit."""
    every = (*EVERY, verdict_cells.ORACLE)
    for effect in (2.0, 5.0, 10.0):
        for weight in (0.05, 0.1, 0.5):
            world = sized(Traffic(0.001, 50, weight, effect=effect))
            yield Cell("price", f"target, {describe(world)}", world, releases, every, ("E2",))
    for effect, rps, p0, weight, tick in (
        (10.0, 5, 0.001, 0.1, 15), (2.0, 500, 0.001, 0.1, 15), (5.0, 500, 0.001, 0.1, 15),
        (10.0, 500, 0.001, 0.1, 15), (2.0, 5000, 0.001, 0.1, 15), (10.0, 5000, 0.001, 0.1, 15),
        (5.0, 50, 0.01, 0.1, 15), (5.0, 500, 0.0001, 0.1, 15), (5.0, 500, 0.001, 0.1, 5),
        (2.0, 5000, 0.001, 0.1, 5), (5.0, 500, 0.0005, 0.01, 15), (10.0, 1, 0.005, 0.5, 15),
        (1.5, 500, 0.01, 0.1, 15), (1.1, 5000, 0.01, 0.5, 15), (20.0, 50, 0.001, 0.1, 15),
        (20.0, 50, 0.005, 0.01, 15),
    ):  # fmt: skip
        world = sized(Traffic(p0, rps, weight, effect=effect, tick=tick))
        yield Cell("price", f"price, {describe(world)}", world, releases, every)


def watch(releases: int) -> Iterator[Cell]:
    """After the switch: E0 watches a version that has all traffic, against its objective."""
    for times, rps, onset in (
        (2.0, 50, 0),
        (5.0, 50, 0),
        (10.0, 50, 0),
        (2.0, 500, 0),
        (5.0, 50, 40),
    ):
        world = Traffic(0.005, rps, 1.0, effect=times, onset=onset)
        when = f" from minute {onset // 4} on" if onset else ""
        name = f"{times:g} times its budget{when}, {describe(world)}"
        yield Cell("rollback", name, world, releases, ("E0",), p_max=0.005)


def peers(releases: int) -> Iterator[Cell]:
    """One hour at 10%, the same counts for every rule."""
    replicas = {"canary": 2, "replicas": 20}
    worlds = {
        "equal versions": Traffic(0.001, 50, 0.1),
        "equal versions, 500 requests a second": Traffic(0.001, 500, 0.1),
        "equal versions, 5 requests a second": Traffic(0.001, 5, 0.1),
        "equal versions, both 5% bad for 12 minutes": Traffic(0.001, 50, 0.1, noise="outage"),
        "equal versions, both 5% bad for 5 minutes": Traffic(0.001, 50, 0.1, noise="short outage"),
        "equal versions, errors clustered (rho 0.2)": Traffic(
            0.001, 50, 0.1, noise="clustered", rho=0.2, **replicas
        ),
        "equal versions, one bad node of 20": Traffic(0.001, 50, 0.1, noise="bad node", **replicas),
        "equal versions, each failure retried twice": Traffic(0.001, 50, 0.1, noise="retries"),
        "equal versions, a tenth of the ticks lost": Traffic(0.001, 50, 0.1, noise="gaps"),
        "equal versions, a cold start of 2 minutes": Traffic(0.001, 50, 0.1, noise="cold start"),
        "equal versions, drifting rates": Traffic(0.001, 50, 0.1, noise="drift"),
        "equal versions, 0.5% of requests bad": Traffic(0.005, 50, 0.1),
        "twice as bad": Traffic(0.001, 50, 0.1, effect=2),
        "twice as bad, 5 requests a second": Traffic(0.001, 5, 0.1, effect=2),
        "5 times as bad": Traffic(0.001, 50, 0.1, effect=5),
        "5 times as bad, 500 requests a second": Traffic(0.001, 500, 0.1, effect=5),
        "5 times as bad, a tenth of the ticks lost": Traffic(
            0.001, 50, 0.1, effect=5, noise="gaps"
        ),
        "10 times as bad": Traffic(0.001, 50, 0.1, effect=10),
        "10 times as bad from minute 10 on": Traffic(0.001, 50, 0.1, effect=10, onset=40),
        "20 times as bad": Traffic(0.001, 50, 0.1, effect=20),
        "100 times as bad (10% fail)": Traffic(0.001, 50, 0.1, effect=100),
    }
    for name, world in worlds.items():
        yield Cell("peers", name, world, releases, ())


def sized(world: Traffic) -> Traffic:
    """Long enough that all but the unluckiest decide: eight times the limit, and 40 ticks."""
    ticks = math.ceil(8 * verdict_cells.limit_minutes(world) * 60 / world.tick)
    length = min(max(ticks, 40), verdict_cells.MAX_TICKS)
    return Traffic(world.p0, world.rps, world.weight, world.effect, tick=world.tick, length=length)


def describe(world: Traffic) -> str:
    """A world in a few words; also the name that seeds its random numbers."""
    parts = [f"{world.p0:.3%}"] if world.p0 else []
    parts += [f"{world.rps:g} rps", f"{world.weight:.0%}"]
    if not world.weight:
        parts[-1] = "ramp 10/25/50%"
    if world.effect != 1:
        parts.append(f"x{world.effect:g}")
    if world.tick != 15:
        parts.append(f"ticks of {world.tick:g} s")
    if world.noise == "clustered":
        parts.append(f"clustered rho {world.rho:g}, {world.canary} of {world.replicas}")
    elif world.noise != "independent":
        parts.append(world.noise)
    if world.warmup:
        parts.append(f"warm-up {world.warmup * world.tick:g} s")
    return ", ".join(parts)
