"""What the server told, as tables for people and as records for programs."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from holdfast.base.secret import Secret
from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.cli import shown
from holdfast.cli.command import option
from holdfast.cli.run import Run

if TYPE_CHECKING:
    from holdfast.cli.json_events import ServerRecord

Record = Mapping[str, Any]
# The head of a column, and what stands in it.
Column = tuple[str, Callable[[Record], str]]

pin_option = option(
    "--pin", metavar="PIN", help=N_("The security PIN; without it, its password is asked for.")
)
approval_option = option(
    "--approval", metavar="ID", help=N_("The approval a second person gave to this very act.")
)
password_option = option(
    "--password-file", metavar="FILE", help=N_("File with the password; else it is typed.")
)


def tell_list(run: Run, kind: str, found: Iterable[Record], columns: list[Column]) -> None:
    """A line and a record for each."""
    records = list(found)
    rows = [tuple(cell(one) for _head, cell in columns) for one in records]
    head, *lines = shown.table([tuple(_(head) for head, _cell in columns), *rows])
    run.out.remark(head)
    for one, line in zip(records, lines, strict=True):
        run.out.show(_event(kind, one), line)


def tell_one(run: Run, kind: str, record: Record, rows: list[Column]) -> None:
    """A line for each of its facts."""
    lines = shown.table([(_(head), cell(record)) for head, cell in rows])
    run.out.show(_event(kind, record), *lines)


def tell_done(run: Run, kind: str, record: Record, *lines: str) -> None:
    run.out.done(_event(kind, record), *lines)


def text(name: str) -> Callable[[Record], str]:
    """The value of that name on one line; none is a dash."""
    return lambda record: "-" if record[name] is None else shown.line(str(record[name]))


def when(name: str) -> Callable[[Record], str]:
    from datetime import datetime

    def cell(record: Record) -> str:
        value = record[name]
        return "-" if value is None else shown.moment(datetime.fromisoformat(value))

    return cell


def size(name: str) -> Callable[[Record], str]:
    return lambda record: "-" if record[name] is None else format_size(record[name])


def yes(name: str) -> Callable[[Record], str]:
    return lambda record: _("yes") if record[name] else _("no")


def new_password(run: Run, file: str | None) -> str:
    """From the file, or typed twice."""
    from holdfast.app.secret_sources import new_passphrase

    return plain(new_passphrase(run.session, file=file, lab=True))


def known_password(run: Run, file: str | None, question: str) -> str:
    """From the file, or typed once."""
    from holdfast.app.secret_sources import read_passphrase

    if file:
        return plain(read_passphrase(file, session=run.session))
    if run.session.ask is None:
        raise click.UsageError(_("Nobody is there to type the password: give --password-file"))
    return plain(run.session.ask(question))


def plain(secret: Secret) -> str:
    return secret.reveal().decode(errors="replace")


def _event(kind: str, record: Record) -> "ServerRecord":
    from holdfast.cli.json_events import ServerRecord

    return ServerRecord(kind=kind, record=dict(record))
