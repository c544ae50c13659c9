"""The acts of recovery as a person types them, for a machine that goes there and back again."""

from dataclasses import replace

from holdfast.recovery.record import Stage
from tests.circle_bench import CircleAct

NAME = "circling"
GONE = ("--unplanned", "--source-is-down")
PLANNED = CircleAct(
    name="planned",
    words=("failover", NAME, "--planned", "--force", "--shutdown-within", "1s"),
    at="south",
    source="north",
    runs_at="south",
    stage=Stage.FAILED_OVER,
    epochs=1,
    is_each=True,
)
LIVE = replace(PLANNED, name="live", words=("failover", NAME, "--planned", "--live"))
UNPLANNED = replace(PLANNED, name="unplanned", words=("failover", NAME, *GONE), is_disaster=True)
CHANGE = replace(
    PLANNED,
    name="change-point",
    words=("failover", "change-point", NAME, "--point", "latest", "--discard-changes"),
    epochs=0,
    drops="south",
)
UNDO = CircleAct(
    name="undo",
    words=("failover", "undo", NAME, "--discard-changes"),
    at="south",
    source="north",
    runs_at="north",
    stage=Stage.PROTECTED,
    epochs=1,
    is_each=True,
    drops="north",
)
COMMIT = replace(PLANNED, name="commit", words=("commit", NAME), stage=Stage.COMMITTED, epochs=0)
REPROTECT = CircleAct(
    name="reprotect",
    words=("reprotect", NAME),
    at="south",
    source="south",
    runs_at="south",
    stage=Stage.PROTECTED_IN_REVERSE,
    is_each=True,
)
FAILBACK = CircleAct(
    name="failback",
    words=("failback", NAME, "--force", "--shutdown-within", "1s"),
    at="north",
    source="south",
    runs_at="north",
    stage=Stage.COMMITTED,
    epochs=1,
    is_each=True,
)
FAILBACK_LIVE = replace(FAILBACK, name="failback-live", words=("failback", NAME, "--live"))
HOME_AGAIN = CircleAct(
    name="reprotect-home",
    words=("reprotect", NAME),
    at="north",
    source="north",
    runs_at="north",
    stage=Stage.PROTECTED,
    is_each=True,
)
