"""A machine waits for its turn to be backed up: whom it waits for, and for how long."""

from typing import TYPE_CHECKING

from holdfast.cli import json_machines
from holdfast.cli.output import encodable

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from holdfast.base.clock import Clock
    from holdfast.cli.output import Output
    from holdfast.machines.turn_files import Waiting
    from holdfast.machines.turns import Turn

# So often it is said again while nothing changes.
_EVERY = 60.0


def told_waiting(out: "Output", clock: "Clock") -> "Callable[[Waiting], None]":
    """Say it when the holders are others, and now and then."""
    told: dict[str, tuple[frozenset[int], float]] = {}

    def tell(now: "Waiting") -> None:
        from holdfast.app.vm_turns import sentence_of

        holders = frozenset(each.number for each in now.blocked.holders)
        before, at = told.get(now.vm, (None, 0.0))
        if before == holders and now.seconds - at < _EVERY:
            return
        told[now.vm] = holders, now.seconds
        out.done(event_of(now, clock.now()), sentence_of(now))

    return tell


def event_of(now: "Waiting", moment: "datetime") -> json_machines.VmWaiting:
    return json_machines.VmWaiting(
        vm=encodable(now.vm),
        seconds=round(now.seconds, 1),
        store=now.blocked.store and encodable(now.blocked.store),
        holders=[_holder(each, moment) for each in now.blocked.holders],
    )


def _holder(one: "Turn", moment: "datetime") -> dict[str, object]:
    age = max(0.0, (moment - one.since).total_seconds())
    return {
        "vm": encodable(one.name),
        "pid": one.pid,
        "at_work": one.is_taken,
        "seconds": round(age, 1),
    }
