"""Compose files read into an estate: one module a stage, `reading` has them in order."""
