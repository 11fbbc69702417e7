"""Evidence as a number: e-processes kept as logarithms, one for each alternative of a mixture.

An e-process is a running product whose expectation stays at most 1 while the null hypothesis is
true; by Ville's inequality it ever reaches 1/alpha with probability at most alpha, so it may be
looked at after every tick. Each engine multiplies one factor a tick into each of a fixed list of
alternatives; the evidence is their plain average (an average of e-processes is one). Everything is
a tuple of natural logarithms, and ``-inf`` means an alternative that the data have ruled out.

Source: J. Ville, "Étude critique de la notion de collectif" (1939); A. Ramdas, P. Grünwald,
V. Vovk and G. Shafer, "Game-theoretic statistics and safe anytime-valid inference" (2023).
"""

import math
import operator
from collections.abc import Sequence

Logs = tuple[float, ...]
RATIOS = (1.25, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0, 40.0)
"""How many times worse the alternatives of a rollback engine are than its null."""


def start(alternatives: int) -> Logs:
    """No evidence yet: the logarithm of 1 for each alternative."""
    return (0.0,) * alternatives


def multiply(logs: Logs, factors: Sequence[float]) -> Logs:
    """One tick: the product of what was and this tick's factors, in logarithms."""
    if len(logs) != len(factors):
        raise ValueError(f"{len(factors)} factors for {len(logs)} alternatives")
    return tuple(map(operator.add, logs, factors))


def log_e(logs: Sequence[float]) -> float:
    """The logarithm of the average of the alternatives."""
    top = max(logs)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum([math.exp(x - top) for x in logs]) / len(logs))


def log_bound(level: float) -> float:
    """What `log_e` must reach at that level; infinite at level 0, which never fires."""
    return -math.log(level) if level > 0 else math.inf


def times_log(count: int, ratio: float) -> float:
    """``count * log(ratio)`` with 0 * log(0) = 0."""
    if count == 0:
        return 0.0
    return count * math.log(ratio) if ratio > 0 else -math.inf
