"""`holdfast recovery-kit`: what is needed to fail over when the server is gone, in one sealed file."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, Group, option
from holdfast.cli.output import encodable
from holdfast.cli.run import start

_sealed_with = option(
    "--sealed-with", metavar="FILE", help=N_("File with the passphrase of the kit.")
)


@click.group(
    name="recovery-kit",
    cls=Group,
    needs_vault=False,
    help=N_(
        "What a person needs to fail over when only the recovery hosts are left.\n\n"
        "One file, sealed with a passphrase: sites, replicas, plans, networks, whom to call, each "
        "command in its order, and the server's state to build it again. Keep copies where the "
        "server is not, and the passphrase in another place."
    ),
    examples=[
        ("holdfast recovery-kit export /media/usb/kit", N_("The passphrase is typed twice.")),
        ("holdfast recovery-kit show kit", N_("Read what is to be done.")),
    ],
)
def recovery_kit() -> None:
    pass


@recovery_kit.command(
    "export",
    cls=Command,
    needs_vault=False,
    help=N_(
        "Write the recovery kit of this server into FILE, also while it runs.\n\n"
        "On a host that is a site and has no server the kit is about that site alone. Make a new "
        "one when machines, sites or plans have changed."
    ),
    examples=[
        (
            "holdfast recovery-kit export kit --contact 'Operations, 24 h: +82 2 555 0100'",
            N_("With whom to call."),
        ),
        (
            "holdfast recovery-kit export kit-$(date +%F) --sealed-with /root/kit.passphrase",
            N_("From a timer, a new file each day."),
        ),
    ],
)
@click.argument("file")
@option("--contact", "contacts", multiple=True, metavar="TEXT", help=N_("Whom to call, and how."))
@_sealed_with
@option("--database", metavar="URL", help=N_("The server's database, if it is not its own file."))
def export_(
    *, file: str, contacts: tuple[str, ...], sealed_with: str | None, database: str | None
) -> None:
    import os

    from holdfast.app.recovery_kit_making import make_kit
    from holdfast.app.secret_sources import new_passphrase
    from holdfast.cli.json_recovery_kit import RecoveryKitWritten

    run = start()
    passphrase = new_passphrase(run.session, file=sealed_with)
    kit = make_kit(run.session, file, passphrase, contacts=contacts, database=database)
    event = RecoveryKitWritten(
        file=encodable(file),
        bytes_written=os.stat(file).st_size,
        machines=len(kit.machines),
        sites=len(kit.sites),
        plans=len(kit.plans),
        has_state=kit.has_state,
    )
    text = _("Wrote a kit for {machines} machines at {sites} sites to {file}")
    run.out.done(
        event,
        text.format(machines=len(kit.machines), sites=len(kit.sites), file=file),
        _("Keep it away from the server, and its passphrase away from it."),
    )


@recovery_kit.command(
    "show",
    cls=Command,
    needs_vault=False,
    exits=[Exit.WRONG_PASSPHRASE, Exit.DAMAGE],
    help=N_(
        "Print the runbook in FILE, or unpack all of it into a folder.\n\n"
        "Neither a server nor a vault is needed. In the folder are the runbook as text and as a "
        "page, in English and Korean, kit.json for programs, the plans, and server.state for "
        "`holdfast server import`."
    ),
    examples=[
        ("holdfast recovery-kit show kit", N_("What to type, on which host.")),
        ("holdfast recovery-kit show kit --to /root/kit", N_("All files of it.")),
    ],
)
@click.argument("file")
@option("--to", "folder", metavar="DIR", help=N_("Unpack it into this folder."))
@_sealed_with
def show(*, file: str, folder: str | None, sealed_with: str | None) -> None:
    import msgspec

    from holdfast.app.recovery_kit_file import read_kit, unpack
    from holdfast.app.recovery_kit_pages import as_markdown
    from holdfast.app.recovery_kit_runbook import blocks
    from holdfast.app.secret_sources import given_passphrase
    from holdfast.cli.json_recovery_kit import RecoveryKitShown

    run = start()
    passphrase = given_passphrase(
        run.session, file=sealed_with, question=_("Passphrase of {file}").format(file=file)
    )
    kit, _texts = read_kit(file, passphrase)
    files = unpack(file, passphrase, folder) if folder else []
    event = RecoveryKitShown(
        kit=msgspec.to_builtins(kit), folder=encodable(folder) if folder else None, files=files
    )
    if folder:
        text = _("Unpacked {count} files into {folder}")
        run.out.done(event, text.format(count=len(files), folder=folder))
    else:
        run.out.show(event, *as_markdown(blocks(kit)).splitlines())
