"""At a site: hear how a source is, and say what is wanted of it.

HOME/recovery/UUID/tidings.json   what the source said last, and when
HOME/recovery/UUID/order.json     what an act wants of it

What the record says comes before any order: a source that lives by a smaller epoch is told by
which one the machine lives, again and again until it says so itself.
"""

import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Protocol

import msgspec

from holdfast.base.clock import Clock
from holdfast.recovery.record import ActKind, RecoveryRecord, Stage
from holdfast.recovery.record_folder import FOLDER, RecordFolder, with_event
from holdfast.replication.site_orders import Desk, OrderKind, SiteOrder, SourceTidings

SPLIT_BRAIN = "split-brain"
_MOVES = (ActKind.PLANNED_LIVE, ActKind.FAILBACK_LIVE)
_SINCE = "desk.json"
_TIDINGS = "tidings.json"
_ORDER = "order.json"


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    at: datetime
    tidings: SourceTidings

    def age(self, now: datetime) -> timedelta:
        return max(timedelta(0), now - self.at)


class Sources(Protocol):
    """Who is who among those that are heard here."""

    def source_of(self, vm: str) -> str:
        """The id by which the source of its replica comes; empty: there is none."""

    def site_at(self, machine: str) -> str:
        """As a site that host has another id, which records have; empty: it is not known."""


class _Anybody:
    """Whoever tells is the source."""

    def source_of(self, vm: str) -> str:  # noqa: ARG002  of any machine
        return ""

    def site_at(self, machine: str) -> str:
        return machine


def desk_of(home: str, machine_id: str, clock: Clock, sources: Sources | None = None) -> Desk:
    """`machine_id` is this host's own, as its certificate has it; sources are heard from now on."""
    _note_since(home, clock)
    known = sources or _Anybody()

    def hear(vm: str, tidings: SourceTidings, machine: str = "") -> SiteOrder:
        folder, source = RecordFolder(home, vm), known.source_of(vm)
        # Of a machine that went on from here its first home is heard as well, and orders nobody.
        is_source = not machine or machine == (source or machine)
        if is_source:
            _note(folder, Heard(at=clock.now(), tidings=tidings))
        record = folder.load()
        if record is None:
            return SiteOrder()
        _keep(folder, tidings, machine_id=machine_id, clock=clock, is_source=is_source)
        who = machine or source
        if _went_elsewhere(record, tidings, by=who, site=known.site_at(who)):
            # To a host that this one knows nothing of: to that it is as if it ran here.
            record = msgspec.structs.replace(record, runs_at=machine_id)
        order = order_of(folder) if is_source else None
        return answer(record, tidings, order, machine_id=machine_id)

    return hear


def _went_elsewhere(record: RecoveryRecord, tidings: SourceTidings, *, by: str, site: str) -> bool:
    """It was given to another host than the one that tells, which does not live by that."""
    if not by or record.runs_at in ("", by, site):
        return False
    is_behind = tidings.epoch < record.epoch
    return is_behind or (bool(site) and not tidings.is_fenced)


def answer(
    record: RecoveryRecord,
    tidings: SourceTidings,
    order: SiteOrder | None,
    *,
    machine_id: str,
) -> SiteOrder:
    """What the source is told. Pure."""
    known = SiteOrder(epoch=record.epoch, runs_at=record.runs_at)
    act = record.act.id if record.act else ""
    if record.runs_at == machine_id:
        has_heard = tidings.is_fenced and tidings.epoch >= record.epoch
        return known if has_heard else _as(known, OrderKind.FENCE, act=act)
    if _is_to_release(record, tidings):
        return _as(known, OrderKind.RELEASE, act=act)
    if order is not None and order.act == act:
        return msgspec.structs.replace(order, epoch=record.epoch, runs_at=record.runs_at)
    # An act that has begun will want something soon.
    return _as(known, OrderKind.NOTHING, act=act)


def _is_to_release(record: RecoveryRecord, tidings: SourceTidings) -> bool:
    """It was given back; also to a source that has forgotten, or was away all the time."""
    was_given = record.stage is Stage.UNDOING or (
        bool(record.runs_at) and tidings.epoch < record.epoch
    )
    return was_given and not has_released(record, tidings)


