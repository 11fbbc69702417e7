"""A third opinion on a release: reads its policy and ledger as JSON and decides again.

Written from the formulas in the issue of record, with numpy and scipy, and importing nothing from
Telford: optimisers where Telford has closed forms, probabilities where it has logarithms' sums. Run
it on an exported ledger: ``python independent.py ledger.json`` prints what does not agree and exits
with 1; the file holds ``{"policy": ..., "entries": [...]}``.
"""

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
SPLIT_ODDS = [0.5, 0.8, 1.25, 2.0]
WATCHED = {"stepping", "paused", "held"}


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


def split_logs(n1, n0, w):
    shares = [o * w / (o * w + 1 - w) for o in SPLIT_ODDS]
    return np.array([n1 * math.log(s / w) + n0 * math.log((1 - s) / (1 - w)) for s in shares])


class Indicator:
    """The running evidence of one indicator."""

    def __init__(self, policy, spec):
        self.name, self.policy = spec["name"], policy
        self.budget = 1 - float(spec["objective_target"])
        part = spec["alpha_weight"] / sum(one["alpha_weight"] for one in policy["indicators"])
        self.alpha = (policy["alpha"] - policy["fuse_alpha"]) * part
        self.fuse_alpha = policy["fuse_alpha"] * part
        self.fuse_rate = policy["fuse_factor"] * self.budget
        self.has_fuse = policy["fuse_alpha"] > 0 and self.fuse_rate <= 0.95
        self.history = [float(spec["history_requests"]), float(spec["history_bad"])]
        if not self.history[0]:
            self.history = [100.0, 100.0 * self.budget / 2]
        self.bad = self.good = self.cap = self.fuse = None
        self.restart_bad()
        self.restart_good()
        self.cap, self.fuse = np.zeros(9), np.zeros(9)

    def restart_bad(self):
        self.bad = np.zeros(8 if self.policy["engine"] == "E4" else 9)

    def restart_good(self):
        self.good = np.zeros(5)

    def weigh(self, n1, k1, n0, k0, whole):
        policy = self.policy
        guess = min(max(max(self.history[1], 0.5) / self.history[0], 1e-6), 0.999)
        if policy["engine"] == "E1":
            self.bad = self.bad + worse_logs(n1, k1, n0, k0, guess, policy["rollback_ratio"])
        elif policy["engine"] == "E2":
            self.bad = self.bad + binomial_logs(n1, k1, n0, k0)
        elif whole:
            m, others = policy["canary_replicas"], policy["stable_replicas"]
            self.bad = self.bad + share_logs(k1, k0, m / (m + others))
        if policy["certificate"] == "objective":
            limit = policy["objective_share"] * self.budget
            rates = [limit * part for part in (0, 1 / 16, 1 / 8, 1 / 4, 1 / 2)]
            self.good = self.good + bernoulli_logs(n1, k1, limit, rates)
            self.cap = self.cap + worse_logs(n1, k1, n0, k0, guess, policy["ratio_cap"])
        else:
            self.good = self.good + better_logs(n1, k1, n0, k0, guess, policy["tolerable_ratio"])
        if self.has_fuse:
            odds = self.fuse_rate / (1 - self.fuse_rate)
            rates = [r * odds / (1 + r * odds) for r in RATIOS]
            self.fuse = self.fuse + bernoulli_logs(n1, k1, self.fuse_rate, rates)
        self.history = [0.97 * self.history[0] + n0, 0.97 * self.history[1] + k0]


def totals(entry, indicator, version):
    mine = [
        one for one in entry["series"] if (one["indicator"], one["version"]) == (indicator, version)
    ]
    return len(mine), sum(one["requests"] for one in mine), sum(one["bad"] for one in mine)


def decide(policy, entries):
    """[(tick, {evidence name: log e}, decision)] for every watched tick."""
    indicators = [Indicator(policy, spec) for spec in policy["indicators"]]
    shares = policy["beta_shares"] or [1.0] * len(policy["weights"])
    split, before, found = np.zeros(4), None, []
    for entry in sorted(entries, key=lambda one: one["tick"]):
        if before and entry["step"] != before["step"]:
            for one in indicators:
                one.restart_good()
        if before and entry["rollback_epoch"] != before["rollback_epoch"]:
            for one in indicators:
                one.restart_bad()
        if before and entry["split_epoch"] != before["split_epoch"]:
            split = np.zeros(4)
        split = weigh_entry(policy, entry, indicators, split)
        if entry["phase"] in WATCHED:
            beta = policy["beta"] * shares[entry["step"]] / sum(shares)
            found.append(judge(policy, entry, indicators, split, beta))
        before = entry
    return found


def weigh_entry(policy, entry, indicators, split):
    if not entry["counted"]:
        return split
    first = True
    for one in indicators:
        replicas1, n1, k1 = totals(entry, one.name, entry["canary"])
        replicas0, n0, k0 = totals(entry, one.name, entry["stable"])
        if not replicas1 or not replicas0:
            continue
        declared = (policy["canary_replicas"], policy["stable_replicas"])
        one.weigh(n1, k1, n0, k0, (replicas1, replicas0) == declared and not entry["missing"])
        if first and not entry["missing"] and entry["cause"] != "split":
            split = split + split_logs(n1, n0, entry["weight_bp"] / 10_000)
        first = False
    return split


def judge(policy, entry, indicators, split, beta):
    """The decision, as far as evidence makes it: "other" where clocks or hands do."""
    values, rollback, good = {}, False, True
    for one in indicators:
        values["rollback", one.name] = mean_of(one.bad)
        values["promotion", one.name] = mean_of(one.good)
        rollback |= mean_of(one.bad) >= math.log(1 / one.alpha)
        good &= bool(mean_of(one.good) >= math.log(1 / beta))
        if policy["certificate"] == "objective":
            values["cap", one.name] = mean_of(one.cap)
            good &= bool(mean_of(one.cap) < math.log(1 / policy["cap_alpha"]))
        if one.has_fuse:
            values["fuse", one.name] = mean_of(one.fuse)
            rollback |= mean_of(one.fuse) >= math.log(1 / one.fuse_alpha)
    values["split", ""] = mean_of(split)
    if rollback:
        return entry["tick"], values, "rollback"
    clocks, soak = entry["clocks"], policy["soak_seconds"]
    needed = soak[entry["step"]] if len(soak) > 1 else soak[0]
    confirmed = clocks["confirmed_at"]
    soaked = confirmed is not None and entry["at"] - confirmed - policy["warmup_seconds"] >= needed
    quiet = mean_of(split) < math.log(1 / policy["split_alpha"])
    if good and soaked and quiet and entry["counted"] and entry["phase"] == "stepping":
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
