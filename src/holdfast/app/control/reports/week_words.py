"""The words of a weekly summary."""

from datetime import tzinfo

from holdfast.app.control.alert_texts import label_of
from holdfast.app.control.reports import words
from holdfast.app.control.reports.causes import CauseView
from holdfast.app.control.reports.week import DrillWeek, ThingView, Verdict, Weekly
from holdfast.app.control.safety import Why
from holdfast.base.texts import N_, _, ngettext
from holdfast.fleet.alerts import Severity
from holdfast.fleet.jobs import Kind
from holdfast.recovery.drills.drill import DrillVerdict
from holdfast.recovery.drills.wording import verdict_text

_VERDICTS = {
    Verdict.EMPTY.value: N_("Nothing is looked after yet"),
    Verdict.GOOD.value: N_("All is well"),
    Verdict.ATTENTION.value: N_("Something needs a person"),
    Verdict.BAD.value: N_("Something is wrong"),
}
_TONES = {
    Verdict.EMPTY.value: "",
    Verdict.GOOD.value: "good",
    Verdict.ATTENTION.value: "fair",
    Verdict.BAD.value: "bad",
}
_WORK = {
    Kind.BACKUP.value: N_("Backup"),
    Kind.RETAIN.value: N_("Thinning out points"),
    Kind.PRUNE.value: N_("Freeing space"),
    Kind.CHECK.value: N_("Check"),
    Kind.RESTORE.value: N_("Restore"),
    Kind.DOCTOR.value: N_("Doctor"),
    Kind.PROTECT.value: N_("Protecting a virtual machine"),
    Kind.UNPROTECT.value: N_("Ending a protection"),
    Kind.REPLICATE.value: N_("Setting up a replication"),
    Kind.PAUSE_REPLICATION.value: N_("Pausing a replication"),
    Kind.RESUME_REPLICATION.value: N_("Resuming a replication"),
    Kind.RESYNC_REPLICATION.value: N_("Comparing a replica anew"),
    Kind.END_REPLICATION.value: N_("Ending a replication"),
    Kind.TEST_FAILOVER.value: N_("Test failover"),
    Kind.PLANNED_FAILOVER.value: N_("Planned failover"),
    Kind.UNPLANNED_FAILOVER.value: N_("Unplanned failover"),
    Kind.CHANGE_POINT.value: N_("Changing the recovery point"),
    Kind.UNDO_FAILOVER.value: N_("Undoing a failover"),
    Kind.CLEAN_UP_TEST.value: N_("Cleaning up a test"),
    Kind.CHECK_FAILOVER.value: N_("Checking a failover beforehand"),
    Kind.COMMIT.value: N_("Commit"),
    Kind.REPROTECT.value: N_("Reprotect"),
    Kind.FAIL_BACK.value: N_("Failback"),
    Kind.DRILL.value: N_("Drill"),
    Kind.SCHEDULE_DRILL.value: N_("Scheduling drills"),
    Kind.RUN_PLAN.value: N_("Machines of a plan"),
    Kind.PLAN_ACTION.value: N_("Action of a plan"),
    Kind.SCRUB.value: N_("Reading all stored data"),
    Kind.PURGE.value: N_("Removing for good"),
    Kind.DELETE_VAULT.value: N_("Deleting a vault"),
    Kind.RECOVERY_PLAN.value: N_("Recovery plan"),
}
_REASONS = {
    Why.NOT_PROTECTED.value: N_("nothing protects it"),
    Why.SPLIT_BRAIN.value: N_("it runs at two places"),
    Why.DAMAGED.value: N_("damage was found in its backups"),
    Why.REPLICATION_CRITICAL.value: N_("its replication is critical"),
    Why.NO_POINT.value: N_("it has no recovery point yet"),
    Why.OVERDUE.value: N_("its newest point is too old"),
    Why.FAILED_OVER.value: N_("it runs at the other site, unprotected"),
    Why.PAUSED.value: N_("its protection is paused"),
    Why.BACKUP_FAILED.value: N_("its last backup failed"),
    Why.SILENT.value: N_("its agent is silent"),
    Why.REPLICATION_WARNING.value: N_("its replication has a warning"),
}
_PROOFS = {
    "restore": N_("restore"),
    "restore-part": N_("restore of a part"),
    "drill": N_("drill"),
    "read-check": N_("read check"),
}
_HEALTHS = {"normal": N_("well"), "warning": N_("warning"), "critical": N_("in danger")}
_HEALTH_TONES = {"normal": "good", "warning": "fair", "critical": "bad"}
_DRILL_TONES = {"passed": "good", "objective-missed": "fair", "running": "", "never": "fair"}


def title(week: Weekly) -> str:
    if week.vault is None:
        return _("Weekly summary")
    return _("Weekly summary of {vault}").format(vault=week.vault)


def verdict(week: Weekly) -> tuple[str, str]:
    """Its tone, and the word."""
    return _TONES[week.verdict], _(_VERDICTS[week.verdict])


def subject(week: Weekly, zone: tzinfo | None) -> str:
    """Of a mail: enough to know whether to open it."""
    text = _("[Holdfast] Week to {date}: {verdict}; {protected} protected, {wrong} not")
    wrong = week.safety.at_risk + week.safety.unprotected
    return text.format(
        date=words.day(week.end, zone),
        verdict=verdict(week)[1],
        protected=week.safety.protected,
        wrong=wrong,
    )


def work(kind: str) -> str:
    return _(_WORK[kind]) if kind in _WORK else kind


def reasons(thing: ThingView) -> str:
    return ", ".join(_(_REASONS[one]) if one in _REASONS else one for one in thing.reasons)


def proof(by: str) -> str:
    return _(_PROOFS[by]) if by in _PROOFS else by


def health(name: str) -> tuple[str, str]:
    return _HEALTH_TONES.get(name, "bad"), _(_HEALTHS[name]) if name in _HEALTHS else name


def severity(label: str) -> str:
    return label_of(Severity.named(label))


def drill(one: DrillWeek) -> tuple[str, str]:
    """Its tone, and how the last one went."""
    known = {verdict.value for verdict in DrillVerdict}
    said = verdict_text(DrillVerdict(one.verdict)) if one.verdict in known else _("never drilled")
    if one.is_overdue:
        return "bad", _("{verdict}, overdue").format(verdict=said)
    return _DRILL_TONES.get(one.verdict, "bad"), said


def machines(cause: CauseView) -> str:
    left = cause.machine_count - len(cause.machines)
    named = ", ".join(cause.machines)
    return f"{named} +{left}" if left else named


def cause_state(cause: CauseView) -> str:
    return _("over: it was done well since") if cause.is_over else _("not over")


def times(count: int) -> str:
    return ngettext("{count} time", "{count} times", count).format(count=count)


def more(shown: int, count: int) -> str:
    """What is left out of a list; empty when nothing is."""
    left = count - shown
    if left <= 0:
        return ""
    return ngettext("and {count} more", "and {count} more", left).format(count=left)


def percent(share: float | None) -> str:
    """Never 100 % of what is a little less."""
    if share is None:
        return "-"
    return f"{int(share * 1000) / 10:g} %"
