"""Jobs in words: what they are called, how they stand, how far and how fast they are."""

import re
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from holdfast.app.control.job_views import JobView
from holdfast.base.texts import N_, _
from holdfast.base.units import format_size
from holdfast.console import shown
from holdfast.console.shown import Tone
from holdfast.fleet.jobs import Kind, State

KINDS: Mapping[str, str] = {
    Kind.BACKUP: N_("Backup"),
    Kind.RETAIN: N_("Thinning out points"),
    Kind.PRUNE: N_("Freeing space"),
    Kind.CHECK: N_("Check"),
    Kind.RESTORE: N_("Restore"),
    Kind.RESTORE_VM: N_("Restoring a virtual machine"),
    Kind.DOCTOR: N_("Doctor"),
    Kind.PROTECT: N_("Protecting a virtual machine"),
    Kind.UNPROTECT: N_("Ending a protection"),
    Kind.REPLICATE: N_("Setting up a replication"),
    Kind.PAUSE_REPLICATION: N_("Pausing a replication"),
    Kind.RESUME_REPLICATION: N_("Resuming a replication"),
    Kind.RESYNC_REPLICATION: N_("Comparing a replica anew"),
    Kind.END_REPLICATION: N_("Ending a replication"),
    Kind.TEST_FAILOVER: N_("Test failover"),
    Kind.PLANNED_FAILOVER: N_("Planned failover"),
    Kind.UNPLANNED_FAILOVER: N_("Unplanned failover"),
    Kind.CHANGE_POINT: N_("Changing the recovery point"),
    Kind.UNDO_FAILOVER: N_("Undoing a failover"),
    Kind.CLEAN_UP_TEST: N_("Cleaning up a test"),
    Kind.CHECK_FAILOVER: N_("Checking a failover beforehand"),
    Kind.COMMIT: N_("Commit"),
    Kind.REPROTECT: N_("Reprotect"),
    Kind.FAIL_BACK: N_("Failback"),
    Kind.DRILL: N_("Drill"),
    Kind.SCHEDULE_DRILL: N_("Scheduling drills"),
    Kind.RUN_PLAN: N_("Machines of a plan"),
    Kind.PLAN_ACTION: N_("Action of a plan"),
    Kind.SCRUB: N_("Reading all stored data"),
    Kind.PURGE: N_("Removing for good"),
    Kind.DELETE_VAULT: N_("Deleting a vault"),
    Kind.RECOVERY_PLAN: N_("Recovery plan"),
}
STATES: Mapping[str, str] = {
    State.WAITING: N_("waiting"),
    State.RUNNING: N_("running"),
    State.DONE: N_("done"),
    State.WARNINGS: N_("done, with warnings"),
    State.FAILED: N_("failed"),
    State.CANCELLED: N_("cancelled"),
    State.SKIPPED: N_("left out"),
    State.LOST: N_("lost sight of"),
}
_TONES: Mapping[str, Tone] = {
    State.RUNNING: "busy",
    State.DONE: "good",
    State.WARNINGS: "warn",
    State.FAILED: "bad",
    State.LOST: "bad",
}
_MARKED = re.compile(r"[a-z]+(-[a-z]+)*:(?P<name>[^\s/:]+)")
_SAMPLES = 12
_LEAST_SECONDS = 1.0


def kind_text(kind: str) -> str:
    return _(KINDS[kind]) if kind in KINDS else kind


def state_text(state: str) -> str:
    return _(STATES[state]) if state in STATES else state


def who_text(actor: str) -> str:
    """Whoever began something, as people are called: not `person:ada`."""
    kind, _mark, name = actor.partition(":")
    if kind == "server":
        return _("server")
    return name if kind == "person" and name else actor


def begun_by(job: JobView) -> str:
    if job.asked_by:
        return who_text(job.asked_by)
    return _("On a schedule") if job.origin == "schedule" else job.origin


def about(job: JobView) -> str:
    """What it works on, without the mark that keeps jobs of one kind apart from those of another."""
    found = _MARKED.fullmatch(job.source)
    return job.about or (found["name"] if found else job.source)


def standing(job: JobView) -> str:
    text = state_text(job.state)
    if job.is_cancel_asked and not is_over(job):
        return _("{state}, to be cancelled").format(state=text)
    return text


def tone(state: str) -> Tone:
    return _TONES.get(state, "idle")


def is_over(job: JobView) -> bool:
    return State(job.state).is_over


def took(job: JobView, now: datetime) -> float | None:
    """Seconds of work; of one that runs, so far."""
    if job.started_at is None:
        return None
    return ((job.ended_at or now) - job.started_at).total_seconds()


def done_text(progress: Mapping[str, Any]) -> str:
    """What is done of what, as far as the job tells."""
    said = [str(progress["phase"])] if progress.get("phase") else []
    done, total = progress.get("bytes_done"), progress.get("bytes_total")
    if done:
        whole = f" / {format_size(total)}" if total else ""
        said.append(f"{format_size(done)}{whole}")
    files, of_files = progress.get("files_done"), progress.get("files_total")
    if files:
        count = f"{files:,} / {of_files:,}" if of_files else f"{files:,}"
        said.append(_("{count} files").format(count=count))
    return " · ".join(said)


class Speed:
    """How fast bytes are getting done, judged by the last moments that were looked at."""

    def __init__(self) -> None:
        self._seen: deque[tuple[datetime, float]] = deque(maxlen=_SAMPLES)

    def note(self, now: datetime, progress: Mapping[str, Any]) -> None:
        done = progress.get("bytes_done")
        if not isinstance(done, int | float):
            return
        if self._seen and done < self._seen[-1][1]:
            # Another phase counts anew.
            self._seen.clear()
        self._seen.append((now, float(done)))

    @property
    def rate(self) -> float | None:
        """Bytes a second; None before there is anything to compare."""
        if len(self._seen) < 2:  # noqa: PLR2004  a speed has two ends
            return None
        (began, first), (ended, last) = self._seen[0], self._seen[-1]
        seconds = (ended - began).total_seconds()
        return (last - first) / seconds if seconds >= _LEAST_SECONDS else None

    def text(self, progress: Mapping[str, Any]) -> str:
        """The speed, and how long it will take at that."""
        rate = _mean(progress) if self.rate is None else self.rate
        if rate is None:
            return ""
        if not rate:
            return _("nothing moves at the moment")
        said = [_("{size} a second").format(size=format_size(rate))]
        left = (progress.get("bytes_total") or 0) - (progress.get("bytes_done") or 0)
        if left > 0:
            said.append(_("about {time} left").format(time=shown.duration(left / rate)))
        return " · ".join(said)


def _mean(progress: Mapping[str, Any]) -> float | None:
    done, seconds = progress.get("bytes_done"), progress.get("seconds")
    return done / seconds if done and seconds and seconds >= _LEAST_SECONDS else None
