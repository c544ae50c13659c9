"""Replication: sites, who writes which replica there, and how it fares."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0003_replication"
down_revision = "0002_virtual_machines"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "replication_ends",
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("vm", sa.String(), nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("keep_replica", sa.Boolean(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machines.id"], name=op.f("fk_replication_ends_machine_id")
        ),
        sa.PrimaryKeyConstraint("machine_id", "vm", "site", name=op.f("pk_replication_ends")),
    )
    op.create_table(
        "sites",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("port", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("bytes_free", sa.BigInteger(), nullable=True),
        sa.Column("bytes_total", sa.BigInteger(), nullable=True),
        sa.Column("trouble", sa.String(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["machine_id"], ["machines.id"], name=op.f("fk_sites_machine_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sites")),
        sa.UniqueConstraint("machine_id", name=op.f("uq_sites_machine_id")),
        sa.UniqueConstraint("name", name=op.f("uq_sites_name")),
    )
    op.create_table(
        "replica_removals",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("vm", sa.String(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_replica_removals_site_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site_id", "vm", name=op.f("pk_replica_removals")),
    )
    op.create_table(
        "replicas",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("vm", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_replicas_site_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site_id", "vm", name=op.f("pk_replicas")),
    )
    op.create_table(
        "replications",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("vm", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("settings", JSON, nullable=False),
        sa.Column("status", JSON, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_since", MOMENT, nullable=False),
        sa.Column("health", sa.String(), nullable=False),
        sa.Column("health_since", MOMENT, nullable=False),
        sa.Column("latest_at", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("missing_since", MOMENT, nullable=True),
        sa.Column("handed_from", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machines.id"], name=op.f("fk_replications_machine_id")
        ),
        sa.ForeignKeyConstraint(
            ["site_id"], ["sites.id"], name=op.f("fk_replications_site_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replications")),
        sa.UniqueConstraint("site_id", "vm", name=op.f("uq_replications_site_id")),
    )
    with op.batch_alter_table("replications", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_replications_machine_id"), ["machine_id"], unique=False
        )

    op.create_table(
        "replication_samples",
        sa.Column("replication_id", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("rpo_seconds", sa.Double(), nullable=True),
        sa.Column("queue_bytes", sa.BigInteger(), nullable=False),
        sa.Column("health", sa.String(), nullable=False),
        sa.Column("is_heard", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["replication_id"],
            ["replications.id"],
            name=op.f("fk_replication_samples_replication_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("replication_id", "at", name=op.f("pk_replication_samples")),
    )
    with op.batch_alter_table("replication_samples", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_replication_samples_at"), ["at"], unique=False)
