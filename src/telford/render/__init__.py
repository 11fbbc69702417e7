"""Artifacts out, one folder a target."""
