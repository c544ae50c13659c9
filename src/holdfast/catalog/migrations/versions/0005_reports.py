"""Reports: how much vaults held over time, weekly summaries, and pages that were made at hosts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0005_reports"
down_revision = "0004_recovery"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("alert_targets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("weekly_on", sa.String(), nullable=True))
        batch_op.add_column(sa.Column("week_told_on", sa.String(), nullable=True))
    _samples()
    _kept()


def _samples() -> None:
    op.create_table(
        "vault_samples",
        sa.Column("vault_id", sa.String(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("bytes_stored", sa.BigInteger(), nullable=False),
        sa.Column("files_stored", sa.BigInteger(), nullable=False),
        sa.Column("machines", sa.Integer(), nullable=False),
        sa.Column("disk_free", sa.BigInteger(), nullable=True),
        sa.Column("disk_total", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["vault_id"],
            ["vaults.id"],
            name=op.f("fk_vault_samples_vault_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("vault_id", "at", name=op.f("pk_vault_samples")),
    )
    with op.batch_alter_table("vault_samples", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_vault_samples_at"), ["at"], unique=False)


def _kept() -> None:
    op.create_table(
        "kept_reports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("vault_id", sa.String(), nullable=False),
        sa.Column("machine_id", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("kept_at", MOMENT, nullable=False),
        sa.Column("kept_by", sa.String(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("page", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["vault_id"],
            ["vaults.id"],
            name=op.f("fk_kept_reports_vault_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machines.id"], name=op.f("fk_kept_reports_machine_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_reports")),
    )
    with op.batch_alter_table("kept_reports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kept_reports_made_at"), ["made_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_kept_reports_vault_id"), ["vault_id"], unique=False)
