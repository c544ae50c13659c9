"""`holdfast plan check`, `apply`, `list` and `show`."""

import click

from holdfast.base.errors import Exit
from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.run import start


@click.command(
    cls=Command,
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_(
        "Say what is wrong with the plan in FILE: each with its line and what to do.\n\n"
        "With --here also whether each of its machines could be started on this host now; that "
        "it could not is status 3."
    ),
    examples=[
        ("holdfast plan check shop.yaml", N_("Before it is committed; needs no host.")),
        ("holdfast plan check shop.yaml --here", N_("With the replicas of this host.")),
    ],
)
@click.argument("file", type=click.Path(dir_okay=False))
@option("--here", "is_here", is_flag=True, help=N_("Look at the machines on this host as well."))
def check(file: str, *, is_here: bool) -> int:
    from holdfast.app.plans import check_file, look_at_machines, look_at_scripts
    from holdfast.cli.json_plans import PlanChecked, PlanProblem
    from holdfast.cli.plan_report import counted, tell_machine, tell_script
    from holdfast.recovery.plans.plan import Kind

    run = start()
    plan, problems = check_file(file)
    for one in problems:
        event = PlanProblem(file=file, line=one.line, problem=one.problem, cure=one.cure)
        run.out.show(event, f"{file}:{one.line}: {one.problem}", f"    → {one.cure}")
    looks = look_at_machines(run.session, plan, Kind.TEST) if plan and is_here else []
    for look in looks:
        tell_machine(run.out, look)
    missing = look_at_scripts(run.session, plan) if plan and is_here else []
    for error in missing:
        tell_script(run.out, error)
    done = PlanChecked(
        file=file,
        plan=plan.name if plan else None,
        problems=len(problems),
        groups=len(plan.groups) if plan else 0,
        machines=len(plan.machines) if plan else 0,
    )
    said = _("{plan}: {counted}").format(plan=plan.name, counted=counted(plan)) if plan else ""
    run.out.done(done, *([said] if said else []))
    if problems:
        return Exit.FAILED
    return Exit.WARNINGS if missing or any(look.error for look in looks) else Exit.FINE


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_(
        "Take the plan in FILE in, under the name it gives itself.\n\n"
        "One of that name is replaced. A run keeps the plan it began with."
    ),
    examples=[("holdfast plan apply shop.yaml", N_("On the host that has the replicas."))],
)
@click.argument("file", type=click.Path(dir_okay=False))
def apply(file: str) -> int:
    from holdfast.app.plans import apply_plan
    from holdfast.cli.json_plans import PlanApplied
    from holdfast.cli.plan_report import counted

    run = start()
    plan, is_new = apply_plan(run.session, file)
    said = (
        _("The plan {plan} is taken in: {counted}")
        if is_new
        else _("The plan {plan} is as it was: {counted}")
    )
    event = PlanApplied(
        plan=plan.name, changed=is_new, groups=len(plan.groups), machines=len(plan.machines)
    )
    run.out.done(event, said.format(plan=plan.name, counted=counted(plan)))
    return Exit.FINE


@click.command(
    cls=Command,
    name="list",
    needs_vault=False,
    exits=[Exit.WARNINGS],
    help=N_("List the plans of this host, each with its newest run."),
    examples=[("holdfast plan list", N_("A line each."))],
)
def list_all() -> int:
    from holdfast.cli.plan_report import tell_plans

    run = start()
    known, status = tell_plans(run)
    if not known:
        run.out.remark(_("This host has no plan; `holdfast plan apply FILE` takes one in"))
    return status


@click.command(
    cls=Command,
    needs_vault=False,
    help=N_("Show the plan NAME: its steps in their order, and its newest run."),
    examples=[
        ("holdfast plan show shop", N_("The steps of a planned run.")),
        ("holdfast plan show shop --kind test", N_("Those of a test.")),
    ],
)
@click.argument("name")
@option(
    "--kind",
    type=click.Choice(["test", "planned", "unplanned"]),
    default="planned",
    help=N_("The steps of which kind of run."),
)
def show(name: str, *, kind: str) -> int:
    from holdfast.app.plans import find_plan
    from holdfast.cli.plan_report import tell_plan, tell_steps_to_come
    from holdfast.recovery.plans.plan import Kind
    from holdfast.recovery.plans.steps import told_steps

    run = start()
    seen = find_plan(run.session, name)
    tell_plan(run.out, seen, is_whole=True)
    tell_steps_to_come(run.out, seen.plan, told_steps(seen.plan, Kind(kind)))
    return Exit.FINE
