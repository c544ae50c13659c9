"""Failback, at the home of a machine: a planned failover in the other direction, and then home.

It starts with the definition and the networks it had here, upon the layers that came back. Those
are folded into its original images while it runs. From the first write to them on nothing of it
can be taken back, and the same command is what goes on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from holdfast.base.units import format_size
from holdfast.recovery.acts import Step
from holdfast.recovery.planned import handing_steps, planned_steps
from holdfast.recovery.record import Promoted, RecoveryRecord, Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.settling import settle_home
from holdfast.recovery.source_asking import SourceAsking
from holdfast.recovery.starting import Starting
from holdfast.recovery.way_back_errors import ReverseReplicaDeleted
from holdfast.recovery.way_back_notes import HomeNote, home_note, keep_home


def failback_steps(starting: Starting, asking: SourceAsking) -> Sequence[Step]:
    """What is left to do of it."""
    coming = Homecoming(starting=starting)
    if coming.has_begun():
        return coming.steps()
    return (coming.look(), *planned_steps(coming.at_home(), asking), *coming.steps())


def handing_home_steps(starting: Starting, asking: SourceAsking) -> Sequence[Step]:
    """Up to where it is off at the other host; nothing where it has come farther before."""
    coming = Homecoming(starting=starting)
    if coming.has_begun():
        return ()
    return (coming.look(), *handing_steps(coming.at_home(), asking))


@dataclass(frozen=True, slots=True, kw_only=True)
class Homecoming:
    """What a failback has beyond a planned failover; of one that runs on it is the same."""

    starting: Starting

    @property
    def is_home(self) -> bool:
        """Else it was failed over to here before, and comes back from a host beyond."""
        return not self._record().home

    @property
    def stage(self) -> Stage:
        """When it is here: where it is not at home it stands on its replica, as after a failover."""
        return Stage.COMMITTED if self.is_home else Stage.FAILED_OVER

    def at_home(self) -> Starting:
        """It is started as it was defined here."""
        if not self.is_home:
            return self.starting
        fence = self._record().fence
        self.starting.original = fence.definition if fence else ""
        return self.starting

    def steps(self) -> Sequence[Step]:
        if not self.is_home:
            return ()
        return (
            Step(name="settle", do=self._settle, is_done=self._is_settled),
            Step(name="forget", do=self._forget, is_done=self._is_home),
        )

    def look(self) -> Step:
        """While nothing is changed yet: what came back stands upon the disks that are here."""

        def do() -> str:
            if self.starting.now().epoch:
                return ""
            vm, site = self.starting.vm, self.starting.place.site
            require_reverse_replica(self.starting)
            if not self.is_home:
                return ""
            newest = self.starting.facts().points[-1]
            found = site.originals(vm, newest.generation)
            if not found:
                # A copy that was made beside them, after the replica was deleted.
                raise ReverseReplicaDeleted(about=self.starting.name)
            return ", ".join(f"{target}: {path}" for target, path in sorted(found.items()))

        return Step(name="home", do=do)

    def has_begun(self) -> bool:
        """Its own images are being written, or have been."""
        note = self._note()
        return note is not None and note.act == self.starting.act.id

    def _settle(self) -> str:
        note, promoted = self._noted(), self._promoted()
        # No undo from here on: it would give the source what it had handed over.
        self._change(stage=Stage.COMMITTED)
        place, vm = self.starting.place, self.starting.vm
        settled = settle_home(place, vm, promoted, originals=note.originals)
        # A record that is lost of one disk is worth nothing for the others' checkpoint.
        is_tracked = settled.tracked >= note.originals.keys()
        checkpoint = promoted.checkpoint if is_tracked else ""
        keep_home(
            self._folder, msgspec.structs.replace(note, checkpoint=checkpoint, is_settled=True)
        )
        return format_size(settled.folded_bytes)

    def _noted(self) -> HomeNote:
        """Before anything is folded: afterwards nobody could tell where it belongs."""
        note = self._note()
        if note is not None and note.act == self.starting.act.id:
            return note
        promoted = self._promoted()
        fresh = HomeNote(
            act=self.starting.act.id,
            generation=promoted.generation,
            taken_at=promoted.taken_at,
            originals=self.starting.place.site.originals(self.starting.vm, promoted.generation),
        )
        keep_home(self._folder, fresh)
        return fresh

    def _is_settled(self) -> bool:
        note = self._note()
        return note is not None and note.act == self.starting.act.id and note.is_settled

    def _forget(self) -> str:
        self._change(promoted=None, fence=None)
        return ""

    def _is_home(self) -> bool:
        record = self._record()
        return record.promoted is None and record.fence is None

    def _promoted(self) -> Promoted:
        promoted = self._record().promoted
        assert promoted is not None, "it runs here, or nothing would be folded"
        return promoted

    def _change(self, **fields: object) -> None:
        self._folder.change(lambda record: msgspec.structs.replace(record, **fields))

    def _record(self) -> RecoveryRecord:
        return self.starting.record()

    def _note(self) -> HomeNote | None:
        return home_note(self._folder)

    @property
    def _folder(self) -> RecordFolder:
        return self.starting.folder


def require_reverse_replica(starting: Starting) -> None:
    """What it did elsewhere is here, or was and is gone."""
    facts = starting.place.site.state(starting.vm)
    if facts is None or not facts.points:
        raise ReverseReplicaDeleted(about=starting.name)
