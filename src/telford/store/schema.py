"""The tables, in one place: what the migrations create and the noun modules read and write.

Times are seconds since the epoch (UTC). JSON columns hold plain values only, never NaN or infinity
(`telford.deliver.codec` writes those as text). Nothing here is particular to one database.
"""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("heartbeat", sa.Double, nullable=False),
)

# Stand-by controllers, and since when each was last heard of; the one that holds a place is in
# `leases`.
controllers = sa.Table(
    "controllers",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, primary_key=True),
    sa.Column("since", sa.Double, nullable=False),
    sa.Column("heard_at", sa.Double, nullable=False),
)

# `slot` is "place service" while the release is active and null afterwards: its uniqueness is
# what keeps two releases of one service out of one place, whoever asks.
releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("from_version", sa.Text, nullable=False),
    sa.Column("to_version", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("slot", sa.Text, nullable=True, unique=True),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("tick", sa.BigInteger, nullable=False),
    sa.Column("tick_seconds", sa.Double, nullable=False),
    # That of `policy`, for the list's index.
    sa.Column("strategy", sa.Text, nullable=False, server_default="canary"),
    sa.Column("policy", sa.JSON, nullable=False),
    sa.Column("state", sa.JSON, nullable=False),
    sa.Column("workloads", sa.JSON, nullable=False),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("reading", sa.JSON, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Column("finished_at", sa.Double, nullable=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Index(None, "place", "service", "created_at"),
    sa.Index(None, "created_at"),
    # All that a list filters by, so that it reads no row (they are large) but those it shows.
    sa.Index(
        "ix_releases_list",
        "created_at",
        "id",
        "place",
        "service",
        "name",
        "phase",
        "who",
        "to_version",
        "strategy",
    ),
)

bindings = sa.Table(
    "bindings",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("issued", sa.BigInteger, nullable=False),
    sa.Column("workload", sa.JSON, nullable=False),
    sa.Column("release", sa.Text, nullable=True),
    sa.Column("since", sa.Double, nullable=False),
)

binding_history = sa.Table(
    "binding_history",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("generation", sa.BigInteger, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("release", sa.Text, nullable=True),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    # What ran, with its configuration; null for what was bound before this was kept.
    sa.Column("workload", sa.JSON, nullable=True),
)

ledger = sa.Table(
    "ledger",
    metadata,
    sa.Column(
        "release",
        sa.Text,
        sa.ForeignKey("releases.id", ondelete="RESTRICT"),
        primary_key=True,
    ),
    sa.Column("tick", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("phase", sa.Text, nullable=False),
    sa.Column("entry", sa.JSON, nullable=False),
)

commands = sa.Table(
    "commands",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column(
        "release", sa.Text, sa.ForeignKey("releases.id", ondelete="RESTRICT"), nullable=False
    ),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("asked_at", sa.Double, nullable=False),
    sa.Column("taken_at", sa.Double, nullable=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Index(None, "release", "asked_at"),
    sa.Index(None, "taken_at"),
)

# What people did at the gates of a release; append-only, a person's last word counts.
approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column(
        "release", sa.Text, sa.ForeignKey("releases.id", ondelete="RESTRICT"), nullable=False
    ),
    sa.Column("gate", sa.Text, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Index(None, "release", "at"),
)

# `width` is 0 for the increase of one tick that ended at `at`, else the seconds of a slot that
# began at `at`. An event is in exactly one row.
measurements = sa.Table(
    "measurements",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, primary_key=True),
    sa.Column("sli", sa.Text, primary_key=True),
    sa.Column("width", sa.Integer, primary_key=True),
    sa.Column("at", sa.Double, primary_key=True),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Column("bad", sa.BigInteger, nullable=False),
    sa.Index(None, "place", "width", "at"),
)

readings = sa.Table(
    "readings",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("counters", sa.JSON, nullable=False),
)

objectives = sa.Table(
    "objectives",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("objective", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("since", sa.Double, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("evaluation", sa.JSON, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("previous", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Index(None, "subject", "sequence"),
)

# Immutable releases by their digest: what travels from place to place.
versions = sa.Table(
    "versions",
    metadata,
    sa.Column("service", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("image", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("contents", sa.JSON, nullable=False),
)

quarantines = sa.Table(
    "quarantines",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("image", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("returns", sa.BigInteger, nullable=False),
    sa.Column("alarm", sa.Double, nullable=True),
    sa.Column("lifted_at", sa.Double, nullable=True),
    sa.Column("lifted_by", sa.Text, nullable=False),
    sa.Column("lift_reason", sa.Text, nullable=False),
    sa.Index(None, "place", "service", "at"),
)

# What a service's data go through in a place; the truth about a step is in the data store itself.
data_plans = sa.Table(
    "data_plans",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("slot", sa.Text, nullable=True, unique=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("release", sa.Text, nullable=True),
    sa.Column("steps", sa.JSON, nullable=False),
    sa.Column("views", sa.JSON, nullable=False),
    sa.Column("wish", sa.Text, nullable=False),
    sa.Column("contract", sa.Boolean, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("progress", sa.JSON, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Index(None, "service", "created_at"),
)

# Changes of Git folders, owed and made. `commit` is Git's; what was superseded stays for the record.
git_changes = sa.Table(
    "git_changes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("change", sa.JSON, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("commit", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("next_at", sa.Double, nullable=False),
    sa.Column("done_at", sa.Double, nullable=True),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Index(None, "place", "state"),
    sa.Index(None, "place", "service", "at"),
)

# Written once: how a rollout stands follows from its releases and what people asked of it.
rollouts = sa.Table(
    "rollouts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("to_version", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("waves", sa.JSON, nullable=False),
    sa.Column("releases", sa.JSON, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Index(None, "service", "created_at"),
)

# What people asked of a rollout, in that order; never changed.
rollout_acts = sa.Table(
    "rollout_acts",
    metadata,
    sa.Column(
        "rollout", sa.Text, sa.ForeignKey("rollouts.id", ondelete="RESTRICT"), primary_key=True
    ),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("verb", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("keep", sa.Boolean, nullable=False),
    sa.Column("at", sa.Double, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("release", sa.Text, nullable=False),
    sa.Column("event", sa.JSON, nullable=False),
    sa.Index(None, "place", "sequence"),
    sa.Index(None, "release", "sequence"),
)

event_cursors = sa.Table(
    "event_cursors",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("subscription", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("next_at", sa.Double, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("told_at", sa.Double, nullable=True),
)

lost_events = sa.Table(
    "lost_events",
    metadata,
    sa.Column("place", sa.Text, primary_key=True),
    sa.Column("subscription", sa.Text, primary_key=True),
    sa.Column("event", sa.Text, primary_key=True),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("problem", sa.Text, nullable=False),
)
