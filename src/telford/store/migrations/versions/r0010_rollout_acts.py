"""What people ask of rollouts, and an index for the strategies of releases.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_LISTED = ["created_at", "id", "place", "service", "name", "phase", "who", "to_version"]


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "rollout_acts",
        sa.Column("rollout", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("keep", sa.Boolean(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rollout"],
            ["rollouts.id"],
            name=op.f("fk_rollout_acts_rollout_rollouts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("rollout", "number", name=op.f("pk_rollout_acts")),
    )
    op.add_column(
        "releases", sa.Column("strategy", sa.Text(), nullable=False, server_default="canary")
    )
    rows = sa.table("releases", sa.column("strategy", sa.Text()), sa.column("policy", sa.JSON()))
    named = rows.c.policy["strategy"].as_string()
    op.execute(sa.update(rows).where(named.is_not(None)).values(strategy=named))
    op.drop_index("ix_releases_list", table_name="releases")
    op.create_index("ix_releases_list", "releases", [*_LISTED, "strategy"], unique=False)


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_releases_list", table_name="releases")
    op.create_index("ix_releases_list", "releases", _LISTED, unique=False)
    op.drop_column("releases", "strategy")
    op.drop_table("rollout_acts")
