"""Run the revisions on the connection that `telford.store.migrate` hands over."""

from alembic import context

from telford.store import schema

context.configure(
    connection=context.config.attributes["connection"], target_metadata=schema.metadata
)
with context.begin_transaction():
    context.run_migrations()
