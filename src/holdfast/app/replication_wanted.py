"""What a person asks of a replication, put over what was kept of it before."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from holdfast.app.replication_errors import ReplicationNotEnabled
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.replication.settings import (
    Limit,
    ReplicationSettings,
    Seed,
    SiteAddress,
)
from holdfast.replication.source_folder import SourceFolder, replicated_here
from holdfast.replication.threshold_reading import with_thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is None stays as it was kept by a run before."""

    every: int | None = None
    app_every: int | None = None
    # How long points are kept at the site.
    hours: int | None = None
    # Images at the site the first copy begins with.
    seed: str | None = None
    limits: tuple[Limit, ...] | None = None
    priority: int | None = None
    group: str | None = None
    resync_window: str | None = None
    # By their fields; those that are not named stay.
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def settings(
        self,
        spec: DomainSpec,
        to: SiteAddress,
        *,
        hypervisor: str,
        known: ReplicationSettings | None = None,
    ) -> ReplicationSettings:
        base = known or ReplicationSettings(vm=spec.uuid, name=spec.name, to=to)
        named = ("every", "app_every", "limits", "priority", "group", "resync_window")
        told = {name: value for name in named if (value := getattr(self, name)) is not None}
        if self.hours is not None:
            told["points"] = msgspec.structs.replace(base.points, hours=self.hours)
        if self.seed is not None:
            told.update(seed=Seed.IMAGE, seed_from=self.seed)
        settings = msgspec.structs.replace(
            base, name=spec.name, hypervisor=hypervisor, to=to, **told
        )
        return with_thresholds(settings, self.thresholds)


def find_settings(home: str, vm: str) -> ReplicationSettings:
    """By name or UUID; also of a machine that is gone."""
    found = [SourceFolder(home, uuid).settings() for uuid in replicated_here(home)]
    for one in filter(None, found):
        if vm in (one.vm, one.name):
            return one
    raise ReplicationNotEnabled(about=vm)
