"""`holdfast failover start`: start a machine by hand, at its own host or its site."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.json_recovery import MachineStarted
from holdfast.cli.output import encodable
from holdfast.cli.vm_host import host_option, start_on


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Start a replicated machine at the host where it is to run.\n\n"
        "Typed there, be it its own host or the one it was failed over to. A machine that is to "
        "start with its host waits until its site has said that it runs nowhere else; while the "
        "site does not answer, only a person can know. With --force it starts in any case, also one that was handed over. If it runs at its site as "
        "well, nothing is ended: both hosts report a split brain."
    ),
    examples=[
        ("holdfast failover start web", N_("Unless something speaks against it.")),
        ("holdfast failover start web --force", N_("The site is gone, and it runs nowhere else.")),
    ],
)
@click.argument("vm")
@option("--force", "is_forced", is_flag=True, help=N_("I know that it runs nowhere else."))
@host_option
def start(vm: str, *, is_forced: bool, host: str | None) -> int:
    from holdfast.app.recovery_here import here
    from holdfast.app.recovery_start import start as start_here
    from holdfast.app.replication_orders import who_asks

    run = start_on(host)
    with here(run.session, vm, who=who_asks()) as place:
        was_off = start_here(place, is_forced=is_forced)
        event = MachineStarted(
            vm=encodable(place.name), uuid=place.vm, was_off=was_off, forced=is_forced
        )
        said = _("{vm} runs") if was_off else _("{vm} runs already")
        run.out.done(event, said.format(vm=place.name))
    return Exit.FINE
