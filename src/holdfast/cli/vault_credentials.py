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
        "of machines may use it. Whoever holds it can add machines to the vault, so keep it safe.\n\n"
        "It takes over no machine that is registered already: where a disk is lost with its key, "
        "--replaces makes a file for that one machine, good once."
    ),
    examples=[
        ("holdfast vault credentials office", N_("Into this folder, under a name with the date.")),
        ("holdfast vault credentials office --out -", N_("Onto standard output.")),
        (
            "holdfast vault credentials office --replaces mail",
            N_("For the new disk of the machine mail."),
        ),
    ],
)
@click.argument("name")
@option("--out", metavar="FILE", help=N_("Where to write it; - is standard output."))
@option(
    "--replaces",
    metavar="MACHINE",
    help=N_("For this one machine, which lost its key; its name or its id."),
)
def credentials(name: str, *, out: str | None, replaces: str | None) -> None:
    from datetime import datetime

    from holdfast.app.machines_on_server import machine_id
    from holdfast.app.server_client import connect, part
    from holdfast.cli.json_events import CredentialsIssued

    run = start()
    client = connect(run.session.settings.home)
    wanted = {"replaces": machine_id(client, replaces, vault=name)} if replaces else None
    made = client.post(f"/vaults/{part(name)}/credentials", wanted)
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
