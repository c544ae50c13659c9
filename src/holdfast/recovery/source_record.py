"""The record of a machine at its source, and what becomes of it as the site gives and takes it."""

from collections.abc import Callable

import msgspec

from holdfast.base.clock import Clock
from holdfast.recovery.desk import SPLIT_BRAIN
from holdfast.recovery.record import Fence, RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder, with_event
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.site_orders import SiteOrder


class SourceRecord:
    """All changes are durable when they return, and none is made twice."""

    def __init__(self, folder: RecordFolder, clock: Clock, *, machine: str = "") -> None:
        self._folder = folder
        self._clock = clock
        self._machine = machine

    def load(self, settings: ReplicationSettings) -> RecoveryRecord:
        return self._folder.load() or self._first(settings)

    def give(self, settings: ReplicationSettings, order: SiteOrder) -> RecoveryRecord:
        """By a greater epoch it runs at the site."""

        def given(record: RecoveryRecord) -> RecoveryRecord:
            if record.epoch >= order.epoch and record.runs_at == settings.to.machine:
                return record
            now = msgspec.structs.replace(
                record,
                epoch=order.epoch,
                runs_at=settings.to.machine,
                peer=settings.to,
            )
            return with_event(now, self._clock, "given-away", why=order.act)

        return self._change(settings, given)

    def fence(self, settings: ReplicationSettings, fence: Fence) -> RecoveryRecord:
        def fenced(record: RecoveryRecord) -> RecoveryRecord:
            known = record.fence
            definition = fence.definition or (known.definition if known else "")
            now = msgspec.structs.replace(
                record,
                fence=msgspec.structs.replace(fence, definition=definition),
                peer=settings.to,
            )
            if known is not None:
                # Again, by another epoch.
                return now
            return with_event(now, self._clock, "fenced", why=fence.act)

        return self._change(settings, fenced)

    def take_back(self, settings: ReplicationSettings, order: SiteOrder) -> RecoveryRecord:
        """It is this host's own, as ever; one that was failed over to here runs here by its name."""

        def taken(record: RecoveryRecord) -> RecoveryRecord:
            now = msgspec.structs.replace(
                record,
                epoch=max(record.epoch, order.epoch),
                runs_at=self._machine if record.promoted is not None else "",
                fence=None,
            )
            return record if now == record else with_event(now, self._clock, "released")

        return self._change(settings, taken)

    def split(self, settings: ReplicationSettings) -> RecoveryRecord:
        """Once for each epoch."""

        def noted(record: RecoveryRecord) -> RecoveryRecord:
            figures = {"epoch": float(record.epoch)}
            known = (event.figures for event in record.events if event.what == SPLIT_BRAIN)
            if figures in known:
                return record
            return with_event(record, self._clock, SPLIT_BRAIN, figures=figures)

        return self._change(settings, noted)

    def started(self, settings: ReplicationSettings, *, why: str, who: str = "") -> RecoveryRecord:
        return self._change(
            settings,
            lambda record: with_event(record, self._clock, "started", who=who, why=why),
        )

    def _change(
        self, settings: ReplicationSettings, make: Callable[[RecoveryRecord], RecoveryRecord]
    ) -> RecoveryRecord:
        return self._folder.change(make, first=self._first(settings))

    def _first(self, settings: ReplicationSettings) -> RecoveryRecord:
        return RecoveryRecord(vm=settings.vm, name=settings.name, peer=settings.to)
