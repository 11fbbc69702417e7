"""An index for the list of releases.

Revision ID: 0009
Revises: 0007
"""

from alembic import op

revision = "0009"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_index(
        "ix_releases_list",
        "releases",
        ["created_at", "id", "place", "service", "name", "phase", "who", "to_version"],
        unique=False,
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_releases_list", table_name="releases")
