"""How an act begins and ends in the record: asked of the policy, written down, gone on with."""

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

import msgspec

from holdfast.base.clock import Clock
from holdfast.recovery.act_errors import PointWasChosen
from holdfast.recovery.act_texts import act_text
from holdfast.recovery.desk import drop_order
from holdfast.recovery.policy import AFTER, DURING, WITH_SOURCE, Place, Standing, refusal
from holdfast.recovery.record import Act, ActKind, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder, with_event

REFUSED = "refused"
_RESTS = (Stage.PROTECTED, Stage.PROTECTED_IN_REVERSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person wants done; `wish` is kept for the same command to go on by."""

    kind: ActKind
    who: str
    wish: dict[str, Any] = field(default_factory=dict)


def begin(folder: RecordFolder, asked: Asked, standing: Standing, clock: Clock) -> Act:
    """The act, new or the one that is under way; durable when this returns.

    Raises why it is not legal. An undo takes the place of what it takes back.
    """
    error = refusal(asked.kind, standing)
    if error is not None:
        raise error
    known = standing.under_way
    if known is not None and known.kind is asked.kind:
        _require_same(known, asked, standing.about)
        return known
    act = Act(
        id=new_act_id(clock),
        kind=asked.kind,
        who=asked.who,
        begun_at=clock.now(),
        wish=asked.wish,
        replaces=known.kind if known else None,
        # Whatever it is by now: the source has heard of it, and nobody has released it.
        has_asked=known is not None and (known.has_asked or known.kind in WITH_SOURCE),
        stage_before=standing.stage,
    )
    first = RecoveryRecord(vm=folder.vm, name=standing.about)
    folder.change(lambda record: _with_act(record, act, standing), first=first)
    return act


def current_act(folder: RecordFolder, act: Act) -> Act:
    """The act as it is kept: steps put what they have chosen there."""
    record = folder.load()
    known = record.act if record else None
    return known if known is not None and known.id == act.id else act


def change_act(folder: RecordFolder, act: Act, **fields: Any) -> Act:
    """Durable when it returns."""
    changed = msgspec.structs.replace(current_act(folder, act), **fields)
    folder.change(lambda record: msgspec.structs.replace(record, act=changed))
    return changed


def finish(
    folder: RecordFolder,
    act: Act,
    clock: Clock,
    *,
    stage: Stage | None = None,
    figures: dict[str, float] | None = None,
    why: str = "",
) -> RecoveryRecord:
    """The act is done: an event remembers it, and nothing is ordered any more."""
    after = stage or AFTER[act.kind]

    def ended(record: RecoveryRecord) -> RecoveryRecord:
        done = msgspec.structs.replace(record, act=None, stage=after)
        return with_event(done, clock, act.kind.value, who=act.who, why=why, figures=figures)

    record = folder.change(ended)
    drop_order(folder)
    return record


def abandon(folder: RecordFolder, act: Act, clock: Clock, *, why: str) -> None:
    """As if it had not begun: for an act that was refused before it changed anything.

    One that took the place of another is not given up this way: that one had begun to.
    """
    if act.replaces is not None:
        return

    def back(record: RecoveryRecord) -> RecoveryRecord:
        if record.act is None or record.act.id != act.id:
            return record
        before = msgspec.structs.replace(record, act=None, stage=act.stage_before)
        return with_event(before, clock, REFUSED, who=act.who, why=f"{act.kind.value}: {why}")

    folder.change(back)


def new_act_id(clock: Clock) -> str:
    """In the order of time, as names are sorted; good as the name of a folder."""
    return f"{clock.now():%Y%m%d-%H%M%S}-{token_hex(3)}"


def _with_act(record: RecoveryRecord, act: Act, standing: Standing) -> RecoveryRecord:
    is_at_rest = standing.place is Place.SITE and standing.stage in _RESTS
    rests = standing.stage if is_at_rest else record.rests
    stage = DURING.get(act.kind, standing.stage)
    return msgspec.structs.replace(record, act=act, stage=stage, rests=rests)


def _require_same(known: Act, asked: Asked, about: str) -> None:
    """Another point than the one it goes on with would be another act."""
    before, now = known.wish.get("point", ""), asked.wish.get("point", "")
    if now and now != before:
        chosen = before or "latest"
        raise PointWasChosen(about=about, under_way=act_text(known.kind), chosen=chosen, wish=now)
