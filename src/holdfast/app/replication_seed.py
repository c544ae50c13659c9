"""A point of a vault becomes what a first copy begins with: images in the site's folder of seeds."""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast.app.replication_own_site import site_plan
from holdfast.app.vm_restore import VmRestoreOptions, VmRestoreReport, write_vm_files
from holdfast.app.wiring import Session
from holdfast.machines.nodes import file_name
from holdfast.replication.replica_seeding import SEEDS
from holdfast.storage.durable import sync_folder
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """`images` by target, as `replication enable --seed` wants them said."""

    site: str
    folder: Path
    images: dict[str, str]
    report: VmRestoreReport


def seed_site(
    session: Session, repository: Repository, snapshot: Snapshot, options: VmRestoreOptions
) -> Seeded:
    """At the site. What is not whole never has the name of a seed; one of that name is replaced."""
    plan = site_plan(session.settings.home)
    seeds = Path(plan.folder, SEEDS)
    seeds.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = seeds / f"from-{snapshot.id[:8]}"
    # Of a run that was killed.
    shutil.rmtree(made, ignore_errors=True)
    wanted = replace(options, pool=str(seeds), name=made.name)
    report = write_vm_files(session, repository, snapshot, wanted)
    images = {}
    for disk in report.disks:
        name = os.fsdecode(file_name(f"{report.facts.name}-{disk.target}.{disk.format}"))
        os.replace(disk.path, seeds / name)
        images[disk.target] = name
    # Its description and what else lies beside the disks come with the first point.
    shutil.rmtree(made)
    sync_folder(seeds)
    return Seeded(site=plan.name, folder=seeds, images=images, report=report)
