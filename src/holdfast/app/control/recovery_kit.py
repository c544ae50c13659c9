"""The recovery kit as the server knows it: all sites, replicas, plans and networks of all hosts."""

from collections.abc import Sequence
from datetime import datetime

from holdfast.app.control.recovery_picture import Picture, pictures
from holdfast.app.control.replication_judging import read_settings
from holdfast.app.control.sites import address_of
from holdfast.app.recovery_kit import (
    Kit,
    KitMachine,
    KitPlan,
    KitSite,
    networks_named,
    steps_for,
)
from holdfast.catalog import recoveries as recovery_rows
from holdfast.catalog import replications as replication_rows
from holdfast.catalog import sites as site_rows
from holdfast.catalog.database import Database, Session
from holdfast.catalog.replications import Filter, Replicated
from holdfast.catalog.sites import Placed

_ALL = 100_000


def kit_of_server(
    database: Database, *, now: datetime, made_on: str, address: str, contacts: Sequence[str]
) -> Kit:
    with database.read() as db:
        sites = site_rows.by_name(db, site_rows.Filter(), limit=_ALL, vaults=None)
        ways = replication_rows.listed(db, Filter())
        known = recovery_rows.listed(db, vaults=None)
        return Kit(
            made_at=now,
            made_on=made_on,
            server=address,
            contacts=tuple(contacts),
            sites=tuple(_site(one) for one in sites),
            machines=tuple(
                _machine(db, picture, way)
                for picture in pictures(known, ways)
                for way in _ways_out(picture)
            ),
            plans=tuple(_plans(db)),
            networks={
                machine.name: networks_named(row.facts.get("networks", {}))
                for row, machine in recovery_rows.hosts(db)
            },
            has_state=True,
        )


def _site(found: Placed) -> KitSite:
    host, port = address_of(found)
    return KitSite(
        name=found.site.name,
        host=found.machine.name,
        machine=found.machine.id,
        address=host,
        port=port,
        folder=found.site.folder,
    )


def _ways_out(picture: Picture) -> list[Replicated]:
    """Where it could be started if the host it runs on is lost."""
    return [way for way in picture.ways if way.machine.id == picture.runs_at]


def _machine(db: Session, picture: Picture, way: Replicated) -> KitMachine:
    settings = read_settings(way.row.settings)
    site_host, runs_on = way.keeper.name, way.machine.name
    replica = site_rows.replica(db, way.site.id, picture.vm)
    return KitMachine(
        vm=picture.vm,
        name=picture.name,
        runs_on=runs_on,
        stage=picture.stage,
        site=way.site.name,
        site_host=site_host,
        points=int(replica.facts.get("points", 0)) if replica else 0,
        newest_at=way.row.latest_at,
        every=settings.every if settings else None,
        steps=steps_for(picture.name, site_host=site_host, runs_on=runs_on),
    )


def _plans(db: Session) -> list[KitPlan]:
    kept = [KitPlan(name=one.name, text=one.text) for one in recovery_rows.plans(db, vaults=None)]
    told = [
        KitPlan(name=one["name"], text=one["text"], host=machine.name)
        for row, machine in recovery_rows.hosts(db)
        for one in row.facts.get("plans", ())
    ]
    return [*kept, *told]
