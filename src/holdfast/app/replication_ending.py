"""End the replication of a machine: at the source, and at the site unless the replica is to stay.

Killed anywhere, the same command goes on: what is to be ended is noted before the settings go,
and with them whoever is at work lets go of the machine.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from holdfast.app.replication_ended import note_end
from holdfast.app.replication_errors import ReplicationNotEnabled
from holdfast.app.replication_notes import read_note, write_note
from holdfast.app.replication_peers import asked
from holdfast.app.replication_wanted import find_settings
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.fleet.replication_messages import ReplicationEnded
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import find_by_uuid
from holdfast.hypervisor.errors import VmMissing
from holdfast.machines.adopting import tidy_up
from holdfast.machines.checkpoint_notes import CheckpointNotes
from holdfast.machines.records_off import drop_records_off
from holdfast.machines.scratch_place import ScratchPlace
from holdfast.machines.vm_lock import vm_lock
from holdfast.recovery.autostart import give_autostart_back
from holdfast.recovery.record_folder import RecordFolder
from holdfast.recovery.source_silence import FAREWELL
from holdfast.replication.replica_errors import ReplicaMissing
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.site_orders import SourceTidings
from holdfast.replication.source_folder import FOLDER, SETTINGS, SourceFolder
from holdfast.replication.source_job import forget_checkpoints
from holdfast.storage.durable import sync_folder

_NOTE = "ending.json"


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    settings: ReplicationSettings
    keep_replica: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Disabled:
    settings: ReplicationSettings
    # Why the site has not removed the replica; None: it has, or was not to.
    left_at_site: HoldfastError | None = None
    # What could not be taken out of the machine; it does no harm there.
    left: tuple[HoldfastError, ...] = ()


def disable(session: Session, vm: str, *, keep_replica: bool) -> Disabled:
    """A machine that is gone, or a site that is away, is no hindrance."""
    home = session.settings.home
    ending = _noted(home, vm, keep_replica=keep_replica)
    folder = SourceFolder(home, ending.settings.vm)
    (folder.path / SETTINGS).unlink(missing_ok=True)
    sync_folder(folder.path)
    # A step that is under way ends before, or is undone.
    held = folder.once_let_go(session.clock)
    try:
        left = _without_records(session, ending.settings)
        if ending.keep_replica:
            _say_farewell(session, ending.settings)
        left_at_site = None if ending.keep_replica else _removed_there(session, ending.settings)
        _note_for_server(home, ending, is_gone=not ending.keep_replica and left_at_site is None)
        # The note goes last with all the rest: before that the same command goes on.
        _remove(folder)
    finally:
        os.close(held)
    return Disabled(settings=ending.settings, left_at_site=left_at_site, left=tuple(left))


def _noted(home: str, vm: str, *, keep_replica: bool) -> Ending:
    try:
        settings = find_settings(home, vm)
    except ReplicationNotEnabled:
        for ending in _begun(home):
            if vm in (ending.settings.vm, ending.settings.name):
                return ending
        raise
    ending = Ending(settings=settings, keep_replica=keep_replica)
    write_note(SourceFolder(home, settings.vm).path / _NOTE, ending)
    return ending


def _begun(home: str) -> Iterator[Ending]:
    """Those that a killed command has not come to the end of."""
    try:
        names = sorted(os.listdir(os.path.join(home, FOLDER)))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        ending = read_note(SourceFolder(home, name).path / _NOTE, Ending)
        if ending is not None:
            yield ending


def _without_records(session: Session, settings: ReplicationSettings) -> list[HoldfastError]:
    """Their bitmaps cost the guest a little with each write."""
    home, clock = session.settings.home, session.clock
    try:
        with (
            vm_lock(home, settings.vm, clock, name=settings.name, work="replication disable"),
            Host.open(settings.hypervisor or session.settings.libvirt) as host,
        ):
            forget_checkpoints(home, settings.vm, clock, settings.to.site)
            domain = find_by_uuid(host, settings.vm)
            keep = CheckpointNotes(home, settings.vm, clock).of_others("")
            place = ScratchPlace.of(session.settings.vm_scratch, settings.vm)
            tidy_up(domain, place, clock, home=home, keep=keep)
            if not domain.is_active():
                drop_records_off(domain, keep=keep)
            give_autostart_back(RecordFolder(home, settings.vm), domain)
    except VmMissing:
        return []
    except HoldfastError as err:
        return [err]
    return []


def _removed_there(session: Session, settings: ReplicationSettings) -> HoldfastError | None:
    try:
        with asked(session, settings.to) as site:
            site.remove(settings.vm)
    except ReplicaMissing:
        return None
    except HoldfastError as err:
        return err
    return None


def _say_farewell(session: Session, settings: ReplicationSettings) -> None:
    """That nothing is heard any more is no sign that this host is gone."""
    with contextlib.suppress(HoldfastError):
        record = RecordFolder(session.settings.home, settings.vm).load()
        told = SourceTidings(
            epoch=record.epoch if record else 0,
            is_fenced=record is not None and record.fence is not None,
            facts={FAREWELL: "replication-ended"},
        )
        with asked(session, settings.to) as site:
            site.tidings(settings.vm, told)


def _note_for_server(home: str, ending: Ending, *, is_gone: bool) -> None:
    """Who may write there no longer does; and a site that is away is told by the server later."""
    told = ReplicationEnded(
        vm=ending.settings.vm,
        site=ending.settings.to.site,
        keep_replica=ending.keep_replica,
        is_gone_at_site=is_gone,
    )
    note_end(home, told)


def _remove(folder: SourceFolder) -> None:
    """Everything but the lock that we hold, then the note, then the folder."""
    note = folder.path / _NOTE
    for entry in os.scandir(folder.path):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        elif entry.name not in (_NOTE, "loop.lock"):
            os.unlink(entry.path)
    note.unlink(missing_ok=True)
    shutil.rmtree(folder.path, ignore_errors=True)
