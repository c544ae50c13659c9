"""The kinds of alerts there are: how bad each is, what it says, and whether it can be silenced."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from holdfast.base.texts import N_, _


class Severity(IntEnum):
    """Compared by number: a target asks for everything from one upwards."""

    INFO = 0
    WARNING = 1
    ERROR = 2
    CRITICAL = 3

    @classmethod
    def named(cls, name: str) -> "Severity":
        return cls[name.upper()]

    @property
    def label(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    # What it is called where many are chosen from.
    words: str
    severity: Severity
    sentence: str
    # Acts that could destroy data are always told: whoever does them must not be able to hide it.
    is_security: bool = False
    # Fields that tell one cause from another; all alerts of a kind with the same are one.
    told_apart_by: tuple[str, ...] = ()
    # A single event: nothing closes it later, so it is closed once it is sent.
    is_event: bool = False


def _security(words: str, severity: Severity, sentence: str) -> Kind:
    return Kind(words=words, severity=severity, sentence=sentence, is_security=True, is_event=True)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "data-deleted": _security(
            N_("Data deleted"),
            Severity.CRITICAL,
            N_("{actor} deleted {object}; it can be brought back until {until}."),
        ),
        "purge-near": _security(
            N_("Gone for good soon"),
            Severity.CRITICAL,
            N_("{object} will be gone for good at {until}."),
        ),
        "purged": _security(
            N_("Gone for good"), Severity.CRITICAL, N_("{object} is gone for good.")
        ),
        "soft-delete-off": _security(
            N_("Soft delete switched off"),
            Severity.CRITICAL,
            N_("{actor} switched soft delete off for {object}."),
        ),
        "retention-shorter": _security(
            N_("Retention shortened"),
            Severity.CRITICAL,
            N_("{actor} made the retention of {object} shorter."),
        ),
        "four-eyes-off": _security(
            N_("Four eyes switched off"),
            Severity.CRITICAL,
            N_("{actor} switched approval by a second person off for {object}."),
        ),
        "immutability-off": _security(
            N_("Immutability switched off"),
            Severity.CRITICAL,
            N_("{actor} switched immutability off for {object}."),
        ),
        "replica-removed": _security(
            N_("Replica removed"),
            Severity.CRITICAL,
            N_("{actor} ended a replication: the replica {object} goes, with all its points."),
        ),
        "alert-target-removed": _security(
            N_("Alert target removed"),
            Severity.CRITICAL,
            N_("{actor} removed {object}: no alert goes there any more."),
        ),
        "administrator-made": _security(
            N_("New administrator"),
            Severity.CRITICAL,
            N_("{actor} made {object} an administrator."),
        ),
        "approver-made": _security(
            N_("New second person"),
            Severity.CRITICAL,
            N_("{actor} made {object} a second person who can approve."),
        ),
        "password-set": _security(
            N_("Password set by another"),
            Severity.CRITICAL,
            N_("{actor} set a new password for {object}."),
        ),
        "account-locked": _security(
            N_("Account locked"),
            Severity.CRITICAL,
            N_("The account {object} was locked after wrong passwords."),
        ),
        "machine-replaced": _security(
            N_("Machine replaced"),
            Severity.CRITICAL,
            N_("A new key took the place of {object}, with credentials {actor} issued for that."),
        ),
        "backup-failed": Kind(
            words=N_("Backup failed"),
            severity=Severity.ERROR,
            sentence=N_("The backup of {source} on {machine} failed: {reason}"),
            told_apart_by=("source", "error"),
        ),
        "restore-failed": Kind(
            words=N_("Restore failed"),
            severity=Severity.ERROR,
            sentence=N_("A restore on {machine} failed: {reason}"),
            told_apart_by=("error",),
        ),
        "job-failed": Kind(
            words=N_("Job failed"),
            severity=Severity.ERROR,
            sentence=N_("The job {job} on {machine} failed: {reason}"),
            told_apart_by=("job", "error"),
        ),
        "damage-found": Kind(
            words=N_("Damage found"),
            severity=Severity.CRITICAL,
            sentence=N_("Stored data of {machine} is damaged: {reason}"),
        ),
        "job-lost": Kind(
            words=N_("Job lost sight of"),
            severity=Severity.ERROR,
            sentence=N_("{machine} has not been heard of since {since}, with a job under way."),
        ),
        "machine-silent": Kind(
            words=N_("Machine silent"),
            severity=Severity.WARNING,
            sentence=N_("{machine} has not been heard of since {since}."),
        ),
        "no-backup": Kind(
            words=N_("No good backup"),
            severity=Severity.ERROR,
            sentence=N_("{machine} has had no good backup for {days} days."),
        ),
        "backup-warnings": Kind(
            words=N_("Backup with warnings"),
            severity=Severity.WARNING,
            sentence=N_("The backup of {source} on {machine} left out {skipped} items."),
            told_apart_by=("source",),
        ),
        "machine-renamed": Kind(
            words=N_("Machine renamed"),
            severity=Severity.WARNING,
            sentence=N_("{before} now calls itself {machine} (230006); its points go on."),
            told_apart_by=("before", "machine"),
            is_event=True,
        ),
        "scratch-low": Kind(
            words=N_("Little scratch room"),
            severity=Severity.WARNING,
            sentence=N_("The scratch folder of {machine} has only {free} left (SalLowDiskSpace)."),
        ),
        "quota-near": Kind(
            words=N_("Quota nearly used"),
            severity=Severity.WARNING,
            sentence=N_("{object} uses {used} of its quota of {quota}."),
        ),
        "room-ends": Kind(
            words=N_("Room comes to an end"),
            severity=Severity.WARNING,
            sentence=N_(
                "{object} will be full on {when}, as it looks now: {used} of {limit} used."
            ),
            told_apart_by=("of",),
        ),
        "replication-warning": Kind(
            words=N_("Replication with a warning"),
            severity=Severity.WARNING,
            sentence=N_("Replication of {vms} to {site} is not as it should be: {reason}"),
            told_apart_by=("root",),
        ),
        "replication-critical": Kind(
            words=N_("Replication in danger"),
            severity=Severity.CRITICAL,
            sentence=N_("Replication of {vms} to {site} is in danger: {reason}"),
            told_apart_by=("root",),
        ),
        "replication-recovered": Kind(
            words=N_("Replication well again"),
            severity=Severity.INFO,
            sentence=N_("Replication of {vms} to {site} is well again."),
            told_apart_by=("root",),
            is_event=True,
        ),
        "failover-failed": Kind(
            words=N_("Failover stands still"),
            severity=Severity.CRITICAL,
            sentence=N_("{job} of {vm} on {machine} stands still: {reason}"),
            told_apart_by=("source",),
        ),
        "split-brain": Kind(
            words=N_("Running on two hosts"),
            severity=Severity.CRITICAL,
            sentence=N_("{vm} was seen running on two hosts: {hosts}. Nothing of it was stopped."),
            told_apart_by=("root",),
        ),
        "drill-failed": Kind(
            words=N_("Drill not passed"),
            severity=Severity.ERROR,
            sentence=N_("The recovery drill {drill} on {machine} did not pass."),
            told_apart_by=("drill",),
        ),
        "drill-overdue": Kind(
            words=N_("Drill overdue"),
            severity=Severity.WARNING,
            sentence=N_("The recovery drill {drill} on {machine} was due at {since}."),
            told_apart_by=("drill",),
        ),
        "test-not-cleaned": Kind(
            words=N_("Test not cleaned up"),
            severity=Severity.WARNING,
            sentence=N_(
                "{vm} still runs on {machine} as a test, since {since}; it was to be cleaned up."
            ),
            told_apart_by=("vm",),
        ),
        "key-changed": Kind(
            words=N_("Key changed"),
            severity=Severity.ERROR,
            sentence=N_("{machine} shows another key than before (34506)."),
        ),
        "restore-done": Kind(
            words=N_("Restore done"),
            severity=Severity.INFO,
            sentence=N_("A restore on {machine} is done."),
            is_event=True,
        ),
        "drill-passed": Kind(
            words=N_("Drill passed"),
            severity=Severity.INFO,
            sentence=N_("The recovery drill of {vm} on {machine} passed."),
            told_apart_by=("vm",),
            is_event=True,
        ),
        "backup-done": Kind(
            words=N_("Backup done"),
            severity=Severity.INFO,
            sentence=N_("The backup of {source} on {machine} is done."),
            told_apart_by=("source",),
            is_event=True,
        ),
    }
)


def kind_text(kind: str) -> str:
    """What a newer server has besides is shown as it is."""
    return _(KINDS[kind].words) if kind in KINDS else kind


def kind_shown(kind: str) -> str:
    """With the code, which is what people search and ask for."""
    return f"{kind_text(kind)} ({kind})" if kind in KINDS else kind


def key_of(kind: str, vault: str | None, machine: str | None, fields: Mapping[str, object]) -> str:
    """The same for all sightings of one cause."""
    apart = (str(fields.get(name, "")) for name in KINDS[kind].told_apart_by)
    where = [*apart, str(fields.get("object", ""))] if KINDS[kind].is_security else list(apart)
    return "|".join((kind, vault or "", machine or "", *where))
