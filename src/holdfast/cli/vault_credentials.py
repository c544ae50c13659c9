"""`holdfast vault credentials`: the file with which machines register."""

import os

import click

from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.run import start


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Download new vault credentials of the vault NAME, for machines to register with.\n\n"
        "Only the newest file is good, for 48 hours unless the vault says otherwise; any number "
        "of machines may use it. Whoever holds it can add machines to the vault, so keep it safe."
    ),
    examples=[
        ("holdfast vault credentials office", N_("Into this folder, under a name with the date.")),
        ("holdfast vault credentials office --out -", N_("Onto standard output.")),
    ],
)
@click.argument("name")
@option("--out", metavar="FILE", help=N_("Where to write it; - is standard output."))
def credentials(name: str, *, out: str | None) -> None:
    from datetime import datetime

    from holdfast.app.server_client import connect, part
    from holdfast.cli.json_events import CredentialsIssued

    run = start()
    made = connect(run.session.settings.home).post(f"/vaults/{part(name)}/credentials")
    if out == "-":
        click.echo(made["content"], nl=False)
        return
    # The server names the file; that must not lead anywhere else.
    file = out or os.path.basename(made["file_name"])
    _write(file, made["content"])
    until = datetime.fromisoformat(made["expires_at"])
    run.out.done(
        CredentialsIssued(
            file=file, vault=made["vault_id"], serial=made["serial"], expires_at=made["expires_at"]
        ),
        _("Wrote {file}, good until {until}; earlier files no longer are").format(
            file=file, until=shown.moment(until)
        ),
        _("On the machine: `holdfast register --credentials {file}`").format(file=file),
    )


def _write(file: str, content: str) -> None:
    try:
        with open(file, "w", encoding="utf-8", opener=_private) as stream:
            stream.write(content)
    except OSError as err:
        raise click.FileError(file, err.strerror) from err


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