def has_released(record: RecoveryRecord, tidings: SourceTidings) -> bool:
    """The source says that the machine is its own again."""
    return tidings.epoch >= record.epoch and not tidings.is_fenced


def is_split(record: RecoveryRecord, tidings: SourceTidings, *, machine_id: str) -> bool:
    """The machine runs at both hosts, each of which writes to disks of its own.

    While it moves without a shut-down both know of it, and one of them runs.
    """
    moves = record.act is not None and record.act.kind in _MOVES
    runs_here = record.runs_at == machine_id and record.promoted is not None
    # By a greater epoch it was taken over there, which this host has only to hear.
    is_ours = tidings.epoch <= record.epoch
    return runs_here and is_ours and not moves and tidings.is_active is True


def listening_since(home: str) -> datetime | None:
    """Since when whoever hears the sources here does so; silence before that says nothing."""
    try:
        return msgspec.json.decode(Path(home, FOLDER, _SINCE).read_bytes(), type=datetime)
    except (OSError, msgspec.DecodeError):
        return None


def tidings_of(home: str, vm: str) -> Heard | None:
    """None where the source never said anything, or what it said does not read."""
    try:
        content = (RecordFolder(home, vm).path / _TIDINGS).read_bytes()
        return msgspec.json.decode(content, type=Heard)
    except (OSError, msgspec.DecodeError):
        return None


def heard_here(home: str) -> list[str]:
    """The machines whose sources were ever heard."""
    return sorted(each.parent.name for each in Path(home, FOLDER).glob(f"*/{_TIDINGS}"))


def put_order(folder: RecordFolder, order: SiteOrder) -> None:
    """The source hears of it with its next tidings; it belongs to the act under way."""
    _put(folder.path / _ORDER, msgspec.json.encode(order))


def order_of(folder: RecordFolder) -> SiteOrder | None:
    try:
        return msgspec.json.decode((folder.path / _ORDER).read_bytes(), type=SiteOrder)
    except (OSError, msgspec.DecodeError):
        return None


def drop_order(folder: RecordFolder) -> None:
    with contextlib.suppress(FileNotFoundError):
        (folder.path / _ORDER).unlink()


def _as(known: SiteOrder, kind: OrderKind, *, act: str) -> SiteOrder:
    return msgspec.structs.replace(known, kind=kind, act=act)


def _keep(
    folder: RecordFolder,
    tidings: SourceTidings,
    *,
    machine_id: str,
    clock: Clock,
    is_source: bool,
) -> None:
    """What the record itself has to say of what was heard; mostly nothing."""

    def told(record: RecoveryRecord) -> RecoveryRecord:
        if is_split(record, tidings, machine_id=machine_id) and not _is_known_split(record):
            return with_event(record, clock, SPLIT_BRAIN, figures={"epoch": float(record.epoch)})
        is_over = record.stage is Stage.UNDOING and record.act is None and is_source
        if is_over and has_released(record, tidings):
            released = msgspec.structs.replace(record, stage=record.rests)
            return with_event(released, clock, "released")
        return record

    folder.change(told)


def _is_known_split(record: RecoveryRecord) -> bool:
    return any(
        event.what == SPLIT_BRAIN and event.figures.get("epoch") == record.epoch
        for event in record.events
    )


def _note_since(home: str, clock: Clock) -> None:
    place = Path(home, FOLDER)
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    _put(place / _SINCE, msgspec.json.encode(clock.now()))


def _note(folder: RecordFolder, heard: Heard) -> None:
    folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _put(folder.path / _TIDINGS, msgspec.json.encode(heard))


def _put(path: Path, content: bytes) -> None:
    """Whole, and gone with a power cut at worst: it is said again."""
    # Two threads may hear the same source, when its connection broke in between.
    partial = path.with_name(f"{path.name}.{token_hex(4)}.part")
    partial.write_bytes(content)
    partial.rename(path)
