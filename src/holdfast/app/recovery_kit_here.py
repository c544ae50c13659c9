"""The recovery kit as a site itself knows it: what it has, without any server."""

import os
from collections.abc import Iterator, Sequence

import msgspec

from holdfast.app.recovery_here import machines_known, own_site
from holdfast.app.recovery_kit import (
    Kit,
    KitMachine,
    KitPlan,
    KitSite,
    networks_named,
    steps_for,
)
from holdfast.app.recovery_kit_errors import KitOfNothing
from holdfast.app.recovery_told import plans_told
from holdfast.app.replication_admission import SiteFolder
from holdfast.app.replication_own_site import is_site, site_plan
from holdfast.app.wiring import Session
from holdfast.recovery.networks import load_networks
from holdfast.recovery.record import Stage
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.site import Site


def kit_of_site(session: Session, contacts: Sequence[str]) -> Kit:
    home = session.settings.home
    site = own_site(session)
    if site is None or not is_site(home):
        raise KitOfNothing
    plan, host = site_plan(home), os.uname().nodename
    networks = networks_named(msgspec.to_builtins(load_networks(home)))
    own = KitSite(
        name=plan.name,
        host=host,
        machine=plan.machine,
        address=plan.host or host,
        port=plan.port,
        folder=plan.folder,
    )
    return Kit(
        made_at=session.clock.now(),
        made_on=host,
        contacts=tuple(contacts),
        sites=(own,),
        machines=tuple(_machines(home, site, own)),
        plans=tuple(KitPlan(name=p.name, text=p.text, host=host) for p in plans_told(home)),
        networks={host: networks},
    )


def _names_of_hosts(home: str) -> dict[str, str]:
    """Of those that were admitted here; of others only the id is known."""
    known = SiteFolder(home).load()
    return {one.machine: name for name, one in known.admitted.items()} if known else {}


def _machines(home: str, site: Site, own: KitSite) -> Iterator[KitMachine]:
    names, hosts = machines_known(home, site), _names_of_hosts(home)
    for vm in site.replicas():
        facts, record = site.state(vm), RecordFolder(home, vm).load()
        runs_here = record is not None and record.promoted is not None
        if facts is None or not facts.points or runs_here:
            continue
        source = hosts.get(facts.source, facts.source)
        yield KitMachine(
            vm=vm,
            name=names[vm],
            runs_on=source,
            stage=(record.stage if record else Stage.PROTECTED).value,
            site=own.name,
            site_host=own.host,
            points=len(facts.points),
            newest_at=facts.points[-1].taken_at,
            steps=steps_for(names[vm], site_host=own.host, runs_on=source),
        )
