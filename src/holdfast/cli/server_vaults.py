"""The server's side of `holdfast vault`: list, show, set, delete and undelete."""

from typing import Any

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.parameters import SIZE
from holdfast.cli.run import Run, start
from holdfast.cli.server_records import (
    Column,
    Record,
    approval_option,
    pin_option,
    size,
    tell_done,
    tell_list,
    tell_one,
    text,
    when,
    yes,
)

_LINE: list[Column] = [
    (N_("Name"), text("name")),
    (N_("Machines"), text("machines")),
    (N_("Stored"), size("bytes_stored")),
    (N_("Soft delete"), text("soft_delete")),
    (N_("Immutability"), text("immutability")),
    (N_("Location"), text("location")),
    (N_("Purged"), when("purge_at")),
]
_FACTS: list[Column] = [
    (N_("Name"), text("name")),
    (N_("Id"), text("id")),
    (N_("Location"), text("location")),
    (N_("Machines"), lambda record: f"{record['machines']} / {record['machine_limit']}"),
    (N_("Stored"), size("bytes_stored")),
    (N_("Quota"), size("quota_bytes")),
    (N_("Bytes a second"), size("limit_rate")),
    (N_("Hours of credentials"), text("credential_hours")),
    (N_("Soft delete"), text("soft_delete")),
    (N_("Days of soft delete"), text("soft_delete_days")),
    (N_("Immutability"), text("immutability")),
    (N_("Days kept at least"), text("min_retention_days")),
    (N_("Days without a backup before an alert"), text("backup_within_days")),
    (N_("Four eyes"), yes("four_eyes")),
    (N_("Lab"), yes("is_lab")),
    (N_("Deleted"), when("deleted_at")),
    (N_("Purged"), when("purge_at")),
]
_SWITCH = click.Choice(("on", "off"))


def create_on_server(run: Run, *, name: str, location: str, lab: bool) -> None:
    from holdfast.app.server_client import connect

    client = connect(run.session.settings.home)
    made = client.post("/vaults", {"name": name, "location": location, "is_lab": lab})
    tell_done(
        run,
        "vault",
        made,
        _("Made vault {name} at {place}").format(name=made["name"], place=made["location"]),
        _("Next: `holdfast vault credentials {name}` for machines to register with.").format(
            name=made["name"]
        ),
    )


def show_of_server(run: Run, name: str) -> None:
    from holdfast.app.server_client import connect, part

    tell_one(run, "vault", connect(run.session.settings.home).get(f"/vaults/{part(name)}"), _FACTS)


@click.command(
    "list",
    cls=Command,
    needs_vault=False,
    help=N_("List the vaults of the server that you may look into."),
    examples=[("holdfast vault list --deleted", N_("Also those that can still be undeleted."))],
)
@option("--deleted", is_flag=True, help=N_("Also those deleted softly."))
def list_vaults(*, deleted: bool) -> None:
    from holdfast.app.server_client import connect

    run = start()
    found = connect(run.session.settings.home).items("/vaults", deleted=deleted)
    tell_list(run, "vault", found, _LINE)


@click.command(
    "set",
    cls=Command,
    needs_vault=False,
    help=N_(
        "Change the settings of the vault NAME on the server.\n\n"
        "What weakens its protection needs the security PIN, and with four eyes a second person. "
        "`always-on` and `locked` can never be taken back."
    ),
    exits=[Exit.DECIDE],
    examples=[
        ("holdfast vault set main --soft-delete always-on", N_("Deletes can be undone, for ever.")),
        (
            "holdfast vault set main --immutability on --min-retention 30",
            N_("Nobody deletes what is younger than 30 days."),
        ),
        ("holdfast vault set main --quota 2T --limit-rate 50M", N_("Bounds for its machines.")),
    ],
)
@click.argument("name")
@option("--rename", metavar="NAME", help=N_("Another name."))
@option("--machine-limit", type=click.IntRange(1, 10_000), help=N_("How many may register."))
@option(
    "--credential-hours",
    type=click.IntRange(1, 720),
    help=N_("How long a credentials file is good."),
)
@option(
    "--soft-delete",
    type=click.Choice(("off", "on", "always-on")),
    help=N_("Whether what is deleted can be undeleted for a while."),
)
@option("--soft-delete-days", type=click.IntRange(1, 180), help=N_("For how long: 14 to 180 days."))
@option(
    "--immutability",
    type=click.Choice(("off", "on", "locked")),
    help=N_("Whether young data can be deleted by nobody."),
)
@option(
    "--min-retention",
    "min_retention_days",
    type=click.IntRange(0, 36_500),
    help=N_("How many days data is young."),
)
@option(
    "--backup-within",
    "backup_within_days",
    type=click.IntRange(0, 3660),
    help=N_("An alert when a machine has had no good backup for so many days: 2; 0: none."),
)
@option("--four-eyes", type=_SWITCH, help=N_("Whether dangerous acts need a second person."))
@option("--lab", type=_SWITCH, help=N_("For trials: no PIN, no soft delete."))
@option("--quota", "quota_bytes", type=SIZE, help=N_("Room for all its machines; 0: no bound."))
@option("--limit-rate", type=SIZE, help=N_("Bytes a second for all machines; 0: no bound."))
@pin_option
@approval_option
def set_vault(name: str, *, pin: str | None, approval: str | None, **settings: Any) -> None:
    from holdfast.app.asking_twice import do_dangerous
    from holdfast.app.server_client import part

    patch = _patch(settings)
    if not patch:
        raise click.UsageError(_("Name at least one setting to change"))
    run = start()
    made = do_dangerous(
        run.session,
        lambda client: client.patch(f"/vaults/{part(name)}", patch),
        pin=pin,
        approval=approval,
    )
    _tell_changed(run, made, _("Changed the vault {name}"))


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Delete the vault NAME of the server, with all that lies in it.\n\n"
        "It has no active machines any more. Unless it is a lab, it can be undeleted for a while."
    ),
    exits=[Exit.DECIDE],
    examples=[("holdfast vault delete main", N_("`holdfast vault undelete main` takes it back."))],
)
@click.argument("name")
@pin_option
@approval_option
def delete(name: str, *, pin: str | None, approval: str | None) -> None:
    from holdfast.app.asking_twice import do_dangerous
    from holdfast.app.server_client import part

    run = start()
    made = do_dangerous(
        run.session,
        lambda client: client.delete(f"/vaults/{part(name)}"),
        pin=pin,
        approval=approval,
    )
    until = when("purge_at")(made)
    _tell_changed(run, made, _("Deleted the vault {name}; its data is purged after {until}"), until)


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Bring back the vault NAME that was deleted softly."),
    examples=[("holdfast vault undelete main", N_("With everything in it."))],
)
@click.argument("name")
def undelete(name: str) -> None:
    from holdfast.app.server_client import connect, part

    run = start()
    made = connect(run.session.settings.home).post(f"/vaults/{part(name)}/undelete")
    _tell_changed(run, made, _("The vault {name} is back"))


def _patch(settings: dict[str, Any]) -> dict[str, Any]:
    names = {"rename": "name", "lab": "is_lab"}
    switches = {"lab", "four_eyes"}
    return {
        names.get(key, key): value == "on" if key in switches else value
        for key, value in settings.items()
        if value is not None
    }


def _tell_changed(run: Run, made: Record, sentence: str, until: str = "") -> None:
    tell_done(run, "vault", made, sentence.format(name=made["name"], until=until))
