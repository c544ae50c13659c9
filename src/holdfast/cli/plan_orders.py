"""`holdfast plan confirm`, `cancel` and `remove`: what a person says to a run, or of a plan."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _, ngettext
from holdfast.cli.command import Command, option
from holdfast.cli.run import start
from holdfast.cli.vm_host import host_option, start_on

_ANSWERS = ("yes", "no", "again", "go-on", "stop")


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Answer what the newest run of the plan NAME asks.\n\n"
        "A question of the plan: --yes or --no. A step that failed: --again, --go-on as though it "
        "were not in the plan, or --stop. Whoever drives the run hears it at once."
    ),
    examples=[
        ("holdfast plan confirm shop --yes", N_("It asks but one thing.")),
        ("holdfast plan confirm shop --step web/post-1 --again", N_("Try that step again.")),
    ],
)
@click.argument("name")
@option("--step", metavar="STEP", help=N_("Which one, if it asks more than one thing."))
@option("--yes", "said", flag_value="yes", help=N_("Yes: it is so."))
@option("--no", "said", flag_value="no", help=N_("No: the step fails."))
@option("--again", "said", flag_value="again", help=N_("Try it again."))
@option("--go-on", "said", flag_value="go-on", help=N_("Go on without it."))
@option("--stop", "said", flag_value="stop", help=N_("Begin nothing more."))
def confirm(name: str, *, step: str | None, said: str | None) -> int:
    from holdfast.app.plan_folder import PlanFolder
    from holdfast.app.plans import answer
    from holdfast.app.replication_orders import who_asks
    from holdfast.cli.json_plans import PlanAnswered
    from holdfast.recovery.plans.progress import Decision

    if said is None:
        options = ", ".join(f"--{one}" for one in _ANSWERS)
        raise click.UsageError(_("Say one of {options}").format(options=options))
    run = start()
    now, about = answer(run.session, name, Decision(said), step=step, who=who_asks())
    is_driven = PlanFolder(run.session.settings.home, name).is_driven()
    event = PlanAnswered(plan=name, run=now.progress.run, step=about, answer=said, driven=is_driven)
    run.out.done(event, _("{step}: {answer}").format(step=about, answer=said))
    if not is_driven:
        said_so = _("nothing drives the run: `holdfast plan resume {plan}` goes on with it")
        run.out.warning(said_so.format(plan=name))
    return Exit.FINE


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED],
    help=N_(
        "Give up the newest run of the plan NAME.\n\n"
        "Nothing new begins; scripts that run are ended, machines that are being started come to "
        "their end. A test is cleaned up. Machines that were failed over stay so: `holdfast "
        "failover undo` takes each back."
    ),
    examples=[("holdfast plan cancel shop", N_("Whoever drives it hears it at once."))],
)
@click.argument("name")
@host_option
def cancel(name: str, *, host: str | None) -> int:
    from holdfast.app.plan_folder import PlanFolder
    from holdfast.app.plan_running import cancel as give_up
    from holdfast.app.replication_orders import who_asks
    from holdfast.cli.plan_driving import Watching
    from holdfast.cli.plan_report import tell_run

    run = start_on(host)
    now = give_up(run.session, name, who_asks(), Watching(run))
    is_driven = PlanFolder(run.session.settings.home, name).is_driven()
    tell_run(run.out, now, is_driven=is_driven)
    if not is_driven:
        now.folder.mark_told()
    return Exit.FINE


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.LOCKED],
    help=N_(
        "Forget the plan NAME, its runs and their reports. Machines stay as they are.\n\n"
        "Refused while a run of it has not come to its end."
    ),
    examples=[("holdfast plan remove shop", N_("The file it was applied from stays."))],
)
@click.argument("name")
def remove(name: str) -> int:
    from holdfast.app.plans import remove_plan
    from holdfast.cli.json_plans import PlanRemoved

    run = start()
    runs = remove_plan(run.session, name)
    said = ngettext(
        "The plan {plan} is gone, and {count} run of it",
        "The plan {plan} is gone, and {count} runs of it",
        runs,
    )
    run.out.done(PlanRemoved(plan=name, runs=runs), said.format(plan=name, count=runs))
    return Exit.FINE
