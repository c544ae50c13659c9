"""Drills: told by the hosts they are run on, kept by the server, shown to people in their language."""

import base64
import binascii
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from holdfast.app.control.access import readable_vaults, require
from holdfast.app.control.alerting import raise_alert
from holdfast.app.control.errors import NotThere
from holdfast.app.control.plane import Actor, Plane
from holdfast.app.control.recovery_errors import RecoveryNotUnderstood
from holdfast.app.control.recovery_picture import Picture, pictures
from holdfast.app.control.replication_grants import LONGEST, check_ids, check_vm, require_machine
from holdfast.app.control.vault_rows import any_vault
from holdfast.base.texts import _
from holdfast.catalog import drills as drill_rows
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog import replications as replication_rows
from holdfast.catalog.database import Session
from holdfast.catalog.drills import Drilled
from holdfast.catalog.replications import Filter
from holdfast.catalog.tables import DrillRun as Row
from holdfast.catalog.tables import Machine
from holdfast.fleet.paging import Page, Window, make_page
from holdfast.fleet.recovery_messages import (
    LONGEST_PICTURE,
    LONGEST_RUN,
    DrillRunsKnown,
    DrillRunTold,
    DrillTold,
)
from holdfast.fleet.roles import Right
from holdfast.recovery.drills.drill import Drill, DrillRun, DrillVerdict
from holdfast.recovery.drills.html_report import html_report
from holdfast.recovery.drills.wording import reason_text

# A drill each week for four years, of each machine.
_MOST_KEPT = 200
_NEWS = timedelta(days=1)
_PNG = b"\x89PNG\r\n\x1a\n"
NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillView:
    """A machine that could be drilled, with how its last drill went."""

    vm: str
    name: str
    vault_id: str
    # The host that has its replica, where a drill of it is run.
    machine_id: str
    machine: str
    # As people type it; empty: only when somebody says so.
    schedule: str
    # By which clocks; what is looked at, none: the usual; how long it may take, in seconds.
    zone: str
    point: str
    checks: list[str]
    networks: dict[str, str]
    within: float
    # Seconds; what is promised, if anything is.
    rto_objective: float | None
    rpo_objective: float | None
    due_at: datetime | None
    is_overdue: bool
    # A name of DrillVerdict, or "never".
    verdict: str
    # The last run, and the last one that passed.
    run: str
    at: datetime | None
    passed_at: datetime | None
    seconds_to_up: float | None
    rpo_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRunView:
    id: str
    vm: str
    name: str
    vault_id: str
    machine_id: str
    machine: str
    verdict: str
    # Why it did not pass.
    reason: str
    begun_at: datetime
    ended_at: datetime | None
    who: str
    is_scheduled: bool
    generation: str
    taken_at: datetime | None
    consistency: str
    seconds_to_up: float | None
    rpo_seconds: float | None
    # Seconds; what was promised, if anything was.
    rto_objective: float | None
    rpo_objective: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillRunDetail:
    """`past` are the runs up to this one, the oldest first."""

    drill_run: DrillRunView
    # As its host keeps it: checks, parts, networks.
    run: dict[str, Any]
    has_picture: bool
    past: list[DrillRunView] = field(default_factory=list)


def known_runs(plane: Plane, actor: Actor) -> DrillRunsKnown:
    require_machine(actor)
    with plane.database.read() as db:
        return DrillRunsKnown(known=drill_rows.digests(db, actor.id))


def take_run(plane: Plane, actor: Actor, told: DrillRunTold) -> None:
    """A run that is new, or other than it was; told twice it is there once."""
    require_machine(actor)
    run = _read(told)
    trial = run.trial
    with plane.database.write() as db:
        _tell_if_passed(db, plane, actor.id, run)
        db.merge(
            Row(
                machine_id=actor.id,
                id=trial.id,
                vm=trial.vm,
                name=trial.name[:LONGEST] or trial.vm,
                begun_at=trial.begun_at,
                verdict=run.verdict.value,
                run=told.run,
                digest=told.digest,
                picture=told.picture,
                told_at=plane.clock.now(),
            )
        )
        db.flush()
        drill_rows.keep_newest(db, actor.id, trial.vm, most=_MOST_KEPT)


