"""Words for jobs: what kinds there are, and the states one goes through."""

from enum import StrEnum


class Kind(StrEnum):
    """What a machine or the server can be told to do."""

    BACKUP = "backup"
    RETAIN = "retain"
    PRUNE = "prune"
    CHECK = "check"
    RESTORE = "restore"
    DOCTOR = "doctor"
    # Of a virtual machine:
    PROTECT = "protect"
    UNPROTECT = "unprotect"
    RESTORE_VM = "vm-restore"
    # Of its replication:
    REPLICATE = "replicate"
    PAUSE_REPLICATION = "replication-pause"
    RESUME_REPLICATION = "replication-resume"
    RESYNC_REPLICATION = "replication-resync"
    END_REPLICATION = "replication-disable"
    # Of its recovery, at the host that each is for:
    TEST_FAILOVER = "failover-test"
    PLANNED_FAILOVER = "failover-planned"
    UNPLANNED_FAILOVER = "failover-unplanned"
    CHANGE_POINT = "failover-change-point"
    UNDO_FAILOVER = "failover-undo"
    CLEAN_UP_TEST = "failover-cleanup"
    CHECK_FAILOVER = "failover-check"
    COMMIT = "commit"
    REPROTECT = "reprotect"
    FAIL_BACK = "failback"
    DRILL = "drill"
    SCHEDULE_DRILL = "drill-schedule"
    RUN_PLAN = "plan-run"
    # Of a plan that the server runs: a script of the host, or one in a guest. Nobody orders it.
    PLAN_ACTION = "plan-action"
    # Done by the server alone:
    SCRUB = "scrub"
    PURGE = "purge"
    DELETE_VAULT = "delete-vault"
    # A recovery plan: slices by the server, each group's machines by their hosts.
    RECOVERY_PLAN = "recovery-plan"


class State(StrEnum):
    WAITING = "waiting"  # asked for; nobody has begun
    RUNNING = "running"
    DONE = "done"
    WARNINGS = "warnings"  # done, but some items were left out
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"  # another job held the source, or it is not wanted any more
    LOST = "lost"  # its machine has not been heard of for too long

    @property
    def is_over(self) -> bool:
        return self not in (State.WAITING, State.RUNNING)


class StepState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
