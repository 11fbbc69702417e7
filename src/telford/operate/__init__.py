"""Pure decisions about promises: how an objective stands, from event counts alone.

`promise` is what was promised and the windows it is watched over; `budget` says how much of its
error budget is left, how fast it burns, its state and what that means for releases. The windows
and their thresholds are data of `telford.road.burn`.
"""
