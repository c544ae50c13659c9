"""A vault with two hosts and a site, that tell of machines and of their replications."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec

from holdfast.app.control.passwords import hash_password
from holdfast.app.control.plane import Actor
from holdfast.app.control.replication_grants import want
from holdfast.app.control.replication_roles import roles_of
from holdfast.app.control.replication_views import ReplicationView, list_replications
from holdfast.app.control.replications import take_replications, take_site
from holdfast.app.control.sites import NewSite, SiteView, add_site
from holdfast.app.control.stepping_up import make_pin
from holdfast.app.control.vms import take_vms
from holdfast.catalog.replications import Filter
from holdfast.catalog.tables import Account, Alert, Machine
from holdfast.fleet.messages import VmsTold, VmTold
from holdfast.fleet.paging import Window
from holdfast.fleet.replication_messages import (
    ReplicationReport,
    ReplicationRoles,
    ReplicationsTold,
    ReplicationWanted,
    ReplicaTold,
    SiteTold,
    SourceSite,
)
from holdfast.replication.settings import ReplicationSettings, SiteAddress
from holdfast.replication.status import Health, Reason, ReplicationStatus, State
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import Registered, add_admin, add_machine, add_vault, make_plane

EVERY = 300
PASSWORD = "four random words here"


def uuid_of(name: str) -> str:
    return f"uuid-of-{name}"


class Ground:
    def __init__(self, folder: Path, database_url: str | None = None) -> None:
        self.clock = FakeClock()
        self.plane = make_plane(folder, clock=self.clock, database_url=database_url)
        self.vault = add_vault(self.plane)
        self.admin = add_admin(self.plane).actor
        self.one = add_machine(self.plane, self.vault, "kvm1")
        self.two = add_machine(self.plane, self.vault, "kvm2")
        self.far = add_machine(self.plane, self.vault, "far")
        self.everybody_lives()

    @property
    def sure(self) -> Actor:
        """The administrator with a PIN."""
        with self.plane.database.write() as db:
            db.get_one(Account, self.admin.id).password_hash = hash_password(PASSWORD)
        pin = make_pin(self.plane, self.admin, password=PASSWORD).pin
        return replace(self.admin, pin=pin)

    def everybody_lives(self, *, but: tuple[Registered, ...] = ()) -> None:
        """As after a heartbeat of each."""
        with self.plane.database.write() as db:
            for machine in db.query(Machine):
                if machine.id not in [one.id for one in but]:
                    machine.last_seen_at = self.clock.now()

    def minutes(self, minutes: float, *, but: tuple[Registered, ...] = ()) -> None:
        """Later, with all having been heard meanwhile."""
        self.clock.jump(timedelta(minutes=minutes))
        self.everybody_lives(but=but)

    def site(self, name: str = "berlin", **more: Any) -> SiteView:
        new = NewSite(name=name, machine_id=self.far.id, folder="/srv/replicas", **more)
        return add_site(self.plane, self.admin, new)

    def want(self, vm: str, host: Registered | None = None, site: str = "berlin") -> SourceSite:
        wanted = ReplicationWanted(vm=uuid_of(vm), name=vm, site=site)
        return want(self.plane, (host or self.one).actor, wanted)

    def roles(self, machine: Registered) -> ReplicationRoles:
        with self.plane.database.read() as db:
            return roles_of(self.plane, db, machine.id)

    def vms(self, host: Registered, *names: str) -> None:
        told = [
            VmTold(
                uuid=uuid_of(name),
                name=name,
                state="running",
                protectable="whole",
                consistency="crash",
            )
            for name in names
        ]
        take_vms(self.plane, host.actor, VmsTold(vms=told))

    def report(self, vm: str, **status: Any) -> ReplicationReport:
        now = self.clock.now()
        given: dict[str, Any] = {"state": State.REPLICATING, "latest_at": now, **status}
        told = ReplicationStatus(vm=uuid_of(vm), name=vm, site="berlin", updated_at=now, **given)
        settings = ReplicationSettings(
            vm=uuid_of(vm),
            name=vm,
            to=SiteAddress(site="berlin", machine=self.far.id, host="far"),
            every=EVERY,
        )
        return ReplicationReport(
            vm=uuid_of(vm),
            site="berlin",
            settings=msgspec.to_builtins(settings),
            status=msgspec.to_builtins(told),
        )

    def tell(
        self, *changed: ReplicationReport, host: Registered | None = None, **more: Any
    ) -> None:
        """A host tells; without `here` the ones that changed are all it has."""
        here = [(one.vm, one.site) for one in changed]
        told = ReplicationsTold(at=self.clock.now(), here=here, changed=list(changed))
        take_replications(self.plane, (host or self.one).actor, replace(told, **more))

    def tell_site(self, *vms: str, **more: Any) -> None:
        replicas = [
            ReplicaTold(vm=uuid_of(vm), name=vm, source=self.one.id, points=3, bytes=1 << 20)
            for vm in vms
        ]
        take_site(self.plane, self.far.actor, SiteTold(site="berlin", replicas=replicas, **more))

    def replicated(self, *vms: str) -> None:
        """Each is replicated to the site, and all is well."""
        for vm in vms:
            self.want(vm)
        self.tell(*(self.report(vm) for vm in vms))

    def listed(self, **wanted: Any) -> list[ReplicationView]:
        return list_replications(self.plane, self.admin, Filter(**wanted), Window()).items

    def only(self) -> ReplicationView:
        (found,) = self.listed()
        return found

    def alerts(self, *, are_open: bool = True) -> list[tuple[str, str]]:
        """Kind and machines of each."""
        with self.plane.database.read() as db:
            rows = db.query(Alert).order_by(Alert.first_at, Alert.kind).all()
        return [
            (row.kind, row.fields["vms"]) for row in rows if (row.closed_at is None) is are_open
        ]


def reason(ground: Ground, code: str, health: Health = Health.WARNING, **figures: str) -> Reason:
    return Reason(code=code, health=health, since=ground.clock.now(), figures=figures)
