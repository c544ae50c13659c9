"""Use cases about machines that run off a vault: which there are, and taking one off it."""

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from holdfast.app.job_records import recorded
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.errors import VmMissing
from holdfast.hypervisor.states import State
from holdfast.machines.boot_ending import end_server
from holdfast.machines.boot_errors import ServerAbsent
from holdfast.machines.boot_records import Boot, Boots, Stage
from holdfast.machines.moving_off import OnMoved, is_backed, move_off
from holdfast.machines.vm_lock import vm_lock


class Health(StrEnum):
    """What a machine needs now; the order is that of being looked at."""

    PREPARED = "being-prepared"
    # A command that prepared it was killed.
    LEFT = "left-behind"
    UNKNOWN = "host-silent"
    GONE = "machine-gone"
    UNSERVED = "not-served"
    WAITING = "waits-for-vault"
    MOVED = "moved-off"
    PAUSED = "paused"
    OFF = "off"
    FINE = "runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class BootSeen:
    boot: Boot
    health: Health
    server: int | None


def list_boots(session: Session) -> list[BootSeen]:
    """All that is known here, whatever became of it."""
    boots = Boots(session.settings.home)
    return [_seen(boots, boot) for boot in boots.all()]


def move_off_vault(session: Session, name: str, *, on_moved: OnMoved) -> Boot:
    """Afterwards the machine needs the vault no more; killed in between, it is begun again."""
    boots = Boots(session.settings.home)
    boot = boots.find(name)
    lock = vm_lock(session.settings.home, boot.uuid, session.clock, name=boot.name, work="move-off")
    with recorded(session, "vm-move-off"), Host.open(boot.host) as host, lock:
        domain = Domain(host, uuid=boot.uuid, name=boot.name)
        _require_server(boots, boot, domain)
        move_off(domain, boot, session.clock, on_moved=on_moved)
        boots.save(msgspec.structs.replace(boot, stage=Stage.MOVED))
        end_server(boots, boot, session.clock)
        boot.socket.unlink(missing_ok=True)
        boots.forget(boot.uuid)
    return boot


def _require_server(boots: Boots, boot: Boot, domain: Domain) -> None:
    if boots.server(boot.uuid) is not None:
        return
    if not domain.is_active() or any(is_backed(domain, target) for target in boot.targets):
        raise ServerAbsent(name=boot.name)


def _seen(boots: Boots, boot: Boot) -> BootSeen:
    server = boots.server(boot.uuid)
    health = _of_making(boots, boot) or _of_machine(boot, is_served=server is not None)
    return BootSeen(boot=boot, health=health, server=server)


def _of_making(boots: Boots, boot: Boot) -> Health | None:
    if boot.is_check or boot.stage is Stage.PREPARING:
        return Health.LEFT if boots.maker(boot.uuid) is None else Health.PREPARED
    return None


def _of_machine(boot: Boot, *, is_served: bool) -> Health:  # noqa: PLR0911  one for each health
    try:
        with Host.open(boot.host) as host:
            standing = Domain(host, uuid=boot.uuid, name=boot.name).standing()
    except VmMissing:
        return Health.GONE
    except HoldfastError:
        return Health.UNKNOWN
    if boot.stage is Stage.MOVED:
        return Health.MOVED
    if not is_served:
        return Health.UNSERVED
    if standing.is_stuck_on_io:
        return Health.WAITING
    if not standing.is_active:
        return Health.OFF
    return Health.PAUSED if standing.state is State.PAUSED else Health.FINE
