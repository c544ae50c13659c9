"""`holdfast check`: prove that the vault is sound, or say what is not."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.other_machine import machine_option, start_about
from holdfast.cli.vm_host import host_option, start_on


@click.command(
    cls=Command,
    help=N_(
        "Prove that the vault is sound, and name what is not and which files it hurts.\n\n"
        "Without --read-data this looks at the structure; with it, content is read, decrypted "
        "and compared with its hash. A share takes what was read longest ago first. With --boot a "
        "recovery point of a virtual machine is booted, apart from everything, to see it come up; "
        "the verdict and a picture of its screen are kept."
    ),
    exits=[Exit.LOCKED, Exit.DAMAGE],
    examples=[
        ("holdfast check", N_("The structure: quick.")),
        ("holdfast check --read-data", N_("Every byte.")),
        ("holdfast check --read-data=10%", N_("A tenth; after ten runs it was all of it.")),
        ("holdfast check --boot latest --vm web", N_("Whether the newest point of web boots.")),
    ],
)
@option(
    "--read-data",
    is_flag=False,
    flag_value="",
    metavar="[SHARE]",
    help=N_("Read content too: all of it, or as much as in 10%, 1/7 or 20G."),
)
@machine_option
@option(
    "--no-lock",
    is_flag=True,
    help=N_(
        "Write nothing to the vault, as where it may only be read; nobody may prune meanwhile."
    ),
)
@option("--boot", "booted", metavar="POINT", help=N_("Boot this point instead, and end it again."))
@option("--vm", metavar="NAME", help=N_("For --boot latest: the newest point of this machine."))
@option(
    "--console",
    metavar="PATTERN",
    help=N_("For --boot: what its console says when it is up, if it has no guest agent."),
)
@option(
    "--within",
    type=click.IntRange(1),
    default=600,
    metavar="SECONDS",
    help=N_("For --boot: how long it may take."),
)
@option(
    "--pool",
    default="/var/lib/libvirt/images",
    metavar="FOLDER",
    help=N_("For --boot: where a folder for its disks is made."),
)
@host_option
def check(  # noqa: PLR0913  a parameter per option
    *,
    read_data: str | None,
    machine: str | None,
    no_lock: bool,
    booted: str | None,
    vm: str | None,
    console: str | None,
    within: int,
    pool: str,
    host: str | None,
) -> int:
    from holdfast.app.check import check as check_vault
    from holdfast.cli.check_report import tell

    if (booted is None and (vm or console)) or (booted and (read_data, machine) != (None, None)):
        raise click.UsageError(_("--vm and --console go with --boot, the other options without"))
    if booted is not None:
        from holdfast.app.boot_check import BootCheck, check_by_booting
        from holdfast.cli.vm_boot_report import tell_checked

        run = start_on(host)
        wanted = BootCheck(point=booted, vm=vm, pool=pool, console=console, within=within)
        tell_checked(run.out, check_by_booting(run.session, wanted))
        return Exit.FINE
    run = start_about(machine)
    lock = run.may_write and not no_lock
    with run.out.progress() as on_progress:
        report = check_vault(run.session, read_data=read_data, lock=lock, on_progress=on_progress)
    return tell(run.out, report)
