"""The use case "serve": a booted machine's disks out of the vault, as long as it needs them."""

import os
from collections.abc import Callable
from dataclasses import replace

from holdfast.app import locking
from holdfast.app.opening import open_vault
from holdfast.app.stop_signals import stopped_by_signals
from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.disks.nbd_server import NbdServer
from holdfast.machines.boot_records import Boot, Boots, Stage
from holdfast.machines.boot_watch import BootWatch
from holdfast.machines.booting import let_qemu_in
from holdfast.machines.disk_reader import DiskReader
from holdfast.machines.point_reader import PointReader
from holdfast.vault.repository import Repository

_POLL = 0.02


def serve(session: Session, name: str, *, on_ready: Callable[[Boot], None]) -> None:
    """Serve a machine that is there, again; returns when nobody needs it any more."""
    boots = Boots(session.settings.home)
    boot = boots.find(name)
    settings = replace(session.settings, vault=boot.vault, libvirt=boot.host)
    session = replace(session, settings=settings)
    _serve(session, boots, boot, repository=open_vault(session), on_ready=on_ready)


def serve_awaited(session: Session, uuid: str, *, parent: int) -> None:
    """Serve the machine that this process of ours is preparing, once it says what it is."""
    boots = Boots(session.settings.home)
    repository = open_vault(session)
    while (boot := boots.known(uuid)) is None:
        # What it wrote before it died is there by now: without a record there is no machine.
        if os.getppid() != parent and boots.known(uuid) is None:
            boots.forget(uuid)
            return
        session.clock.sleep(_POLL)
    _serve(session, boots, boot, repository=repository, on_ready=lambda _boot: None)


def _serve(
    session: Session,
    boots: Boots,
    boot: Boot,
    *,
    repository: Repository,
    on_ready: Callable[[Boot], None],
) -> None:
    """A shared lock: backups go on beside it, prune must not take away what is being read."""

    def complain(error: Exception) -> None:
        problem = _("A read of the disks of {name} failed: {reason}")
        session.warn(problem.format(name=boot.name, reason=error))

    def is_over() -> bool:
        known = boots.known(boot.uuid)
        return known is None or known.stage is Stage.MOVED

    watch = BootWatch(boot.host, boot.uuid, session.clock, complain=complain)
    with (
        boots.serving(boot.uuid, name=boot.name),
        stopped_by_signals() as stop,
        locking.held(repository, settle_later=True),
        NbdServer(_exports(repository, boot), boot.socket, complain=complain),
    ):
        let_qemu_in(boot.socket)
        on_ready(boot)
        watch.run(is_over=lambda: stop.is_set() or is_over())


def _exports(repository: Repository, boot: Boot) -> dict[str, DiskReader]:
    point = PointReader(repository, repository.find_snapshot(boot.point))
    return {target: DiskReader(point, target) for target in boot.targets}
