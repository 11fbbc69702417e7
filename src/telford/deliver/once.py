"""What follows from values that never change, worked out once for each of them.

A policy is frozen for a whole release and asked about dozens of times a tick; finding it again by
its hash costs more than most of what is asked. So values are found by identity: what is kept here
stays alive, so nothing else can have its place in memory. Used by the modules of this floor and by
`telford.flows` for what is asked of the same object at every tick.
"""

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Values = TypeVarTuple("Values")
KEPT = 4096
"""As many answers as there are releases in flight on one controller, at their present steps, and
some. The oldest goes first."""


def once(function: Callable[[*Values], T]) -> Callable[[*Values], T]:
    """A function of values that never change; of two that are equal each is asked about itself."""
    kept: OrderedDict[tuple[int, ...], tuple[T, tuple[*Values]]] = OrderedDict()

    @functools.wraps(function)
    def found(*values: *Values) -> T:
        key = tuple(map(id, values))
        known = kept.get(key)
        if known is None:
            known = kept[key] = function(*values), values
            if len(kept) > KEPT:
                kept.popitem(last=False)
        return known[0]

    return found
