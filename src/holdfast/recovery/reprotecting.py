"""Reprotect, at the host where the machine runs: its old home follows it from now on.

What may differ is three things: what the old home has written since it shipped last, what lies
between that generation and the point the machine was started from, and what it has written here
since. Their union is shipped, and nothing else. Where one of them is not known of a disk, that
disk is compared; it is never left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from holdfast.base.clock import Clock
from holdfast.hypervisor.checkpoints import changed_bytes, stored_form
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domain_disks import disk_size
from holdfast.hypervisor.domains import Domain, list_domains
from holdfast.hypervisor.errors import CheckpointMissing, TrackingLost
from holdfast.machines.vm_disks import required_disks
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.way_back_errors import MachineDeleted, MachineMovedAway, MachineNotRunning
from holdfast.recovery.way_back_notes import HomeNote, adopted_name, home_note, was_split
from holdfast.replication.adoption import GRAIN, Adopted, AdoptWish, Suspects
from holdfast.replication.receiver import Receiver
from holdfast.replication.resync import Because
from holdfast.replication.settings import ReplicationSettings, Seed, SiteAddress
from holdfast.replication.site import Site
from holdfast.replication.source_facts import Generation, KeptDisk, Sent
from holdfast.replication.source_folder import SourceFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """What the machine's present disks came from, and the record since."""

    generation: str
    taken_at: datetime
    checkpoint: str
    # By disk, the image in which the record began.
    images: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class United:
    """By disk, what may differ beside what is recorded here; `compared` has those nobody knows."""

    suspects: Mapping[str, Suspects]
    compared: Mapping[str, str]

    @property
    def suspect_bytes(self) -> int:
        return sum(each.total for each in self.suspects.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprotecting:
    """`site` is this host's own, with the replica the machine was started from, if it has one."""

    home: str
    act: str
    record: RecoveryRecord
    host: Host
    site: Site | None
    # None: nothing is asked of the other host.
    receiver: Receiver | None
    to: SiteAddress
    clock: Clock

    @property
    def vm(self) -> str:
        return self.record.vm

    @property
    def folder(self) -> SourceFolder:
        return SourceFolder(self.home, self.vm)

    @property
    def adopted_name(self) -> str:
        return adopted_name(self.vm, self.act)

    def is_begun(self) -> bool:
        """This host goes on from there, whatever has come since."""
        sent = self.folder.sent()
        is_ours = sent is not None and sent.adopted == self.adopted_name
        return is_ours and self.folder.is_there()

    def is_through(self) -> bool:
        """The old home has a point made here."""
        sent = self.folder.sent()
        return (
            sent is not None
            and sent.adopted == self.adopted_name
            and sent.acked is not None
            and sent.acked.name != self.adopted_name
        )

    def adopt(self) -> Adopted:
        wish = AdoptWish(
            epoch=self.record.epoch,
            act=self.act,
            is_split=was_split(self.record),
            is_forward=self.record.promoted is None,
        )
        assert self.receiver is not None
        return self.receiver.adopt(self.vm, wish)

    def unite(self, adopted: Adopted) -> United:
        assert self.receiver is not None
        between = self._between(adopted.since)
        suspects, compared = dict[str, Suspects](), dict[str, str]()
        for disk in adopted.disks:
            if disk.why or between is None or disk.target not in between:
                compared[disk.target] = disk.why or "generation-unknown"
                continue
            length = max(disk.size, GRAIN)
            bits = self.receiver.suspects(self.vm, disk.target, start=0, length=length)
            theirs = Suspects(size=disk.size, bits=bits)
            suspects[disk.target] = theirs.joined(between[disk.target])
        return United(suspects=suspects, compared=compared)

    def begin(self, adopted: Adopted, united: United) -> ReplicationSettings:
        """From here on the machine is replicated to its old home."""
        since, domain = self.since() or self._nobody_knows(), self.machine()
        folder = self.folder
        folder.make()
        generation = self._generation(domain, since, adopted)
        with folder.lock:
            folder.keep_walk(None)
            folder.keep_suspects(generation.name, dict(united.suspects))
            fresh = Sent(site=self.to.site, acked=generation, adopted=generation.name)
            folder.keep_sent(fresh.must(Because.REPROTECT, self.clock.now()))
            with folder.changing():
                settings = self._settings(adopted, domain)
                folder.keep_settings(settings)
        return settings

    def recorded_bytes(self) -> int:
        """What the machine has written since it was started here, as far as that is recorded."""
        since = self.since()
        try:
            found = changed_bytes(self.machine(), since.checkpoint) if since else {}
        except (CheckpointMissing, TrackingLost):
            return 0
        return sum(found.values())

    def since(self) -> Since | None:
        promoted = self.record.promoted
        if promoted is not None:
            return Since(
                generation=promoted.generation,
                taken_at=promoted.taken_at,
                checkpoint=promoted.checkpoint,
                images={disk.target: disk.path for disk in promoted.disks},
            )
        note = self._note()
        if note is None:
            return None
        return Since(
            generation=note.generation,
            taken_at=note.taken_at,
            checkpoint=note.checkpoint,
            images=note.originals,
        )

    def _nobody_knows(self) -> Since:
        """The note of it is lost: all is compared."""
        return Since(generation="", taken_at=self.clock.now(), checkpoint="", images={})

    def machine(self) -> Domain:
        """It is found by its UUID: a new name is no obstacle."""
        uuid = self.record.promoted.uuid if self.record.promoted else self.vm
        found = next((each for each in list_domains(self.host) if each.uuid == uuid), None)
        if found is None:
            raise self._lost()
        if not found.is_active():
            raise MachineNotRunning(about=found.name, state=found.standing().state.name.lower())
        return found

    def _lost(self) -> MachineMovedAway | MachineDeleted:
        promoted = self.record.promoted
        name = self.record.name
        if promoted is not None and all(Path(disk.path).exists() for disk in promoted.disks):
            return MachineMovedAway(about=name, folder=promoted.folder, uuid=promoted.uuid)
        return MachineDeleted(about=name)

    def _note(self) -> HomeNote | None:
        return home_note(RecordFolder(self.home, self.vm))

    def _between(self, theirs: str) -> Mapping[str, Suspects] | None:
        """Of the generation the old home had shipped last, and what the machine was started from."""
        since = self.since()
        if since is None or not theirs:
            return None
        if since.generation == theirs:
            return {target: Suspects.none(0) for target in since.images}
        return self.site.between(self.vm, since.generation, theirs) if self.site else None

    def _generation(self, domain: Domain, since: Since, adopted: Adopted) -> Generation:
        form = ""
        if since.checkpoint:
            try:
                form = stored_form(domain, since.checkpoint)
            except CheckpointMissing:
                form = ""
        disks, _left_out = required_disks(domain.spec())
        return Generation(
            name=self.adopted_name,
            taken_at=since.taken_at,
            disks=tuple(
                KeptDisk(
                    target=disk.target,
                    size=_size(adopted, disk.target, disk_size(domain, disk.target).capacity),
                    format=disk.format or "raw",
                    checkpoint=since.checkpoint,
                    chain=tuple(filter(None, [since.images.get(disk.target, "")])),
                )
                for disk in disks
            ),
            form=form,
        )

    def _settings(self, adopted: Adopted, domain: Domain) -> ReplicationSettings:
        known = self.folder.settings()
        if known is not None:
            # It was replicated from here before, as somebody wished.
            return msgspec.structs.replace(known, name=domain.name, to=self.to, paused=None)
        theirs = adopted.settings or ReplicationSettings(vm=self.vm, name=domain.name, to=self.to)
        return msgspec.structs.replace(
            theirs,
            name=domain.name,
            hypervisor=self.host.uri,
            to=self.to,
            # What a line carries is said of the other direction there.
            limits=(),
            seed=Seed.NOTHING,
            seed_from="",
            paused=None,
        )


def _size(adopted: Adopted, target: str, now: int) -> int:
    """As it is there: what this host's disk has beyond is new to it."""
    disk = adopted.disk(target)
    return min(disk.size, now) if disk else now
