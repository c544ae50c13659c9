"""The JSON lines of commands that begin, steer and end replication; its status has its own module."""

from typing import Any

from holdfast.cli.json_base import Event


class ReplicationStep(Event):
    """`replication enable`: a step begins, or has ended."""

    vm: str
    # preflight, way, site, way-back, extension, settings, initial-copy, first-cycle
    step: str
    # running, done, left-out, failed
    state: str
    at: str
    said: str
    error: str | None


class ReplicationEnabled(Event):
    """`replication enable`: the site has the machine, and goes on following it."""

    vm: str
    uuid: str
    site: str
    # Seconds between two points.
    every: int
    # As settings.json of the replication has them.
    settings: dict[str, Any]
    # Whether something on this host goes on with it: `replication run`, or the agent.
    is_followed: bool


class ReplicationOrdered(Event):
    """`replication pause`, `resume` and `resync`: what was asked for is noted."""

    vm: str
    # pause, resume, resync
    what: str
    # Whether something on this host will do it now.
    is_followed: bool


class ReplicationDisabled(Event):
    """`replication disable`: nothing of it is left at the source."""

    vm: str
    site: str
    # Whether the replica was to stay.
    keep_replica: bool
    # The code of what kept the site from removing it; null: it did, or was not asked.
    left_at_site: str | None


class ReplicationLogged(Event):
    """`replication log`: one thing that happened."""

    vm: str
    at: str
    # state, happened, point, failed, step
    kind: str
    # A state, a happening, the generation of a point, the code of an error, a step.
    what: str
    why: str
    bytes: int
    # The one it is about; empty: the whole machine.
    disk: str


class ReplicationTraced(Event):
    """`replication trace`: whether each step is written to the log from now on."""

    vm: str
    is_on: bool


class SiteSeeded(Event):
    """`replication seed`: disks of a point lie at the site, for a first copy to begin with."""

    vm: str
    point: str
    site: str
    folder: str
    # By target, as `replication enable --seed` wants them said.
    images: dict[str, str]


class SiteJoined(Event):
    """`replication join`: this host knows the site from now on."""

    site: str
    machine: str
    host: str
    port: int


class SiteAdmitted(Event):
    """`replication admit`: a file for a source was made."""

    source: str
    machine: str
    file: str


class SiteDismissed(Event):
    """`replication dismiss`: the source is refused from now on; its replicas stay."""

    source: str
    was_admitted: bool


class ReplicaKept(Event):
    """`replication kept-replicas`: one that was removed, and can be had back until then."""

    vm: str
    uuid: str
    points: int
    # The newest of them; null: there is none.
    newest: str | None
    bytes: int
    until: str


class ReplicaRestored(Event):
    """`replication restore-replica`: its points are points of this site again."""

    vm: str
    uuid: str
    points: int


class ReplicaPurged(Event):
    """`replication purge-replica`: so many removed replicas of the machine are gone for good."""

    vm: str
    replicas: int


class SiteIntake(Event):
    """`replication intake`: how fast this site takes logs in; no limits: as fast as they come."""

    # Each with bytes_per_second, and its window: "" is always.
    limits: list[dict[str, Any]]


class SiteServing(Event):
    """`replication serve`: replicas are taken in from now on."""

    site: str
    machine: str
    folder: str
    listening: str


class ReplicationRunning(Event):
    """`replication run`: the machines of this host are replicated from now on."""

    machines: int
