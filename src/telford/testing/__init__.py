"""Shipped fakes: a clock, a place, an engine for orders, and a whole simulated world of them.

For Telford's own tests and for those of plugins. Nothing here touches a network or a process.
"""
