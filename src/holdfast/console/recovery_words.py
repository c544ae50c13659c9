"""What the stages, acts and verdicts of replication and recovery are called, and their colours."""

from collections.abc import Mapping

from holdfast.base.texts import N_, _
from holdfast.console.thing_words import Words
from holdfast.recovery.record import ActKind

HEALTH: Words = {
    "normal": (N_("Normal"), "good"),
    "warning": (N_("Warning"), "warn"),
    "critical": (N_("Critical"), "bad"),
}
STATE: Words = {
    "off": (N_("Off"), "bad"),
    "ready-for-initial-copy": (N_("Ready for the first copy"), "busy"),
    "waiting-for-initial-copy": (N_("Waiting for the first copy"), "busy"),
    "initial-copy": (N_("First copy"), "busy"),
    "replicating": (N_("Replicating"), "good"),
    "synced": (N_("In step, machine off"), "good"),
    "failover-waiting": (N_("Failover waits to be completed"), "warn"),
    "failed-over": (N_("Failed over"), "warn"),
    "suspended": (N_("Suspended"), "warn"),
    "paused": (N_("Paused"), "warn"),
    "resync-required": (N_("Resync required"), "bad"),
    "resynchronizing": (N_("Resynchronizing"), "busy"),
    "host-not-registered": (N_("Host not registered"), "bad"),
}
STAGE: Words = {
    "protected": (N_("Protected"), "good"),
    "failing-over": (N_("Failing over"), "busy"),
    "failed-over": (N_("Failed over, not committed"), "warn"),
    "undoing": (N_("Undone, its host has not heard yet"), "busy"),
    "committed": (N_("Committed, no replica"), "warn"),
    "reprotecting": (N_("Being protected in reverse"), "busy"),
    "protected-in-reverse": (N_("Protected in reverse"), "good"),
    "failing-back": (N_("Failing back"), "busy"),
    "migrated": (N_("Moved for good"), "idle"),
}
VERDICT: Words = {
    "never": (N_("Never drilled"), "bad"),
    "running": (N_("Under way"), "busy"),
    "passed": (N_("Passed"), "good"),
    "objective-missed": (N_("Objective missed"), "warn"),
    "failed": (N_("Failed"), "bad"),
    "not-cleaned": (N_("Not cleaned up"), "bad"),
}
SITE: Words = {
    "ok": (N_("At work"), "good"),
    "waiting": (N_("Waiting for its agent"), "busy"),
    "trouble": (N_("In trouble"), "bad"),
    "silent": (N_("Silent"), "bad"),
    "unregistered": (N_("Unregistered"), "bad"),
}
STEP: Words = {
    "": (N_("Not begun"), "idle"),
    "running": (N_("Under way"), "busy"),
    "done": (N_("Done"), "good"),
    "already": (N_("Was so already"), "good"),
    "failed": (N_("Failed"), "bad"),
    "skipped": (N_("Left out"), "idle"),
}
OUTCOME: Words = {
    "": (N_("Under way"), "busy"),
    "succeeded": (N_("Succeeded"), "good"),
    "with-failures": (N_("Ended, with failures"), "warn"),
    "stopped": (N_("Stopped by a failure"), "bad"),
    "cancelled": (N_("Cancelled"), "idle"),
}
ACT: Mapping[str, str] = {
    ActKind.TEST: N_("Test failover"),
    ActKind.PLANNED: N_("Planned failover"),
    ActKind.PLANNED_LIVE: N_("Planned failover while it runs"),
    ActKind.UNPLANNED: N_("Unplanned failover"),
    ActKind.CHANGE_POINT: N_("Change the point"),
    ActKind.UNDO: N_("Undo the failover"),
    ActKind.COMMIT: N_("Commit"),
    ActKind.REPROTECT: N_("Reprotect"),
    ActKind.FAILBACK: N_("Failback"),
    ActKind.FAILBACK_LIVE: N_("Failback while it runs"),
    ActKind.CLEAN_UP: N_("Clean up the test"),
}
ICON: Mapping[str, str] = {
    ActKind.TEST: "science",
    ActKind.PLANNED: "event_available",
    ActKind.PLANNED_LIVE: "moving",
    ActKind.UNPLANNED: "bolt",
    ActKind.CHANGE_POINT: "history",
    ActKind.UNDO: "undo",
    ActKind.COMMIT: "check_circle",
    ActKind.REPROTECT: "sync",
    ActKind.FAILBACK: "home",
    ActKind.FAILBACK_LIVE: "home",
    ActKind.CLEAN_UP: "cleaning_services",
}
# One line beneath the name.
SHORT: Mapping[str, str] = {
    ActKind.TEST: N_("Starts a copy in isolation, looks at it and removes it. Nothing stops."),
    ActKind.PLANNED: N_("Shuts it down here, starts it over there. Nothing is lost."),
    ActKind.PLANNED_LIVE: N_("Moves it over while it runs. Nothing is lost."),
    ActKind.UNPLANNED: N_("For when its host is gone: starts a recovery point over there."),
    ActKind.CHANGE_POINT: N_("Starts another recovery point in place of the one that runs."),
    ActKind.UNDO: N_("Gives it back to its host, as if nothing had been."),
    ActKind.COMMIT: N_("Keeps what the failover has brought; the other points go."),
    ActKind.REPROTECT: N_("Lets its old host follow, so that it can go home."),
    ActKind.FAILBACK: N_("Brings it home: shut down here, started there. Nothing is lost."),
    ActKind.FAILBACK_LIVE: N_("Brings it home while it runs. Nothing is lost."),
    ActKind.CLEAN_UP: N_("Removes what a test has left: its machine, its disks."),
}
WILL: Mapping[str, tuple[str, ...]] = {
    ActKind.TEST: (
        N_("A copy of the machine is started from the point you choose, beside the replication."),
        N_("It is in a network without a way out, unless you name another one."),
        N_("Its checks are looked at, a picture of its screen is taken, and all of it is removed."),
    ),
    ActKind.PLANNED: (
        N_("What changed so far is brought over while the machine runs."),
        N_("The machine is shut down at its host, its last changes are brought, it cannot start."),
        N_("It starts at the site, with all it ever wrote."),
    ),
    ActKind.PLANNED_LIVE: (
        N_("What it writes goes to both hosts, until they are in step."),
        N_("It stops for a moment, and goes on at the site."),
        N_("At its old host it cannot start any more."),
    ),
    ActKind.UNPLANNED: (
        N_("Its host is judged by what was heard of it; you say whether it is gone for certain."),
        N_("The machine belongs to the site from then on: if its host comes back, it is kept off."),
        N_("It starts from the point you choose. What came after that point is lost."),
    ),
    ActKind.CHANGE_POINT: (
        N_("What runs at the site now is stopped and dropped."),
        N_("It starts from the other point."),
    ),
    ActKind.UNDO: (
        N_("What runs at the site is stopped and dropped, with what it has written since."),
        N_("The machine belongs to its own host again, which starts it."),
        N_("The replication goes on."),
    ),
    ActKind.COMMIT: (
        N_("The recovery points it was not started from are removed."),
        N_("It runs on as it does."),
    ),
    ActKind.REPROTECT: (
        N_("The old host takes up the disks it still has, and only what differs is sent."),
        N_("From then on it is replicated in the other direction."),
    ),
    ActKind.FAILBACK: (
        N_("The machine is shut down where it runs, and its last changes go home."),
        N_("It starts at its own host, as it was defined there."),
    ),
    ActKind.FAILBACK_LIVE: (
        N_("What it writes goes to both hosts, until they are in step."),
        N_("It stops for a moment, and goes on at home."),
    ),
    ActKind.CLEAN_UP: (N_("The test machine, its disks and its hold on the point go."),),
}
UNDONE: Mapping[str, str] = {
    ActKind.TEST: N_("Nothing needs to be undone: nothing but the copy is touched."),
    ActKind.PLANNED: N_("Until it is committed you can undo it: the machine goes home."),
    ActKind.PLANNED_LIVE: N_("Until it is committed you can undo it: the machine goes home."),
    ActKind.UNPLANNED: N_("Until it is committed you can choose another point, or undo it."),
    ActKind.CHANGE_POINT: N_("You can choose yet another point, or undo the failover."),
    ActKind.UNDO: N_("What it wrote at the site since the failover cannot be had back."),
    ActKind.COMMIT: N_("It cannot be undone. It can be reprotected and failed back."),
    ActKind.REPROTECT: N_("Nothing is lost by it; the machine runs on where it is."),
    ActKind.FAILBACK: N_("Until it is committed you can undo it."),
    ActKind.FAILBACK_LIVE: N_("Until it is committed you can undo it."),
    ActKind.CLEAN_UP: N_("The test machine is gone for good; its report stays."),
}
# They start the machine from a point somebody chooses.
WITH_POINT = frozenset((ActKind.TEST, ActKind.UNPLANNED, ActKind.CHANGE_POINT))
# They are looked at beforehand by the host.
LOOKED_AT = frozenset(ACT) - {ActKind.CLEAN_UP}
# They move the machine, or end what could be had back: its name is typed.
GRAVE = frozenset(
    (
        *(ActKind.PLANNED, ActKind.PLANNED_LIVE, ActKind.UNPLANNED, ActKind.CHANGE_POINT),
        *(ActKind.UNDO, ActKind.COMMIT, ActKind.FAILBACK, ActKind.FAILBACK_LIVE),
    )
)
# Of rows of figures: as many beside each other as there is room for, two on a phone.
FIGURES = "grid-template-columns: repeat(auto-fit, minmax(min(100%, 150px), 1fr))"
_POINT_WISHES: Mapping[str, str] = {
    "latest": N_("The newest"),
    "latest-app": N_("The newest application-consistent"),
    "latest-tested": N_("The newest that a test has shown to start"),
}


def act_name(kind: str) -> str:
    return _(ACT[kind]) if kind in ACT else kind


def point_wishes() -> dict[str, str]:
    return {value: _(text) for value, text in _POINT_WISHES.items()}


def unbroken(text: str) -> str:
    """Short texts of a narrow column stay on one line."""
    return text.replace(" ", "\N{NO-BREAK SPACE}")
