"""Records: releases, bindings, evidence, commands, measurements, objectives, leases, audit.

`telford.store.store.Store` opens them by URL: SQLite (WAL) on one machine, PostgreSQL on several,
with the same code. One module a noun; rows are frozen dataclasses. Every write that belongs to a
release is fenced by the epoch of a lease. Reads are for everybody; see docs/internals/store.md.
"""
