"""`holdfast doctor fix`: show how a proven cause is mended, and mend it when told to."""

from typing import TYPE_CHECKING

import click

from holdfast.base.texts import N_, _
from holdfast.cli.command import Command, option
from holdfast.cli.run import start

if TYPE_CHECKING:
    from holdfast.app.doctor_fix import Done, Plan
    from holdfast.doctor.model import Verdict

_NOT_MENDED = 5


@click.command(
    cls=Command,
    needs_vault=False,
    meanings={
        0: N_("the plan is shown, or the cause is mended"),
        2: N_("there is no such cause"),
        5: N_("it was carried out, but the same check does not see the cause gone"),
        6: N_("refused: the cause is not proven here, or consent or rights are missing"),
    },
    help=N_(
        "Show what would mend CAUSE on this host; with --apply do it, and look again.\n\n"
        "Only a cause that is proven at this moment is mended. Safe steps need no more than "
        "--apply; what disturbs running services or destroys something must be allowed by name."
    ),
    examples=[
        ("holdfast doctor fix HF-VL001", N_("Show the plan and change nothing.")),
        ("holdfast doctor fix waagent.not-running --apply", N_("Do it and check the result.")),
    ],
)
@click.argument("cause")
@option("--apply", "really", is_flag=True, help=N_("Carry the plan out."))
@option(
    "--allow",
    type=click.Choice(["safe", "disruptive", "destructive"]),
    default="safe",
    help=N_("The riskiest kind of step that may be done."),
)
@option("--confirm", metavar="CAUSE", default="", help=N_("Name the cause again, to destroy."))
def fix(cause: str, *, really: bool, allow: str, confirm: str) -> int:
    from holdfast.app import doctor_fix
    from holdfast.cli.json_doctor import mended_event, plan_event

    run = start()
    plans = doctor_fix.plan(run.session, cause)
    if not really:
        run.out.show(plan_event(plans), *_plan_lines(plans))
        return 0
    done = doctor_fix.apply(run.session, plans, consent=allow, confirmed=confirm)
    run.out.show(mended_event(done), *_done_lines(done))
    return 0 if done.is_mended else _NOT_MENDED


def _plan_lines(plans: "list[Plan]") -> list[str]:
    from holdfast.doctor.loading import load
    from holdfast.doctor.wording import say

    cause = plans[0].cause
    entry, owner = load().causes[cause], load().owner("cause", cause).id
    values = plans[0].verdict.values
    lines = [f"{entry.code}  {say(owner, f'cause.{cause}.found', entry.found, values)}"]
    lines += _seen(plans[0].verdict)
    for plan in plans:
        lines += ["", *_remedy_lines(plan)]
    if not any(plan.act for plan in plans):
        lines += ["", _("None of this can be done by a program; it is for you to do.")]
    return lines


def _remedy_lines(plan: "Plan") -> list[str]:
    from holdfast.doctor.wording import say

    remedy, key = plan.described, f"remedy.{plan.remedy}"
    lines = [f"{say(plan.component, f'{key}.title', remedy.title)} ({_risk(remedy.risk)})"]
    for number, step in enumerate(remedy.steps, 1):
        lines.append(f"  {number}. {say(plan.component, f'{key}.step{number}', step.text)}")
        lines += [f"     {step.type}"] if step.type else []
    if plan.act:
        lines.append("  " + _("--apply does: {act}").format(act=plan.act.shown))
    if remedy.undo:
        undo = say(plan.component, f"{key}.undo", remedy.undo)
        lines.append("  " + _("to undo: {undo}").format(undo=undo))
    return lines


def _risk(risk: str) -> str:
    return {
        "safe": _("safe"),
        "disruptive": _("disturbs running services"),
        "destructive": _("destroys something"),
    }[risk]


def _done_lines(done: "Done") -> list[str]:
    from holdfast.doctor.model import State

    assert done.plan.act is not None
    lines = [_("done: {act}").format(act=done.plan.act.shown)]
    if done.is_mended:
        return [*lines, _("The same check no longer sees the cause")]
    if done.after.state is not State.CONFIRMED:
        return [*lines, _("The same check cannot tell whether the cause is gone")]
    return [*lines, _("The same check still sees the cause:"), *_seen(done.after)]


def _seen(verdict: "Verdict") -> list[str]:
    return [f"  {span.place}: {span.excerpt.splitlines()[0]}" for span in verdict.evidence]
