"""A third opinion on a release: reads its policy and ledger as JSON and decides again.

Written from the formulas in the issue of record, with numpy and scipy, and importing nothing from
Telford: optimisers where Telford has closed forms, probabilities where it has logarithms' sums. Run
it on an exported ledger: ``python independent.py ledger.json`` prints what does not agree and exits
with 1; the file holds ``{"policy": ..., "entries": [...]}``.
"""

import hashlib
import json
import math
import pathlib
import sys

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp, xlogy
from scipy.stats import bernoulli, binom

RATIOS = [1.25, 1.5, 2, 3, 5, 8, 12, 20, 40]
STAKES = [0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.95]
TILTS = [0.1, 0.2, 0.4, 0.7, 1.1, 1.6]
MOVES = [0.005, 0.02, 0.1]
SPLIT_ODDS = [0.5, 0.8, 1.25, 2.0]
WATCHED = {"stepping", "paused", "held"}
COUNTED = ("requests", "bad")


def mean_of(logs):
    return logsumexp(logs) - math.log(len(logs))


def bernoulli_logs(n, k, null, rates):
    """Log likelihood ratios by scipy's Bernoulli: k ones and n - k zeros."""
    return np.array(
        [
            (k * bernoulli.logpmf(1, a) if k else 0.0)
            + (n - k) * bernoulli.logpmf(0, a)
            - k * bernoulli.logpmf(1, null)
            - (n - k) * bernoulli.logpmf(0, null)
            for a in rates
        ]
    )


def block_log(n1, k1, n0, k0, a1, a0, ratio):
    """E1 with the null point found by a root finder on the divergence's derivative."""

    def slope(q):
        return n1 * (a1 - ratio * q) * (1 - q) + n0 * (a0 - q) * (1 - ratio * q)

    q0 = brentq(slope, 0.0, min(1.0, 1 / ratio) * (1 - 1e-13), xtol=1e-300, rtol=1e-14)
    q1 = ratio * q0
    return (
        xlogy(k1, a1 / q1)
        + (n1 - k1) * math.log((1 - a1) / (1 - q1))
        + xlogy(k0, a0 / q0)
        + (n0 - k0) * math.log((1 - a0) / (1 - q0))
    )


def worse_logs(n1, k1, n0, k0, guess, ratio):
    logs = []
    for times in RATIOS:
        odds = times * ratio * guess / (1 - guess)
        a1 = odds / (1 + odds)
        skip = a1 <= ratio * guess or not n1 or not n0
        logs.append(0.0 if skip else block_log(n1, k1, n0, k0, a1, guess, ratio))
    return np.array(logs)


def better_logs(n1, k1, n0, k0, guess, ratio):
    parts = [0, 0.25, 0.5, 0.75, 1.0]
    if not n1 or not n0:
        return np.zeros(len(parts))
    return np.array(
        [block_log(n1, k1, n0, k0, j * guess, guess, ratio) if j < ratio else 0.0 for j in parts]
    )


def binomial_logs(n1, k1, n0, k0):
    if not n1 or not n0:
        return np.zeros(len(RATIOS))
    total, share = k1 + k0, n1 / (n1 + n0)
    shares = [r * n1 / (r * n1 + n0) for r in RATIOS]
    return np.array([binom.logpmf(k1, total, s) - binom.logpmf(k1, total, share) for s in shares])


def share_logs(k1, k0, w):
    if k1 + k0 == 0:
        return np.zeros(len(STAKES))
    return np.log([1 + f / w * (k1 / (k1 + k0) - w) for f in STAKES])


def histogram_logs(c1, c0, before):
    """E3 by multinomial likelihood ratios against the mixture of both arms' alternatives."""
    if sum(c1) == 0 or sum(c0) == 0 or before is None or before.sum() == 0:
        return np.zeros(len(TILTS) + len(MOVES))
    size = len(before)
    a0 = (before + 0.5) / (before.sum() + 0.5 * size)
    below = [a0[:j].sum() for j in range(size)]
    top = next((j for j in range(size) if below[j] >= 0.95), size - 1)
    guesses = [a0 * np.exp(b * np.arange(size)) for b in TILTS]
    guesses = [one / one.sum() for one in guesses]
    rising = np.array(
        [max(1 / a0[i] if i >= top else 0.0 for i in range(j + 1)) for j in range(size)]
    )
    moved = a0 * rising / (a0 * rising).sum()
    guesses += [(1 - eps) * a0 + eps * moved for eps in MOVES]
    n1, n0 = sum(c1), sum(c0)
    logs = []
    for a1 in guesses:
        q = (n1 * a1 + n0 * a0) / (n1 + n0)
        logs.append(float(xlogy(c1, a1 / q).sum() + xlogy(c0, a0 / q).sum()))
    return np.array(logs)


