"""Write the next step of the database's tables from what the code declares.

python -m tools.migration "what changes"    a step from the newest known one to the code
python -m tools.migration --first           the first step anew, while nothing is released
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext

from holdfast.catalog import migrating, migrations
from holdfast.catalog.database import Database
from holdfast.catalog.tables import Table

VERSIONS = Path(migrations.__path__[0]) / "versions"
_FIRST = "0001_first"
# Types of ours are for the code that reads them; here stands how they are stored.
_SHORT = {
    r"holdfast\.catalog\.types\.Moment\(.*?\)": "MOMENT",
    r"sa\.JSON\(none_as_null=True\)\.with_variant\(.*?.postgresql.\)": "JSON",
    r" *# ###.*": "",
}
_STEP = '''"""{title}."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")

revision = {name!r}
down_revision = {before!r}
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915  a list of tables
{body}
'''


def main(arguments: list[str]) -> None:
    if arguments == ["--first"]:
        (VERSIONS / f"{_FIRST}.py").unlink(missing_ok=True)
        write(_FIRST, before=None, title="The first tables")
        return
    title = " ".join(arguments)
    number = len(list(VERSIONS.glob("0*.py"))) + 1
    write(
        f"{number:04}_{title.replace(' ', '_')}", before=migrating.head(), title=title.capitalize()
    )


def write(name: str, *, before: str | None, title: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/before.db")
        if before:
            migrating.upgrade(database)
        script = difference(database)
        database.close()
    assert script.upgrade_ops is not None
    body = render_python_code(script.upgrade_ops, render_as_batch=True)
    for pattern, short in _SHORT.items():
        body = re.sub(pattern, short, body)
    path = VERSIONS / f"{name}.py"
    path.write_text(_STEP.format(title=title, name=name, before=before, body="    " + body.strip()))
    for command in (["check", "--fix", "-q", "--ignore", "F401"], ["format", "-q"]):
        subprocess.run(["ruff", *command, str(path)], check=True)
    print(path)


def difference(database: Database) -> MigrationScript:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"render_as_batch": True, "compare_type": True}
        )
        return produce_migrations(context, Table.metadata)


if __name__ == "__main__":
    main(sys.argv[1:])
