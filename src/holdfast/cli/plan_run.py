"""`holdfast plan run` and `resume`: drive a run to its end."""

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.parameters import DURATION
from holdfast.cli.plan_driving import Driving
from holdfast.cli.recovery_options import try_shut_down_option
from holdfast.cli.run import Run
from holdfast.cli.vm_host import host_option, start_on

if TYPE_CHECKING:
    from holdfast.app.plan_running import Running
    from holdfast.recovery.plans.plan import Kind


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Run the plan NAME: as a test, planned, or unplanned.\n\n"
        "What it asks is asked here, where somebody sits at the terminal; else `holdfast plan "
        "confirm` answers. Killed at any moment, the same command goes on with the run: nothing "
        "that is done is done again. Machines that run here already are passed over. --dry-run "
        "changes nothing, and says what would be done. Status 3: something failed that the plan "
        "goes on without."
    ),
    examples=[
        ("holdfast plan run shop --test", N_("In isolation; cleans up, writes a report.")),
        ("holdfast plan run shop --test --keep 2h", N_("It stays to be looked at.")),
        ("holdfast plan run shop --planned --dry-run", N_("What would be done.")),
        ("holdfast plan run shop --unplanned --source-is-down", N_("The site there is lost.")),
    ],
)
@click.argument("name")
@option("--test", "is_test", is_flag=True, help=N_("In isolation; replication goes on."))
@option("--planned", is_flag=True, help=N_("The sources work: shut down there, lose nothing."))
@option("--unplanned", is_flag=True, help=N_("The sources are gone: start points of them."))
@option("--source-is-down", is_flag=True, help=N_("A person knows that nothing runs there."))
@try_shut_down_option
@option(
    "--keep",
    type=DURATION,
    metavar="TIME",
    help=N_("With --test: clean up after so long, or when `plan confirm` says so."),
)
@option("--dry-run", is_flag=True, help=N_("Only say what would be done."))
@host_option
def run(  # noqa: PLR0913  each option is a parameter
    name: str,
    *,
    is_test: bool,
    planned: bool,
    unplanned: bool,
    source_is_down: bool,
    tries_shut_down: bool,
    keep: timedelta | None,
    dry_run: bool,
    host: str | None,
) -> int:
    from holdfast.app.plan_running import RunWish, run_plan
    from holdfast.app.replication_orders import who_asks
    from holdfast.recovery.plans.plan import Kind

    if is_test + planned + unplanned != 1:
        raise click.UsageError(_("Say one of --test, --planned and --unplanned"))
    if keep is not None and not is_test:
        raise click.UsageError(_("--keep is said with --test"))
    if tries_shut_down and not unplanned:
        raise click.UsageError(_("--try-shut-down is said with --unplanned"))
    kind = Kind.TEST if is_test else Kind.PLANNED if planned else Kind.UNPLANNED
    started = start_on(host)
    if dry_run:
        return _only_said(started, name, kind, keep or timedelta(0))
    wish = RunWish(
        kind=kind,
        who=who_asks(),
        is_source_down=source_is_down,
        tries_shut_down=tries_shut_down,
        keep=keep or timedelta(0),
    )
    return _told_end(started, run_plan(started.session, name, wish, Driving(started)))


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS, Exit.LOCKED, Exit.DECIDE],
    help=N_(
        "Go on with the newest run of the plan NAME.\n\n"
        "What was under way is gone on with, what failed is tried again, what is done stays done. "
        "Of a test only its cleaning up is tried again."
    ),
    examples=[("holdfast plan resume shop", N_("After what it failed with is put right."))],
)
@click.argument("name")
@host_option
def resume(name: str, *, host: str | None) -> int:
    from holdfast.app.plan_running import resume as go_on

    started = start_on(host)
    return _told_end(started, go_on(started.session, name, Driving(started)))


def _only_said(run: Run, name: str, kind: "Kind", keep: timedelta) -> int:
    from holdfast.app.plans import find_plan, look_at_machines, look_at_scripts
    from holdfast.cli.plan_report import tell_machine, tell_script, tell_steps_to_come
    from holdfast.recovery.plans.plan import Kind
    from holdfast.recovery.plans.steps import told_steps

    plan = find_plan(run.session, name).plan
    steps = told_steps(plan, kind, keep=int(keep.total_seconds()))
    tell_steps_to_come(run.out, plan, steps)
    looks = look_at_machines(run.session, plan, kind)
    for look in looks:
        tell_machine(run.out, look, is_planned=kind is Kind.PLANNED)
    missing = look_at_scripts(run.session, plan)
    for error in missing:
        tell_script(run.out, error)
    return Exit.WARNINGS if missing or any(look.error for look in looks) else Exit.FINE


def _told_end(run: Run, now: "Running") -> int:
    """A test that was not cleaned up, or did not pass, is an error; so is a run that was stopped."""
    from holdfast.app.plan_report import HTML_NAME
    from holdfast.cli.plan_report import failed_steps, tell_run
    from holdfast.recovery.plans.plan import Kind
    from holdfast.recovery.plans.plan_errors import (
        PlanDidNotSucceed,
        PlanTestDidNotSucceed,
        PlanTestNotCleaned,
    )
    from holdfast.recovery.plans.progress import CLEAN_UP, Outcome
    from holdfast.recovery.plans.texts import outcome_text

    tell_run(run.out, now, is_driven=False)
    now.folder.mark_told()
    progress = now.progress
    failed = failed_steps(progress)
    about = {"name": now.plan.name, "run": progress.run, "steps": ", ".join(failed) or "-"}
    if progress.outcome is Outcome.SUCCEEDED:
        return Exit.FINE
    if progress.kind is Kind.TEST:
        left = [step for step in failed if step.startswith(CLEAN_UP)]
        if left:
            raise PlanTestNotCleaned(**{**about, "steps": ", ".join(left)})
        raise PlanTestDidNotSucceed(**about, report=now.folder.path / HTML_NAME)
    if progress.outcome is Outcome.WITH_FAILURES:
        return Exit.WARNINGS
    raise PlanDidNotSucceed(**about, outcome=outcome_text(progress.outcome))
