"""`holdfast failover cleanup`: end what is left of test failovers."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli import shown
from holdfast.cli.command import Command, option
from holdfast.cli.vm_host import host_option, start_on


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "End what is left of test failovers of VM, or of all machines: kept test machines, and "
        "what a killed command has left.\n\n"
        "The machine, its disks and its hold on the point go. A test that is under way is left "
        "alone. `replication serve` does the same by itself when the time of a test is over."
    ),
    examples=[
        ("holdfast failover cleanup web", N_("Enough looked at.")),
        ("holdfast failover cleanup web --note 'login works'", N_("Kept with the test.")),
        ("holdfast failover cleanup", N_("Whatever is left of any.")),
    ],
)
@click.argument("vm", required=False)
@option("--note", default="", metavar="TEXT", help=N_("What there is to say of the test."))
@host_option
def cleanup(vm: str | None, *, note: str, host: str | None) -> int:
    from holdfast.app.drills import follow_trials
    from holdfast.app.failover_test import clean_up, left_of
    from holdfast.cli.trial_report import tell_trial
    from holdfast.recovery.trial_tending import require_clean

    run = start_on(host)
    done = clean_up(run.session, vm, note=note)
    follow_trials(run.session, done)
    for trial in done:
        tell_trial(run.out, trial)
    running = [each for each in left_of(run.session, vm) if each.id not in {t.id for t in done}]
    for trial in running:
        said = _("{test} is under way in another process, and is left alone")
        run.out.remark(said.format(test=shown.line(trial.trial_name)))
    if not done and not running:
        run.out.remark(_("There is nothing to clean up"))
    for trial in done:
        require_clean(trial)
    return Exit.FINE
