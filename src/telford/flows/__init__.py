"""Durable sequences: the controller's tick over all releases, and what it orders of a place.

Reading order: `boundaries` (the named instants), `orders` (what a place is asked for), `counting`
(counters as JSON), `gating` (what gates are judged by, and whom they ask), `advancing` (one
release, one tick, pure), `carrying` (one order, carried out),
`durable` (orders that survive a kill, on DBOS), `watching` (measurements and objectives),
`controller` (the loop). Only `durable` imports the durable-execution library.
"""
