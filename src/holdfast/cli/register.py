"""`holdfast register`: make this machine one of a vault's machines."""

from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.run import Run, start

if TYPE_CHECKING:
    from holdfast.app.register import Registered


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Register this machine with a vault of a server, by a vault credentials file.\n\n"
        "Everything that could stand in the way is tried first, and told together. The passphrase "
        "never leaves this machine: without it or the recovery key nobody opens what is backed up. "
        "Stopped anywhere, the same command again goes on."
    ),
    exits=[Exit.NO_VAULT, Exit.WRONG_PASSPHRASE],
    examples=[
        (
            "holdfast register --credentials office.holdfast-credentials",
            N_("The passphrase is typed twice."),
        ),
        (
            "holdfast register --credentials FILE --generate-passphrase --recovery-key key.txt",
            N_("Nobody types: print key.txt and lock it away."),
        ),
        (
            "holdfast register --credentials replacement.holdfast-credentials",
            N_(
                "On a new disk, with a file of `holdfast vault credentials NAME --replaces MACHINE`."
            ),
        ),
    ],
)
@option(
    "--credentials", metavar="FILE", required=True, help=N_("From `holdfast vault credentials`.")
)
@option(
    "--name", metavar="NAME", help=N_("What people call it; else the name it had, or the host's.")
)
@option("--generate-passphrase", "generate", is_flag=True, help=N_("Have a passphrase invented."))
@option(
    "--recovery-key",
    metavar="FILE",
    help=N_("Write a second passphrase here, to be printed for the safe."),
)
@option(
    "--proxy",
    metavar="URL",
    help=N_("http://[USER:PASSWORD@]HOST:PORT, or none; else as the environment says."),
)
@option(
    "--machine-id",
    metavar="ID",
    help=N_("Be this machine of the vault again; its key is still here, or FILE replaces it."),
)
@option("--force-new", is_flag=True, help=N_("Be a new machine, whatever this one was before."))
@option("--lab", is_flag=True, help=N_("For trials: guessing the passphrase is easy."))
def register(  # noqa: PLR0913  each is an option
    *,
    credentials: str,
    name: str | None,
    generate: bool,
    recovery_key: str | None,
    proxy: str | None,
    machine_id: str | None,
    force_new: bool,
    lab: bool,
) -> None:
    from holdfast.app.register import Wanted
    from holdfast.app.vaults import cost_of

    if force_new and machine_id:
        raise click.UsageError(_("--force-new and --machine-id exclude each other"))
    run = start()
    wanted = Wanted(
        credentials=credentials,
        name=name,
        generate=generate,
        recovery_key=recovery_key,
        proxy=proxy,
        machine_id=machine_id,
        force_new=force_new,
        cost=cost_of(lab=lab),
    )
    _tell(run, _register(run, wanted), recovery_key)


def _register(run: Run, wanted: object) -> "Registered":
    from holdfast.app.job_records import recorded
    from holdfast.app.register import Wanted, register
    from holdfast.app.registering_errors import NotReady

    assert isinstance(wanted, Wanted)
    try:
        # What it ends with is kept for the doctor.
        with recorded(run.session, "register"):
            return register(run.session, wanted, say=run.out.remark)
    except NotReady as err:
        for problem in err.problems:
            run.out.error(problem)
        raise


def _tell(run: Run, done: "Registered", recovery_key: str | None) -> None:
    from holdfast.cli.json_events import MachineRegistered

    known = done.registration
    event = MachineRegistered(
        machine=known.machine_id,
        vault=known.vault_id,
        vault_name=known.vault_name,
        location=known.location,
        gateway_password=done.gateway_password,
        again=done.is_again,
    )
    lines = [
        _("Registered as {name} ({id}) with vault {vault}").format(
            name=known.name, id=known.machine_id, vault=known.vault_name
        ),
        _("From now on `holdfast backup PATH` goes there, and asks for no passphrase."),
    ]
    if recovery_key:
        sentence = _("Print {file}, lock it away, and delete it here.")
        lines.append(sentence.format(file=recovery_key))
    elif done.has_generated:
        lines.append(
            _("The passphrase lies on this machine alone: `holdfast passphrase add` makes another.")
        )
    lines.append(_("Next: `holdfast agent install` lets it back up by the policies of its server."))
    run.out.done(event, *lines)
