"""JSON lines of the doctor's commands that do something; reports have a schema of their own."""

from typing import TYPE_CHECKING

from holdfast.cli.json_events import BundleCollected, FixApplied, FixPlanned

if TYPE_CHECKING:
    from holdfast.app.doctor_collect import Collected
    from holdfast.app.doctor_fix import Done, Plan


def collected_event(done: "Collected") -> BundleCollected:
    entries = done.manifest.entries
    return BundleCollected(
        file=done.bundle,
        names=done.names,
        taken=sum(1 for entry in entries if entry.path),
        missing=[entry.probe for entry in entries if not entry.path],
        removed=done.manifest.redacted,
    )


def plan_event(plans: "list[Plan]") -> FixPlanned:
    return FixPlanned(
        cause=plans[0].cause,
        remedies=[
            {
                "remedy": plan.remedy,
                "risk": plan.described.risk,
                "act": plan.act.shown if plan.act else None,
            }
            for plan in plans
        ],
    )


def mended_event(done: "Done") -> FixApplied:
    assert done.plan.act is not None
    return FixApplied(
        cause=done.plan.cause,
        remedy=done.plan.remedy,
        act=done.plan.act.shown,
        mended=done.is_mended,
    )