def halves(entry, replicas):
    """(n, k) of both halves of the stable replicas, and the first half's part of them."""
    if len(replicas) < 2:
        return None
    seed = f"{entry['stable']}>{entry['canary']}"
    order = sorted(replicas, key=lambda one: hashlib.sha256(f"{seed}:{one}".encode()).hexdigest())
    first, second = order[: len(order) // 2], order[len(order) // 2 :]
    sums = [(sum(replicas[r][i] for r in half)) for half in (first, second) for i in (0, 1)]
    return (*sums, len(first) / len(order))


def split_logs(n1, n0, w):
    shares = [o * w / (o * w + 1 - w) for o in SPLIT_ODDS]
    return np.array([n1 * math.log(s / w) + n0 * math.log((1 - s) / (1 - w)) for s in shares])


class Indicator:
    """The running evidence of one indicator."""

    def __init__(self, policy, spec):
        self.name, self.policy = spec["name"], policy
        self.kind = spec["kind"] or spec["name"]
        self.budget = 1 - float(spec["objective_target"])
        weights = [one["alpha_weight"] for one in policy["indicators"]]
        part = spec["alpha_weight"] / max(1.0, sum(weights))
        self.alpha = (policy["alpha"] - policy["fuse_alpha"]) * part
        self.fuse_alpha = policy["fuse_alpha"] * part
        self.placebo_alpha = policy["placebo_alpha"] * part
        self.fuse_rate = policy["fuse_factor"] * self.budget
        self.has_fuse = policy["fuse_alpha"] > 0 and self.fuse_rate <= 0.95
        self.has_fuse &= self.kind != "latency"
        self.history = [float(spec["history_requests"]), float(spec["history_bad"])]
        if not self.history[0]:
            self.history = [100.0, 100.0 * self.budget / 2]
        self.shape = None
        self.bad = self.good = self.ratio = self.over = None
        self.restart_bad()
        self.restart_good()
        self.restart_placebo()
        self.cap, self.fuse = np.zeros(9), np.zeros(9)

    def restart_bad(self):
        share = self.policy["engine"] == "E4" and self.kind != "latency"
        self.bad, self.over = np.zeros(8 if share else 9), np.zeros(9)

    def restart_good(self):
        self.good, self.ratio = np.zeros(5), np.zeros(5)

    def restart_placebo(self):
        self.placebo = np.zeros(16 if self.policy["engine"] == "E4" else 18)

    def weigh_latency(self, c1, c0):
        if self.shape is not None and len(self.shape) != len(c0):
            return
        self.bad = self.bad + histogram_logs(c1, c0, self.shape)
        before = np.zeros(len(c0)) if self.shape is None else self.shape
        self.shape = 0.97 * before + np.array(c0, dtype=float)

    def weigh_alone(self, n1, k1):
        """What needs the canary alone: the objective's certificate and the fuse."""
        limit = self.policy["objective_share"] * self.budget
        rates = [limit * part for part in (0, 1 / 16, 1 / 8, 1 / 4, 1 / 2)]
        if self.policy["certificate"] != "ratio":
            self.good = self.good + bernoulli_logs(n1, k1, limit, rates)
        if self.has_fuse:
            self.fuse = self.fuse + self.above(n1, k1, self.fuse_rate)

    def above(self, n1, k1, rate):
        odds = rate / (1 - rate)
        return bernoulli_logs(n1, k1, rate, [r * odds / (1 + r * odds) for r in RATIOS])

    def weigh(self, n1, k1, n0, k0, whole, share):
        policy = self.policy
        self.weigh_alone(n1, k1)
        if n0 is None:
            rate = min(policy["objective_factor"] * self.budget, 0.95)
            self.over = self.over + self.above(n1, k1, rate)
            return
        guess = min(max(max(self.history[1], 0.5) / self.history[0], 1e-6), 0.999)
        if policy["engine"] == "E1":
            self.bad = self.bad + worse_logs(n1, k1, n0, k0, guess, policy["rollback_ratio"])
        elif policy["engine"] == "E2":
            self.bad = self.bad + binomial_logs(n1, k1, n0, k0)
        elif whole:
            self.bad = self.bad + share_logs(k1, k0, share)
        if policy["certificate"] != "ratio":
            self.cap = self.cap + worse_logs(n1, k1, n0, k0, guess, policy["ratio_cap"])
        less = better_logs(n1, k1, n0, k0, guess, policy["tolerable_ratio"])
        if policy["certificate"] == "ratio":
            self.good = self.good + less
        self.ratio = self.ratio + less
        self.history = [0.97 * self.history[0] + n0, 0.97 * self.history[1] + k0]

    def weigh_placebo(self, both, gaps):
        if both is None or (self.policy["engine"] == "E4" and gaps):
            return
        n1, k1, n0, k0, part = both
        if self.policy["engine"] == "E4":
            logs = [share_logs(k1, k0, part), share_logs(k0, k1, 1 - part)]
        else:
            logs = [binomial_logs(n1, k1, n0, k0), binomial_logs(n0, k0, n1, k1)]
        self.placebo = self.placebo + np.concatenate(logs)


def alone(policy):
    return policy["strategy"] in {"blue-green", "recreate"}


def series_of(entry, indicator, version, young):
    return [
        one
        for one in entry["series"]
        if (one["indicator"], one["version"]) == (indicator, version)
        and f"{version}/{one['replica']}" not in young
    ]


def arms(policy, entry):
    """(canary, what it is compared with) as versions; None for the objective."""
    canary = entry["canary"] + ("-mirrored" if policy["strategy"] == "mirror" else "")
    if alone(policy):
        return canary, None
    return canary, entry["stable"] + ("-baseline" if policy["baseline"] else "")


def young_of(policy, entries):
    """tick -> ``version/replica`` of those that are left out because they warm up."""
    found, since, before = {}, {}, None
    for entry in sorted(entries, key=lambda one: one["tick"]):
        found[entry["tick"]] = set()
        if entry["observed_at"] is None or not policy["warmup_seconds"]:
            before = entry["observed_at"] or before
            continue
        late = {
            name
            for name, at in since.items()
            if before is None or at + policy["warmup_seconds"] > before
        }
        found[entry["tick"]] = late | set(entry["begun"])
        since |= dict.fromkeys(entry["begun"], entry["observed_at"])
        before = entry["observed_at"]
    return found


def decide(policy, entries):
    """[(tick, {evidence name: log e}, decision)] for every watched tick."""
    indicators = [Indicator(policy, spec) for spec in policy["indicators"]]
    shares = policy["beta_shares"] or [1.0] * len(policy["weights"])
    split, before, found = np.zeros(4), None, []
    young = young_of(policy, entries)
    for entry in sorted(entries, key=lambda one: one["tick"]):
        for key, restart in (
            ("step", Indicator.restart_good),
            ("rollback_epoch", Indicator.restart_bad),
            ("placebo_epoch", Indicator.restart_placebo),
        ):
            if before and entry[key] != before[key]:
                for one in indicators:
                    restart(one)
        if before and entry["split_epoch"] != before["split_epoch"]:
            split = np.zeros(4)
        split = weigh_entry(policy, entry, indicators, split, young[entry["tick"]])
        if entry["phase"] in WATCHED:
            beta = policy["beta"] * shares[entry["step"]] / sum(shares)
            found.append(judge(policy, entry, indicators, split, beta))
        before = entry
    return found


def weigh_entry(policy, entry, indicators, split, young):
    if not entry["counted"]:
        return split
    new, old = arms(policy, entry)
    gone = {name.rpartition("/")[0] for name in [*entry["missing"], *young]}
    gaps = bool(gone & {new, old})
    first = True
    for one in indicators:
        mine = series_of(entry, one.name, new, young)
        others = series_of(entry, one.name, old, young) if old else []
        if not mine or (old and not others):
            continue
        if one.kind == "latency":
            columns = [
                [sum(c) for c in zip(*(x["buckets"] for x in arm), strict=True)]
                for arm in (mine, others)
            ]
            one.weigh_latency(*columns)
        else:
            m = policy["canary_replicas"]
            rest = m if policy["baseline"] else policy["stable_replicas"]
            whole = (len(mine), len(others)) == (m, rest) and not gaps
            sums = [sum(x[what] for x in arm) for arm in (mine, others) for what in COUNTED]
            one.weigh(*(sums if old else [*sums[:2], None, None]), whole, m / (m + rest))
            stable = series_of(entry, one.name, entry["stable"], young)
            both = halves(entry, {x["replica"]: (x["requests"], x["bad"]) for x in stable})
            one.weigh_placebo(both, gaps)
        asked = asked_share(policy, entry)
        if first and asked and not gaps and entry["cause"] != "split":
            n1, n0 = (sum(x["requests"] for x in arm) for arm in (mine, others))
            split = split + split_logs(n1, n0, asked)
        first = False
    return split


def is_judged(policy, entry):
    """Whether anything is compared; elsewhere readiness and soak are all there is."""
    preview = policy["strategy"] == "blue-green" and not policy["weights"][entry["step"]]
    return not policy["skip_analysis"] and (policy["judge_preview"] or not preview)


def asked_share(policy, entry):
    drawn = policy["strategy"] in {"canary", "rolling"} and policy["sharing"] == "traffic"
    if not drawn or policy["matches"] or policy["sticky"]:
        return None
    return 0.5 if policy["baseline"] else entry["weight_bp"] / 10_000


def judge(policy, entry, indicators, split, beta):  # noqa: PLR0912 - one rule after the other
    """The decision, as far as evidence makes it: "other" where clocks or hands do."""
    values, rollback, fused, good, unlike = {}, False, False, True, False
    objective_beta, ratio_beta = beta, beta
    if policy["certificate"] == "both":
        objective_beta = beta * policy["certificate_share"]
        ratio_beta = beta - objective_beta
    compared = not alone(policy)
    for one in indicators:
        evidence = one.bad if compared else one.over
        values["rollback" if compared else "objective", one.name] = mean_of(evidence)
        rollback |= mean_of(evidence) >= math.log(1 / one.alpha)
        if one.kind == "latency":
            continue
        values["promotion", one.name] = mean_of(one.good)
        capped = compared and mean_of(one.cap) >= math.log(1 / policy["cap_alpha"])
        certified = mean_of(one.good) >= math.log(1 / objective_beta)
        if policy["certificate"] != "ratio":
            certified &= not capped
            if compared:
                values["cap", one.name] = mean_of(one.cap)
        if policy["certificate"] == "both" and compared:
            values["ratio", one.name] = mean_of(one.ratio)
            certified |= mean_of(one.ratio) >= math.log(1 / ratio_beta)
        good &= bool(certified)
        if policy["placebo_alpha"] > 0 and compared:
            values["placebo", one.name] = mean_of(one.placebo)
            unlike |= bool(mean_of(one.placebo) >= math.log(1 / one.placebo_alpha))
        if one.has_fuse:
            values["fuse", one.name] = mean_of(one.fuse)
            fused |= bool(mean_of(one.fuse) >= math.log(1 / one.fuse_alpha))
    values["split", ""] = mean_of(split)
    if fused:
        return entry["tick"], values, "rollback"
    if unlike or (entry["phase"] == "held" and entry["cause"] == "replicas"):
        return entry["tick"], values, "hold"
    if rollback:
        return entry["tick"], values, "rollback"
    clocks, soak = entry["clocks"], policy["soak_seconds"]
    needed = soak[entry["step"]] if len(soak) > 1 else soak[0]
    if policy["strategy"] == "blue-green" and policy["weights"][entry["step"]]:
        needed = max(needed, policy["keep_seconds"])
    confirmed = clocks["confirmed_at"]
    judged, counted = is_judged(policy, entry), entry["counted"]
    good, counted = (good, counted) if judged else (True, True)
    soaked = confirmed is not None and entry["at"] - confirmed - policy["warmup_seconds"] >= needed
    quiet = mean_of(split) < math.log(1 / policy["split_alpha"])
    if policy["exposure_share"]:  # A weight that was chosen must first reach the step's own.
        soaked &= entry["weight_bp"] >= policy["weights"][entry["step"]]
    # A hold for want of counts ends by itself when there are counts again.
    phase = "stepping" if entry["cause"] == "stale" else entry["phase"]
    if good and soaked and quiet and counted and phase == "stepping":
        last = entry["step"] == len(policy["weights"]) - 1
        return entry["tick"], values, "promote" if last else "advance"
    return entry["tick"], values, "other"


def disagreements(policy, entries):
    """Sentences; empty where the ledger's evidence and decisions follow from its counts."""
    by_tick = {entry["tick"]: entry for entry in entries}
    faults = []
    for tick, values, decision in decide(policy, entries):
        entry = by_tick[tick]
        said = {(one["name"], one["indicator"]): float(one["log_e"]) for one in entry["evidence"]}
        for key, value in values.items():
            if key not in said or not close(value, said[key]):
                faults.append(f"tick {tick}: {key} is {value}, the ledger says {said.get(key)}")
        moved = entry["decision"] in {"rollback", "advance", "promote"}
        by_evidence = entry["certificate"] not in {"deadline"}
        probing = (
            decision == "rollback" and entry["decision"] == "hold" and may_probe(policy, entry)
        )
        compared = (moved and by_evidence) or (decision != "other" and not probing)
        if compared and decision != entry["decision"]:
            faults.append(f"tick {tick}: {decision} here, {entry['decision']} in the ledger")
    return faults


def may_probe(policy, entry):
    return policy["canary_replicas"] > 1 and not (entry["probe"] or {}).get("done")


def close(a, b):
    return a == b or abs(a - b) <= 1e-6 * (1 + abs(b))


if __name__ == "__main__":
    ledger = json.loads(pathlib.Path(sys.argv[1]).read_text())
    wrong = disagreements(ledger["policy"], ledger["entries"])
    sys.stdout.write("\n".join(wrong) or f"agrees on all {len(ledger['entries'])} ticks\n")
    sys.exit(bool(wrong))
