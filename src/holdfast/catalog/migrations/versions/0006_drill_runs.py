"""Runs of drills, brought by the agents of the hosts they were run on."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = "0006_drill_runs"
down_revision = "0005_reports"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "drill_runs",
        sa.Column("machine_id", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("vm", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("begun_at", MOMENT, nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("run", JSON, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("picture", sa.String(), nullable=False),
        sa.Column("told_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machines.id"], name=op.f("fk_drill_runs_machine_id")
        ),
        sa.PrimaryKeyConstraint("machine_id", "id", name=op.f("pk_drill_runs")),
    )
    with op.batch_alter_table("drill_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drill_runs_id"), ["id"], unique=False)
        batch_op.create_index(batch_op.f("ix_drill_runs_begun_at"), ["begun_at"], unique=False)
        batch_op.create_index("ix_drill_runs_vm_begun", ["vm", "begun_at"], unique=False)
