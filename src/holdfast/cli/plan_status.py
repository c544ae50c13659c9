"""`holdfast plan status`: a run as it is, once or again and again."""

import sys
from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.run import Run, start

if TYPE_CHECKING:
    from holdfast.app.plan_running import Running

_EVERY = 2.0
_HOME_AND_CLEAR = "\x1b[H\x1b[2J"


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_(
        "Say how the newest run of the plan NAME is, or that of each plan.\n\n"
        "With its steps, what it asks, and how long each group and machine took. Status 3: a "
        "person is wanted, because it asks, was stopped, or nothing drives it."
    ),
    examples=[
        ("holdfast plan status", N_("A line for each plan.")),
        ("holdfast plan status shop --watch", N_("Again and again, until it has ended.")),
        ("holdfast plan status shop --run 20260301T0300", N_("An earlier one.")),
    ],
)
@click.argument("name", required=False)
@option("--run", "run_name", metavar="RUN", help=N_("Another than the newest, by its beginning."))
@option("--watch", is_flag=True, help=N_("Show it again every two seconds."))
def status(name: str | None, *, run_name: str | None, watch: bool) -> int:
    if name is None and (watch or run_name):
        raise click.UsageError(_("--watch and --run are said with the name of a plan"))
    run = start()
    if name is None:
        from holdfast.cli.plan_report import tell_plans

        return tell_plans(run)[1]
    if not watch:
        return _tell(run, name, run_name)[0]
    from holdfast.app.stop_signals import stopped_by_signals

    with stopped_by_signals() as stop:
        while not stop.is_set():
            if sys.stdout.isatty():
                run.out.remark(_HOME_AND_CLEAR)
            wanted, now = _tell(run, name, run_name)
            if now.progress.outcome is not None:
                return wanted
            run.session.clock.sleep(_EVERY)
    return Exit.FINE


def _tell(run: Run, name: str, run_name: str | None) -> "tuple[int, Running]":
    from holdfast.app.plan_folder import PlanFolder
    from holdfast.app.plans import asked_now, find_run
    from holdfast.cli.plan_report import step_event, step_line, tell_question, tell_run
    from holdfast.recovery.plans.progress import Outcome
    from holdfast.recovery.plans.steps import steps_of

    now = find_run(run.session, name, run_name)
    progress = now.progress
    for step in steps_of(now.plan, progress.kind, keep=progress.keep):
        at = progress.steps.get(step.id)
        if at is not None:
            run.out.show(step_event(now.plan, progress.run, step, at), step_line(step, at))
    is_driven = PlanFolder(run.session.settings.home, name).is_driven()
    tell_run(run.out, now, is_driven=is_driven)
    asked = asked_now(run.session, now)
    for question in asked:
        tell_question(run.out, now.plan, progress.run, question)
    is_wanted = bool(asked) or progress.outcome in {Outcome.STOPPED, Outcome.WITH_FAILURES}
    is_left = progress.outcome is None and not is_driven
    return (Exit.WARNINGS if is_wanted or is_left else Exit.FINE), now
