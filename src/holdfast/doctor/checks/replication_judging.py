"""How causes about replication are decided: by its status, and by what it failed with last."""

from collections.abc import Callable

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.agent_judging import Look, by_fact, judged_by_failures
from holdfast.doctor.factbase import Facts
from holdfast.doctor.model import Verdict
from holdfast.doctor.own_facts import JobRecord
from holdfast.doctor.replication_facts import Replication

_MIB = 1 << 20


def mib(count: float | None) -> object:
    return "-" if count is None else round(count / _MIB, 1)


def minutes(seconds: float | None) -> object:
    return "-" if seconds is None else round(seconds / 60)


def percent(share: float) -> str:
    return f"{share:.0%}"


def by_reason(
    cause: str,
    *reasons: str,
    values: Callable[[Replication, Look], dict[str, object]] = lambda _one, _look: {},
) -> None:
    """What the judgement of a replication says is against it."""
    by_fact(cause, Replication, lambda one, _: bool(set(reasons) & set(one.reasons)), values=values)


def by_failure(cause: str, *codes: str) -> None:
    """What replicating a machine, or a command about it, failed with last."""

    @check(cause, needs_any=(Replication, JobRecord))
    def judge(facts: Facts, _: Params) -> Verdict:
        return judged_by_failures(facts, Replication, codes)
