"""This host and one machine, as every act of recovery needs them: record, site, who asks."""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from holdfast.app.registration_state import find_registration
from holdfast.app.replication_own_site import is_site, site_plan
from holdfast.app.replication_serve import machines_here
from holdfast.app.wiring import Session
from holdfast.base.clock import Clock
from holdfast.base.texts import _
from holdfast.hypervisor.connection import Host
from holdfast.recovery.act_errors import NameOfSeveral, NoReplicaHere
from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.desk import heard_here, tidings_of
from holdfast.recovery.policy import Standing, place_of
from holdfast.recovery.promotion_errors import PromotionFolderClosed
from holdfast.recovery.record import RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder, known_here
from holdfast.recovery.source_silence import FAREWELL
from holdfast.replication.replica_facts import ReplicaFacts
from holdfast.replication.settings import ReplicationSettings
from holdfast.replication.site import Site
from holdfast.replication.source_folder import SourceFolder, replicated_here

# Asks whoever is there; None: nobody is.
Agree = Callable[[str], bool] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryWish:
    """What a command was told; what an act has no use for stays as it is."""

    # latest, latest-app, latest-tested, the beginning of a generation, or a time.
    point: str = ""
    is_source_down: bool = False
    # Before an unplanned failover: a source that answers yet shuts it down, and sends its last.
    tries_shut_down: bool = False
    # The machine's networks to those of this host.
    networks: dict[str, str] = field(default_factory=dict)
    # Addresses it is to have, by one of its cards or by a network, before those of this site.
    addresses: dict[str, AddressRule] = field(default_factory=dict)
    # Under another name than its own.
    new_name: str = ""
    # A machine of this host that has its name makes room.
    replaces: str = ""
    # A guest that does not shut down is switched off.
    is_forced: bool = False
    # Only shut down at its host; the same act goes on another time.
    is_only_handing_over: bool = False
    # Seconds a guest may take to shut down.
    patience: float = 300.0
    # What was written since the failover may go.
    is_discarding: bool = False
    # The way back is closed with the commit.
    is_completing: bool = False
    # Questions that a plain yes answers are answered.
    is_agreed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an act has come to; `figures` are seconds and bytes, by name."""

    record: RecoveryRecord
    warnings: tuple[str, ...] = ()
    figures: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """`site` is None on a host that keeps no replicas; `machine_id` is then its own as a source."""

    session: Session
    vm: str
    name: str
    folder: RecordFolder
    machine_id: str
    who: str
    site: Site | None
    agree: Agree = None

    @property
    def home(self) -> str:
        return self.session.settings.home

    @property
    def clock(self) -> Clock:
        return self.session.clock

    def hypervisor(self) -> Host:
        """To be closed by who opens it."""
        return Host.open(self.session.settings.libvirt)

    def replica(self) -> ReplicaFacts | None:
        return self.site.state(self.vm) if self.site else None

    def settings(self) -> ReplicationSettings | None:
        """Of its replication from here."""
        return SourceFolder(self.home, self.vm).settings()

    def record(self) -> RecoveryRecord:
        """A new one where nothing was ever done."""
        return self.folder.load() or RecoveryRecord(vm=self.vm, name=self.name)

    def change(self, **fields: Any) -> RecoveryRecord:
        """Durable when it returns."""
        first = RecoveryRecord(vm=self.vm, name=self.name)
        return self.folder.change(
            lambda record: msgspec.structs.replace(record, **fields), first=first
        )

    def standing(self) -> Standing:
        record, replica = self.folder.load(), self.replica()
        has_replica = replica is not None and bool(replica.points)
        known = record or RecoveryRecord(vm=self.vm, name=self.name)
        is_home = self.settings() is not None
        return Standing(
            about=self.name,
            place=place_of(record, has_replica=has_replica, is_home=is_home),
            stage=known.stage,
            epoch=known.epoch,
            is_fenced=known.fence is not None,
            under_way=known.act,
            is_home_again=known.is_home_again,
            has_replica=has_replica,
            store=str(self.site.folder) if self.site else "",
            store_away=store_away(self.home, self.site) if self.site and not has_replica else "",
        )


@contextlib.contextmanager
def here(session: Session, vm: str, *, who: str, agree: Agree = None) -> Iterator[Here]:
    """The machine by name or UUID: one with a record, a replica or a replication here."""
    home = session.settings.home
    site = own_site(session)
    known = machines_known(home, site)
    uuid = _found(vm, known, home=home, site=site)
    yield Here(
        session=session,
        vm=uuid,
        name=known[uuid],
        folder=RecordFolder(home, uuid),
        machine_id=own_id(home),
        who=who,
        site=site,
        agree=agree,
    )


def own_site(session: Session) -> Site | None:
    home = session.settings.home
    if not is_site(home):
        return None
    folder = Path(site_plan(home).folder)
    return Site(folder, session.clock, machines=lambda: machines_here(session))


def own_id(home: str) -> str:
    """As the certificate of this host has it; empty on one that nobody has introduced."""
    if is_site(home):
        return site_plan(home).machine
    registration = find_registration(home)
    return registration.machine_id if registration else ""


def machines_known(home: str, site: Site | None) -> dict[str, str]:
    """Names by UUID, of all machines this host can be asked about."""
    found: dict[str, str] = {}
    for uuid in site.replicas() if site else ():
        facts = site.state(uuid) if site else None
        found[uuid] = facts.name if facts else uuid
    for uuid in replicated_here(home):
        settings = SourceFolder(home, uuid).settings()
        if settings is not None:
            found[uuid] = settings.name
    for uuid in known_here(home):
        record = RecordFolder(home, uuid).load()
        if record is not None:
            found.setdefault(uuid, record.name)
    return found


def store_away(home: str, site: Site) -> str:
    """Why what the site has cannot be seen, as when its disk is not mounted; empty: it can."""
    is_replicated_to = any(_speaks(home, vm) for vm in heard_here(home))
    try:
        os.listdir(site.folder)
    except OSError as err:
        # The folder of a new site is made with its first replica.
        is_new = isinstance(err, FileNotFoundError) and not is_replicated_to
        return "" if is_new else err.strerror or str(err)
    if site.replicas() or not is_replicated_to:
        return ""
    return _("none of the replicas is in it whose sources were heard here; is it mounted?")


def _speaks(home: str, vm: str) -> bool:
    """It is replicated to here, as far as this host was told."""
    heard = tidings_of(home, vm)
    return heard is not None and FAREWELL not in heard.tidings.facts


def _found(vm: str, known: dict[str, str], *, home: str, site: Site | None) -> str:
    if vm in known:
        return vm
    named = [uuid for uuid, name in known.items() if name == vm]
    if not named:
        away = store_away(home, site) if site else ""
        if site and away:
            raise PromotionFolderClosed(about=vm, path=site.folder, reason=away)
        raise NoReplicaHere(about=vm)
    if len(named) > 1:
        raise NameOfSeveral(about=vm, uuids=", ".join(sorted(named)))
    return named[0]
