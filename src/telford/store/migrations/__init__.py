"""Alembic's folder. `telford.store.migrate` runs what lies in `versions`, in order."""
