"""Pure decisions about a release: the verdict from counts, and the next step.

Reading order: `policy` (what is declared before the start), `observe` (counters to counts),
`mixture` and its engines `bernoulli`, `block`, `binomial`, `share` (counts to evidence),
`weighing` (one tick of one indicator), `state` and `release` (evidence to the next step),
`evidence` (the ledger, recomputed), `forecast` and `limit` (how long it must take).
"""