def _tell_if_passed(db: Session, plane: Plane, machine_id: str, run: DrillRun) -> None:
    """Once, and only what is news: a host that comes anew brings all it ever ran."""
    trial, known = run.trial, db.get(Row, (machine_id, run.trial.id))
    was_passed = known is not None and known.verdict == DrillVerdict.PASSED.value
    if run.verdict is not DrillVerdict.PASSED or was_passed:
        return
    machine = db.get(Machine, machine_id)
    if machine is not None and plane.clock.now() - trial.begun_at < _NEWS:
        fields = {"vm": trial.name or trial.vm, "machine": machine.name}
        where = {"vault_id": machine.vault_id, "machine_id": machine.id}
        raise_alert(db, plane, "drill-passed", fields=fields, **where)


def list_drills(plane: Plane, actor: Actor, *, vault: str | None = None) -> list[DrillView]:
    """Every machine that is replicated or was ever drilled, sorted by name; also what never was."""
    now = plane.clock.now()
    with plane.database.read() as db:
        vaults = _vaults(db, actor, vault)
        last = drill_rows.last_of_each(db, vaults=vaults)
        passed = _passed(db, last)
        told = _told(db, vaults)
        ways = replication_rows.listed(db, Filter(), vaults=vaults)
        known = recovery_rows.listed(db, vaults=vaults)
        found = pictures(known, ways)
    return sorted(
        _drills(last, told, found, passed=passed, now=now), key=lambda one: (one.name, one.vm)
    )


def list_runs(
    plane: Plane, actor: Actor, window: Window, *, vault: str | None = None, vm: str | None = None
) -> Page[DrillRunView]:
    """The newest first; `vm` by name or UUID."""
    with plane.database.read() as db:
        rows = drill_rows.newest_first(
            db,
            vaults=_vaults(db, actor, vault),
            vm=vm,
            before=window.dated(),
            limit=window.one_more,
        )
    return make_page(
        rows, window, key=lambda one: [one.row.begun_at.isoformat(), one.row.id], view=_view
    )


def show_run(plane: Plane, actor: Actor, run_id: str) -> DrillRunDetail:
    with plane.database.read() as db:
        found = _for(db, actor, run_id)
        past = [Drilled(row, found.machine) for row in drill_rows.up_to(db, found.row)]
        return DrillRunDetail(
            drill_run=_view(found),
            run=found.row.run,
            has_picture=bool(found.row.picture),
            past=[_view(one) for one in past],
        )


def show_report(plane: Plane, actor: Actor, run_id: str) -> str:
    """The page of `holdfast drill report`, in the language in use."""
    with plane.database.read() as db:
        found = _for(db, actor, run_id)
        past = [_run(row) for row in drill_rows.up_to(db, found.row)]
        picture = base64.b64decode(found.row.picture) or None
    return html_report(_run(found.row), past, picture=picture)


def show_picture(plane: Plane, actor: Actor, run_id: str) -> bytes:
    """A PNG of what its screen showed."""
    with plane.database.read() as db:
        found = _for(db, actor, run_id)
        if not found.row.picture:
            raise NotThere(what=_("picture"), name=run_id)
        return base64.b64decode(found.row.picture)


def _read(told: DrillRunTold) -> DrillRun:
    if len(msgspec.json.encode(told.run)) > LONGEST_RUN or len(told.picture) > LONGEST_PICTURE:
        raise RecoveryNotUnderstood(reason=_("too long"))
    try:
        run = msgspec.convert(told.run, DrillRun)
        picture = base64.b64decode(told.picture, validate=True)
    except (msgspec.ValidationError, binascii.Error, ValueError) as err:
        raise RecoveryNotUnderstood(reason=err) from err
    if picture and not picture.startswith(_PNG):
        raise RecoveryNotUnderstood(reason="PNG")
    check_vm(run.trial.vm)
    check_ids(run.trial.id, told.digest)
    return run


def _vaults(db: Session, actor: Actor, vault: str | None) -> frozenset[str] | None:
    if vault is None:
        return readable_vaults(db, actor)
    vault_id = any_vault(db, vault).id
    require(db, actor, Right.READ, vault_id)
    return frozenset((vault_id,))


def _for(db: Session, actor: Actor, run_id: str) -> Drilled:
    vaults = readable_vaults(db, actor)
    for one in drill_rows.found(db, run_id):
        if vaults is None or one.machine.vault_id in vaults:
            return one
    raise NotThere(what=_("drill"), name=run_id)


