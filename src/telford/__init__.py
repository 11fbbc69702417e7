"""Telford: an internal developer platform and reliability control plane.

This module imports nothing, so that ``telford --help`` stays fast. Python users start at
``telford.api``.
"""
