"""Use cases, one module a verb, shared by CLI and API; wiring and Settings."""
