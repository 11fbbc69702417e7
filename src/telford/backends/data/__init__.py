"""Data changes on PostgreSQL, and on SQLite for laptops: `telford.ports.data`, carried out.

Reading order: `address` (where the data store is, secret), `ledger` (what it knows of its own
changes), `batches` (rows in transactions), `child` (Alembic and SQL in a process of their own),
`children` (their parents), `offline` (what would be sent), `runner` (the port).
"""
