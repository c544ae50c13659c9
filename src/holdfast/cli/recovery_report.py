"""How recoveries are told: a line each, or everything about one."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from holdfast.base.texts import N_, _, ngettext
from holdfast.base.units import format_size
from holdfast.cli import shown
from holdfast.cli.json_recovery import RecoveryPoint, RecoveryStatus
from holdfast.cli.output import Output, encodable
from holdfast.cli.recovery_steps import step_line
from holdfast.recovery.act_texts import act_text
from holdfast.recovery.record import ActKind, Stage

if TYPE_CHECKING:
    from holdfast.app.recovery_looking import RecoveryLook
    from holdfast.replication.replica_facts import ReplicaPoint

_EVENTS_SHOWN = 5
# Taken so long after it came, a point has its time from a wrong clock.
_OFF = timedelta(minutes=1)
_PLACES = {
    "site": N_("its site"),
    "promoted": N_("it runs here since a failover"),
    "home": N_("its own host"),
    "nothing": N_("none"),
}
# Beside those that are called as their acts.
_EVENTS = {
    "refused": N_("refused"),
    "fenced": N_("barred from being started here"),
    "given-away": N_("given to its site"),
    "released": N_("its source has it again"),
    "split-brain": N_("it was seen to run at both hosts"),
}
_TRUE = {True: N_("yes"), False: N_("no"), None: N_("unknown")}


def tell_recoveries(out: Output, looks: "Sequence[RecoveryLook]") -> None:
    head = (_("VM"), _("Stage"), _("This host is"), _("Under way"), _("Points"), _("Source heard"))
    lines = shown.table([head, *map(_row, looks)])
    if looks:
        out.remark(lines[0])
    for look, line in zip(looks, lines[1:], strict=True):
        out.show(status_event(look), line)
    count = ngettext("{count} machine", "{count} machines", len(looks))
    out.remark(count.format(count=len(looks)))


def tell_recovery(out: Output, look: "RecoveryLook") -> None:
    out.show(status_event(look), *_lines(look))


def tell_points(out: Output, look: "RecoveryLook") -> None:
    rows = [tuple(_point_row(look, point)) for point in look.points]
    head = (_("Point"), _("Taken"), _("Consistency"), _("Remarks"))
    lines = shown.table([head, *rows])
    if rows:
        out.remark(lines[0])
    for point, line in zip(look.points, lines[1:], strict=True):
        out.show(_point_event(look, point), line)
    count = ngettext("{count} point", "{count} points", len(rows))
    out.remark(count.format(count=len(rows)))


def status_event(look: "RecoveryLook") -> RecoveryStatus:
    record, heard = look.record, look.heard
    return RecoveryStatus(
        vm=encodable(record.name),
        uuid=record.vm,
        place=look.standing.place.value,
        stage=record.stage.value,
        epoch=record.epoch,
        runs_at=record.runs_at or None,
        fenced=record.fence is not None,
        act=_act(look),
        promoted=_promoted(look),
        source_heard_at=heard.at.isoformat() if heard else None,
        source_active=heard.tidings.is_active if heard else None,
        points=len(look.points),
        possible=sorted(kind.value for kind in look.possible),
        split_brain=look.split is not None,
        not_started=look.not_started or None,
        events=[msgspec.to_builtins(event) for event in record.events],
    )


def _act(look: "RecoveryLook") -> dict[str, Any] | None:
    act = look.record.act
    if act is None:
        return None
    told: dict[str, Any] = msgspec.to_builtins(act)
    return {**told, "at_work": look.is_at_work}


def _promoted(look: "RecoveryLook") -> dict[str, Any] | None:
    promoted = look.record.promoted
    if promoted is None:
        return None
    told: dict[str, Any] = msgspec.to_builtins(promoted)
    return {**told, "written": look.written}


def _row(look: "RecoveryLook") -> tuple[str, ...]:
    heard = shown.moment(look.heard.at) if look.heard else "-"
    act = look.record.act
    return (
        shown.line(look.record.name),
        _stage(look),
        _(_PLACES[look.standing.place.value]),
        act_text(act.kind) if act else "-",
        str(len(look.points)),
        heard,
    )


def _stage(look: "RecoveryLook") -> str:
    from holdfast.app.recovery_titles import STAGES

    stage = _(STAGES[look.record.stage.value])
    if look.record.fence is not None and look.record.promoted is None:
        # Whatever is done there, here it cannot be started.
        return _("{stage}, given to the other host").format(stage=stage)
    return _("{stage}, it runs at both hosts").format(stage=stage) if look.split else stage


def _lines(look: "RecoveryLook") -> list[str]:
    record, heard = look.record, look.heard
    rows = [
        (_("VM"), shown.line(record.name)),
        (_("Id"), record.vm),
        (_("Stage"), _stage(look)),
        (_("This host is"), _(_PLACES[look.standing.place.value])),
        (_("Epoch"), str(record.epoch)),
        (_("Points"), str(len(look.points))),
    ]
    if heard is not None:
        rows.append((_("Source heard"), shown.moment(heard.at)))
        rows.append((_("Runs at its source"), _(_TRUE[heard.tidings.is_active])))
    if record.fence is not None:
        rows.append((_("Barred here since"), shown.moment(record.fence.since)))
    return [*shown.table([*rows, *_of_promoted(look)]), *_of_act(look), *_ends(look)]


def _of_promoted(look: "RecoveryLook") -> Iterator[tuple[str, str]]:
    promoted = look.record.promoted
    if promoted is not None:
        yield _("Runs from the point of"), shown.moment(promoted.taken_at)
        yield _("Started"), shown.moment(promoted.started_at) if promoted.started_at else "-"
        if look.record.stage is not Stage.MIGRATED:
            yield _("Written here since"), format_size(look.written)
        if promoted.addresses:
            yield _("Addresses of this site"), ", ".join(each.new for each in promoted.addresses)


def _of_act(look: "RecoveryLook") -> Iterator[str]:
    from holdfast.recovery.policy import COMMANDS

    act = look.record.act
    if act is None:
        return
    yield _("{act}, begun by {who}, {moment}:").format(
        act=act_text(act.kind), who=shown.line(act.who), moment=shown.moment(act.begun_at)
    )
    yield from (f"  {step_line(note)}" for note in act.steps)
    if not look.is_at_work:
        again = COMMANDS[act.kind].format(about=look.record.name)
        yield _("  Nobody is at work on it: go on with `{again}`").format(again=again)


def _ends(look: "RecoveryLook") -> Iterator[str]:
    if look.split is not None:
        yield _(
            "It runs at both hosts, and each writes to its own disks; nothing is merged by itself. "
            "Shut down the one that is wrong, then go on at the site: `holdfast reprotect {vm}` if "
            "the one there is right, `holdfast failover undo {vm}` if the other one is."
        ).format(vm=look.record.name)
    if look.not_started:
        yield _(
            "It was not started again with this host: {reason}. If you know that it runs nowhere "
            "else: `holdfast failover start {vm} --force`"
        ).format(reason=look.not_started, vm=look.record.name)
    names = ", ".join(act_text(kind) for kind in ActKind if kind in look.possible)
    yield _("Possible now: {acts}").format(acts=names or "-")
    for event in look.record.events[-_EVENTS_SHOWN:]:
        what = _event_text(event.what)
        yield f"  {shown.moment(event.at)}  {what}  {shown.line(event.who)}".rstrip()


def _event_text(what: str) -> str:
    if what in tuple(ActKind):
        return act_text(ActKind(what))
    return _(_EVENTS[what]) if what in _EVENTS else what


def _point_row(look: "RecoveryLook", point: "ReplicaPoint") -> Iterator[str]:
    from holdfast.cli.vm_report import consistency_text

    yield point.generation
    yield shown.moment(point.taken_at)
    yield consistency_text(point.consistency.value)
    yield ", ".join(_remarks(look, point)) or "-"


def _remarks(look: "RecoveryLook", point: "ReplicaPoint") -> Iterator[str]:
    if _runs(look, point):
        yield _("runs")
    if point.generation in look.tested:
        yield _("tested")
    if point.is_spoiled:
        yield _("was written to")
    if point.taken_at - point.applied_at > _OFF:
        yield _("by a wrong clock: it came at {moment}").format(
            moment=shown.moment(point.applied_at)
        )


def _runs(look: "RecoveryLook", point: "ReplicaPoint") -> bool:
    promoted = look.record.promoted
    return promoted is not None and promoted.generation == point.generation


def _point_event(look: "RecoveryLook", point: "ReplicaPoint") -> RecoveryPoint:
    tested = look.tested.get(point.generation)
    return RecoveryPoint(
        vm=encodable(look.record.name),
        generation=point.generation,
        taken_at=point.taken_at.isoformat(),
        applied_at=point.applied_at.isoformat(),
        consistency=point.consistency.value,
        tested_at=tested.at.isoformat() if tested else None,
        spoiled=point.is_spoiled,
        running=_runs(look, point),
    )
