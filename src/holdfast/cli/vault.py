"""`holdfast vault`: make, describe, unlock and repair a vault."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.cli import shown
from holdfast.cli.command import Group, option
from holdfast.cli.run import start

# Those of a server; the rest work on a vault directly.
_LAZY = {
    "list": "holdfast.cli.server_vaults:list_vaults",
    "set": "holdfast.cli.server_vaults:set_vault",
    "delete": "holdfast.cli.server_vaults:delete",
    "undelete": "holdfast.cli.server_vaults:undelete",
    "credentials": "holdfast.cli.vault_credentials:credentials",
    "machines": "holdfast.cli.vault_machines:machines",
    "machine": "holdfast.cli.vault_machines:machine",
    "policy": "holdfast.cli.vault_policy:policy",
    "trash": "holdfast.cli.vault_trash:trash",
    "scrub": "holdfast.cli.vault_trash:scrub",
}


@click.group(
    cls=Group,
    lazy=_LAZY,
    needs_vault=False,
    help=N_(
        "Make, describe, unlock or repair a vault; list and change those of a server.\n\n"
        "With a name, `create` and `show` are about the server you are logged in to."
    ),
)
def vault() -> None:
    pass


@vault.command(
    help=N_(
        "Make a vault at LOCATION.\n\n"
        "The passphrase is the only thing that opens it: keep a copy where it does not burn "
        "with this machine."
    ),
    needs_vault=False,
    examples=[
        ("holdfast vault create /backup/vault", N_("In a folder; the passphrase is typed twice.")),
        (
            "holdfast vault create s3://bucket/prefix --passphrase-file /root/vault.passphrase",
            N_("In an object store, with the passphrase from a file."),
        ),
        (
            "holdfast vault create --name main /backup/main",
            N_("On the server you are logged in to, for machines to register with."),
        ),
    ],
)
@click.argument("location", required=False)
@option("--lab", is_flag=True, help=N_("For trials: any passphrase will do, guessing it is easy."))
@option("--name", metavar="NAME", help=N_("Make it on the server, under this name."))
@option("--location", "place", metavar="PLACE", help=N_("The same as LOCATION."))
def create(location: str | None, *, lab: bool, name: str | None, place: str | None) -> None:
    from holdfast.app.vaults import create as create_vault
    from holdfast.cli.json_events import VaultCreated

    run = start()
    location = location or place
    if name:
        from holdfast.cli.server_vaults import create_on_server

        if not location:
            raise click.UsageError(_("Say where the vault is to lie: LOCATION"))
        create_on_server(run, name=name, location=location, lab=lab)
        return
    made = create_vault(run.session, location, lab=lab)
    run.out.done(
        VaultCreated(place=made.place, id=made.id, key=made.key),
        _("Made vault {id} at {place}").format(id=made.id[:8], place=made.place),
        _("Keep a copy of its passphrase elsewhere: without it nobody can open the vault."),
    )


@vault.command(
    help=N_(
        "Say what the vault holds and how much room it takes.\n\n"
        "With NAME: the settings of that vault on the server you are logged in to."
    ),
    exits=[Exit.DAMAGE],
    examples=[
        ("holdfast vault show --json", N_("The same for a program.")),
        ("holdfast vault show main", N_("A vault of the server.")),
    ],
)
@click.argument("name", required=False)
def show(name: str | None) -> None:
    from holdfast.app.vaults import describe
    from holdfast.cli.json_events import Vault

    run = start()
    if name:
        from holdfast.cli.server_vaults import show_of_server

        show_of_server(run, name)
        return
    facts = describe(run.session)
    event = Vault(
        place=facts.place,
        id=facts.id,
        format=facts.version,
        points=facts.points,
        newest=facts.newest.isoformat() if facts.newest else None,
        keys=facts.keys,
        locks=facts.locks,
        packs=facts.packs,
        bytes_stored=facts.bytes_stored,
    )
    rows = [
        (_("Place"), facts.place),
        (_("Id"), facts.id),
        (_("Recovery points"), f"{facts.points:,}"),
        (_("Newest"), shown.moment(facts.newest) if facts.newest else "-"),
        (_("Passphrases"), str(facts.keys)),
        (_("Locks"), str(facts.locks)),
        (_("Stored"), format_size(facts.bytes_stored)),
    ]
    run.out.show(event, *shown.table(rows))


@vault.command(
    help=N_(
        "Remove locks left by processes that are gone.\n\n"
        "Commands do this by themselves where they can prove that a process ended; "
        "locks of another machine that vanished need this."
    ),
    examples=[
        ("holdfast vault unlock", N_("Remove what is provably dead.")),
        ("holdfast vault unlock --all", N_("Remove all, when nobody works on the vault.")),
    ],
)
@option("--all", "remove_all", is_flag=True, help=N_("Also remove locks that still look alive."))
def unlock(*, remove_all: bool) -> None:
    from holdfast.app.vaults import unlock as unlock_vault
    from holdfast.cli.json_events import LocksRemoved

    run = start()
    done = unlock_vault(run.session, remove_all=remove_all)
    sentence = _("{removed} locks removed, {kept} kept")
    run.out.done(
        LocksRemoved(removed=done.removed, kept=len(done.kept)),
        sentence.format(removed=done.removed, kept=len(done.kept)),
    )


@vault.command(
    help=N_(
        "Repair a damaged vault: save what can be saved, name what is lost.\n\n"
        "Copy the vault away first, and stop the schedule. With status 3 the vault is whole "
        "again, but the files named are lost in the recovery points named."
    ),
    exits=[Exit.WARNINGS, Exit.LOCKED, Exit.DAMAGE],
    examples=[
        ("holdfast vault repair --dry-run", N_("Say what would be done and what is lost.")),
        ("holdfast vault repair --read-data", N_("Look for damage in every byte first.")),
    ],
)
@option("--dry-run", is_flag=True, help=N_("Say what would be done, but change nothing."))
@option(
    "--read-data",
    is_flag=False,
    flag_value="",
    metavar="[SHARE]",
    help=N_("Read content too: all of it, or as much as in 10%, 1/7 or 20G."),
)
@option("--forget", is_flag=True, help=N_("Remove the damaged originals of repaired points."))
@option(
    "--only",
    multiple=True,
    type=click.Choice(("keys", "index", "packs", "snapshots")),
    help=N_("Repair only this part."),
)
def repair(*, dry_run: bool, read_data: str | None, forget: bool, only: tuple[str, ...]) -> int:
    from holdfast.app.repair import Wanted
    from holdfast.app.repair import repair as repair_vault
    from holdfast.cli.repair_report import tell
    from holdfast.vault.repair_plan import ALL_PARTS, Part

    run = start()
    parts = frozenset(map(Part, only)) or ALL_PARTS
    wanted = Wanted(read_data=read_data, forget=forget, parts=parts, dry_run=dry_run)
    with run.deleting("repair", dry_run=dry_run), run.out.progress() as on_progress:
        outcome = repair_vault(run.session, wanted, on_progress=on_progress)
    return tell(run.out, outcome, dry_run=dry_run)