def _passed(db: Session, last: Sequence[Drilled]) -> dict[tuple[str, str], datetime]:
    """When each passed last."""
    found = {
        (one.machine.id, one.row.vm): one.row.begun_at
        for one in last
        if one.row.verdict == DrillVerdict.PASSED
    }
    others = [one for one in last if (one.machine.id, one.row.vm) not in found]
    seen = drill_rows.last_passed(db, {one.machine.id for one in others}) if others else {}
    return {**seen, **found}


def _told(
    db: Session, vaults: frozenset[str] | None
) -> dict[tuple[str, str], tuple[DrillTold, Machine]]:
    """What hosts have on their schedules, by host and machine."""
    found = {}
    for row, machine in recovery_rows.hosts(db):
        if vaults is not None and machine.vault_id not in vaults:
            continue
        for told in row.facts.get("drills", ()):
            drill = msgspec.convert(told, DrillTold, strict=False)
            found[machine.id, drill.vm or drill.name] = (drill, machine)
    return found


def _drills(
    last: Sequence[Drilled],
    told: Mapping[tuple[str, str], tuple[DrillTold, Machine]],
    found: Sequence[Picture],
    *,
    passed: Mapping[tuple[str, str], datetime],
    now: datetime,
) -> Iterator[DrillView]:
    seen = set()
    for one in last:
        key = (one.machine.id, one.row.vm)
        planned = told.get(key) or told.get((one.machine.id, one.row.name))
        seen.add(key)
        yield _drill(_Place(one.row.vm, one.row.name, one.machine), one, planned, passed, now)
    for picture in found:
        for way in picture.ways:
            key = (way.keeper.id, picture.vm)
            if key not in seen and way.keeper.id != picture.runs_at:
                seen.add(key)
                planned = told.get(key) or told.get((way.keeper.id, picture.name))
                place = _Place(picture.vm, picture.name, way.keeper)
                yield _drill(place, None, planned, passed, now)


@dataclass(frozen=True, slots=True)
class _Place:
    vm: str
    name: str
    machine: Machine


def _drill(
    place: _Place,
    last: Drilled | None,
    planned: tuple[DrillTold, Machine] | None,
    passed: Mapping[tuple[str, str], datetime],
    now: datetime,
) -> DrillView:
    run = _run(last.row) if last else None
    drill = planned[0] if planned else None
    due_at = drill.due_at if drill else None
    kept = _kept(place, drill)
    return DrillView(
        vm=place.vm,
        name=place.name,
        vault_id=place.machine.vault_id,
        machine_id=place.machine.id,
        machine=place.machine.name,
        schedule=drill.schedule if drill else "",
        zone=kept.zone,
        point=kept.wish.point,
        checks=[one.text for one in kept.wish.checks],
        networks=kept.wish.networks,
        within=kept.wish.within,
        rto_objective=kept.objective.rto,
        rpo_objective=kept.objective.rpo,
        due_at=due_at,
        is_overdue=due_at is not None and due_at < now,
        verdict=last.row.verdict if last else NEVER,
        run=last.row.id if last else "",
        at=last.row.begun_at if last else None,
        passed_at=passed.get((place.machine.id, place.vm)),
        seconds_to_up=run.trial.seconds_to_up if run else None,
        rpo_seconds=run.trial.rpo_seconds if run else None,
    )


def _kept(place: _Place, told: DrillTold | None) -> Drill:
    """What its host has set; as it is without anything, where that is not told or not understood."""
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.convert(told.kept if told else {}, Drill)
    return Drill(vm=place.vm, name=place.name, set_at=place.machine.registered_at)


def _run(row: Row) -> DrillRun:
    return msgspec.convert(row.run, DrillRun)


def _view(found: Drilled) -> DrillRunView:
    row, machine = found
    run = _run(row)
    trial = run.trial
    return DrillRunView(
        id=row.id,
        vm=row.vm,
        name=row.name,
        vault_id=machine.vault_id,
        machine_id=machine.id,
        machine=machine.name,
        verdict=row.verdict,
        reason=reason_text(run),
        begun_at=row.begun_at,
        ended_at=trial.ended_at,
        who=trial.who,
        is_scheduled=run.is_scheduled,
        generation=trial.generation,
        taken_at=trial.taken_at,
        consistency=trial.consistency.value if trial.consistency else "",
        seconds_to_up=trial.seconds_to_up,
        rpo_seconds=trial.rpo_seconds,
        rto_objective=run.objective.rto,
        rpo_objective=run.objective.rpo,
    )
