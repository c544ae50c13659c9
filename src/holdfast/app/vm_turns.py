"""The turn of a machine among all whose backups this host is asked for."""

from contextlib import AbstractContextManager

from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.base.units import format_duration
from holdfast.hypervisor.domains import Domain
from holdfast.machines.datastores import stores_of
from holdfast.machines.turn_files import OnWaiting, TurnWish, Waiting, turn
from holdfast.machines.turns import TurnLimits
from holdfast.machines.vm_disks import chosen_disks


def turn_of(
    session: Session, domain: Domain, *, on_waiting: OnWaiting | None = None
) -> AbstractContextManager[None]:
    """After the lock of the machine, and before that of the vault, in which others work."""
    settings = session.settings
    disks, _left_out = chosen_disks(domain.spec())
    limits = TurnLimits(per_host=settings.vm_parallel, per_store=settings.vm_parallel_per_store)
    wish = TurnWish(
        vm=domain.name,
        stores=stores_of(disks),
        limits=limits,
        wait=settings.vm_wait,
        on_waiting=on_waiting or told_by(session),
    )
    return turn(settings.home, wish, session.clock)


def told_by(session: Session) -> OnWaiting:
    """One who says whom a machine waits for, again when these are others."""
    told: dict[str, frozenset[int]] = {}

    def tell(now: Waiting) -> None:
        holders = frozenset(each.number for each in now.blocked.holders)
        if told.get(now.vm) != holders:
            told[now.vm] = holders
            session.warn(sentence_of(now))

    return tell


def sentence_of(now: Waiting) -> str:
    names = ", ".join(each.name for each in now.blocked.holders) or "-"
    waited = format_duration(now.seconds)
    if now.blocked.store is None:
        text = _("{vm} waits for its turn on this host for {time}; at work: {names}")
        return text.format(vm=now.vm, time=waited, names=names)
    text = _("{vm} waits for its turn in {store} for {time}; at work: {names}")
    return text.format(vm=now.vm, store=now.blocked.store, time=waited, names=names)
