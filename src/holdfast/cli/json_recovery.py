"""The JSON lines of failover, commit, reprotect and failback."""

from typing import Any

from holdfast.cli.json_base import Event


class RecoveryStep(Event):
    """A step of an act of recovery begins, says how far it is, or has ended."""

    vm: str
    # planned, planned-live, unplanned, change-point, undo, commit, reprotect, failback, …
    act: str
    step: str
    # running, done, skipped, failed
    state: str
    began_at: str
    ended_at: str | None
    said: str
    error: str | None


class RecoveryDone(Event):
    """An act of recovery has ended well."""

    vm: str
    uuid: str
    act: str
    # As this host sees it: failed-over, undoing, committed, protected-in-reverse, …
    stage: str
    # How often the machine was given to another host.
    epoch: int
    # The id of the host that may run it; null: the one that replicates it, as ever.
    runs_at: str | None
    # The point it was started from.
    generation: str | None
    taken_at: str | None
    # Seconds and bytes, by name: loss_seconds, seconds_to_running, …
    figures: dict[str, float]
    warnings: list[str]


class RecoveryStatus(Event):
    """`failover status`: how the recovery of a machine is, as this host sees it."""

    vm: str
    uuid: str
    # site, promoted, home, nothing
    place: str
    stage: str
    epoch: int
    runs_at: str | None
    # Whether its definition here cannot be started.
    fenced: bool
    # What is under way: kind, who, begun_at, generation, steps, at_work.
    act: dict[str, Any] | None
    # What runs here: generation, taken_at, name, uuid, started_at, written.
    promoted: dict[str, Any] | None
    # When the source said last how it is; null: never.
    source_heard_at: str | None
    # Whether the machine runs at its source; null: nobody could look.
    source_active: bool | None
    # Points a failover can choose from.
    points: int
    # What may be done now: test, planned, unplanned, change-point, …
    possible: list[str]
    # It was seen to run at both hosts.
    split_brain: bool
    # Why it was not started again when this host was, if it ran here until then.
    not_started: str | None
    # Newest last: what, at, who, why, figures.
    events: list[dict[str, Any]]


class RecoveryPreflight(Event):
    """`failover check`: what an act of recovery would stumble over here, now."""

    vm: str
    uuid: str
    # test, planned, unplanned, change-point, undo, commit, reprotect, failback
    act: str
    # Nothing is in its way.
    clear: bool
    # The point the machine would be started from.
    generation: str | None
    taken_at: str | None
    # What would refuse it: code, message, remedy, fields.
    problems: list[dict[str, Any]]
    # What would not, and should be known before.
    doubts: list[str]
    # How its network cards would be connected, by the network they were in.
    networks: dict[str, str]


class RecoveryPoint(Event):
    """`failover points`: a point the machine can be started from."""

    vm: str
    generation: str
    # By the clock of its source; and when it came, by that of the site.
    taken_at: str
    applied_at: str
    # application, filesystem, crash
    consistency: str
    # A test failover has shown that it starts.
    tested_at: str | None
    # Something wrote to it since: it cannot be chosen.
    spoiled: bool
    # The machine runs from it now.
    running: bool


class MachineStarted(Event):
    """`failover start`: the machine runs at its own host."""

    vm: str
    uuid: str
    # Whether it had to be started.
    was_off: bool
    # Whatever spoke against it.
    forced: bool


class NetworkMapped(Event):
    """`failover networks`: which network of this host stands for one of the machines'."""

    network: str
    # A network of this host, bridge:NAME, or none for cards that stay unplugged.
    to: str
