"""What waits for a person: decisions, answers, and what was begun and must be ended by somebody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from holdfast.app.control.plan_runs import plan_of, progress_of
from holdfast.app.control.recovery_picture import pictures
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _, ngettext
from holdfast.catalog.recoveries import Known
from holdfast.catalog.replications import Replicated
from holdfast.catalog.tables import Job
from holdfast.recovery.plans.engine import questions
from holdfast.recovery.record import Stage


class Asks(StrEnum):
    APPROVAL = "approval"
    PLAN_ANSWER = "plan-answer"
    COMMIT = "commit"
    REPROTECT = "reprotect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """`objects`: acts to be approved, ids of jobs, or UUIDs of virtual machines."""

    asks: Asks
    since: datetime
    objects: tuple[str, ...]
    names: tuple[str, ...]


def needs_of(
    *,
    approvals: Sequence[tuple[str, datetime]],
    runs: Iterable[Job],
    known: Iterable[Known],
    ways: Iterable[Replicated],
    now: datetime,
) -> list[Need]:
    """The one that waits longest first."""
    found = []
    if approvals:
        acts = tuple(act for act, _at in approvals)
        found.append(Need(asks=Asks.APPROVAL, since=approvals[0][1], objects=acts, names=acts))
    for run in runs:
        if _is_asking(run, now):
            name = str(run.arguments.get("plan", ""))
            found.append(
                Need(asks=Asks.PLAN_ANSWER, since=run.created_at, objects=(run.id,), names=(name,))
            )
    for one in pictures(known, ways):
        asks = _OF_STAGE.get(one.stage)
        if asks is not None and one.newest is not None:
            since = one.newest.stage_since
            found.append(Need(asks=asks, since=since, objects=(one.vm,), names=(one.name,)))
    return sorted(found, key=lambda need: (need.since, need.asks, need.objects))


def sentence(need: Need) -> str:
    count, name = len(need.objects), need.names[0]
    match need.asks:
        case Asks.APPROVAL:
            text = ngettext(
                "{count} act waits for a second person's approval.",
                "{count} acts wait for a second person's approval.",
                count,
            )
            return text.format(count=count)
        case Asks.PLAN_ANSWER:
            return _("The recovery plan {plan} waits for an answer.").format(plan=name)
        case Asks.COMMIT:
            return _(
                "{vm} was failed over and is not committed: see whether it is well, then commit "
                "or undo."
            ).format(vm=name)
        case Asks.REPROTECT:
            return _(
                "{vm} runs at the other site and is not replicated back: reprotect it."
            ).format(vm=name)


_OF_STAGE = {Stage.FAILED_OVER.value: Asks.COMMIT, Stage.COMMITTED.value: Asks.REPROTECT}


def _is_asking(run: Job, now: datetime) -> bool:
    try:
        return bool(questions(plan_of(run), progress_of(run), now))
    except (HoldfastError, msgspec.ValidationError, KeyError):
        # A run of another version: whoever can read it says what it asks.
        return False
