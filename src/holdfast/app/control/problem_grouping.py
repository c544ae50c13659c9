"""Which of many things that are wrong are wrong for one and the same reason.

Thirty machines behind one broken link are one problem with thirty machines under it, and so are
all the backups that one full vault refuses. What merely follows from a greater trouble is told
with it, not beside it. Pure: sightings in, groups out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from holdfast.app.control.replication_judging import HOST_SILENT
from holdfast.fleet.alerts import Severity

# Machines that fell silent within so short a time of one another, and so many of them, have
# lost something that they share.
TOGETHER = timedelta(minutes=3)
_FEWEST = 3
SILENT, REPLICATION = "machine-silent", "replication"
# Of one machine that is not heard of, these are no news of their own.
_FOLLOW_SILENCE = frozenset((SILENT, "job-lost", "no-backup", "drill-overdue"))
# A job that failed says by its code why; the same in one vault is one cause.
_FAILURES = frozenset(("backup-failed", "restore-failed", "job-failed"))
# One sick disk or a file that somebody keeps filling shows on many machines of a vault; and those
# whose replication is well again are so since the way to their site is.
_OF_VAULT = frozenset(("damage-found", "scratch-low", "replication-recovered"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """A machine or a virtual machine, as people know it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One thing that was seen to be wrong."""

    # The kind of an alert, or one of those above.
    kind: str
    severity: Severity
    since: datetime
    vault_id: str
    code: str = ""
    machine: Ref | None = None
    vms: tuple[Ref, ...] = ()
    # What it was found to come from where it was seen: "site:ID", "host:ID:CODE", "vm:ID".
    root: str = ""
    # The machine that keeps the site it is about.
    keeper: str = ""
    alert_id: str = ""
    fields: Mapping[str, str]

    @property
    def order(self) -> tuple[int, datetime, str, str, str]:
        """The gravest and oldest first; the same however they came."""
        where = self.machine.id if self.machine else ""
        return -self.severity, self.since, self.kind, where, self.alert_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One problem: what it is called after, and all that has it."""

    root: str
    lead: Sighting
    sightings: tuple[Sighting, ...]
    severity: Severity
    since: datetime
    # Each once, sorted by name.
    machines: tuple[Ref, ...]
    vms: tuple[Ref, ...]

    @property
    def is_silence(self) -> bool:
        """Of machines that are not heard of, and what follows from that."""
        return self.root.startswith("silent")


def grouped(sightings: Iterable[Sighting]) -> list[Group]:
    """Each sighting in exactly one group: the gravest first, what lies below others, the widest."""
    found = sorted(sightings, key=lambda one: one.order)
    silent = _together([one for one in found if one.kind == SILENT])
    failing = _failing(found)
    of: dict[str, list[Sighting]] = {}
    for one in found:
        of.setdefault(_root(one, silent, failing), []).append(one)
    groups = [_group(root, some) for root, some in of.items()]
    return sorted(groups, key=_weight)


def _root(one: Sighting, silent: Mapping[str, str], failing: Mapping[str, str]) -> str:
    where = one.machine.id if one.machine else ""
    if one.kind == REPLICATION:
        return _root_of_replication(one, silent)
    if where in silent and one.kind in _FOLLOW_SILENCE:
        return silent[where]
    if one.kind in _FAILURES and one.code:
        return _cause(one)
    if one.kind == "no-backup" and where in failing:
        return failing[where]
    if one.kind in _OF_VAULT:
        site = one.fields.get("site")
        return f"{one.kind}:{one.vault_id}" + (f":{site}" if site else "")
    return f"{one.kind}:{one.vault_id}:{where}:{one.alert_id}"


def _root_of_replication(one: Sighting, silent: Mapping[str, str]) -> str:
    where = one.machine.id if one.machine else ""
    if one.code == HOST_SILENT and where in silent:
        return silent[where]
    if one.root.startswith("site:") and one.keeper in silent:
        return silent[one.keeper]
    # A site is one thing, whichever vaults its machines belong to.
    return one.root if one.root.startswith("site:") else f"{one.vault_id}:{one.root}"


def _together(silent: Sequence[Sighting]) -> dict[str, str]:
    """Of each silent machine, what it is silent by: alone, or together with others.

    They come in order, and of those that fell silent at one moment it stays.
    """
    found: dict[str, str] = {}
    run: list[Sighting] = []
    for one in sorted(silent, key=lambda one: one.since):
        if run and one.since - run[-1].since > TOGETHER:
            found |= _named(run)
            run = []
        run.append(one)
    return found | _named(run)


def _named(run: Sequence[Sighting]) -> dict[str, str]:
    ids = [one.machine.id for one in run if one.machine]
    if len(set(ids)) < _FEWEST:
        return {one: f"silent:{one}" for one in ids}
    return dict.fromkeys(ids, f"silent-together:{min(ids)}")


def _failing(found: Sequence[Sighting]) -> dict[str, str]:
    """Why the backups of a machine fail: for that it has no new point."""
    return {
        one.machine.id: _cause(one)
        for one in reversed(found)
        if one.kind == "backup-failed" and one.code and one.machine
    }


def _cause(one: Sighting) -> str:
    return f"cause:{one.vault_id}:{one.code}"


def _group(root: str, sightings: Sequence[Sighting]) -> Group:
    """Reckoned once: where thousands hang on it, whoever looks would pay for that each time."""
    return Group(
        root=root,
        lead=_lead(root, sightings),
        sightings=tuple(sightings),
        severity=max(one.severity for one in sightings),
        since=min(one.since for one in sightings),
        machines=_sorted(one.machine for one in sightings if one.machine),
        vms=_sorted(vm for one in sightings for vm in one.vms),
    )


def _lead(root: str, sightings: Sequence[Sighting]) -> Sighting:
    """What the problem is called after: the trouble itself, not what follows from it."""
    if root.startswith("silent"):
        return next((one for one in sightings if one.kind == SILENT), sightings[0])
    if root.startswith("cause:"):
        return next((one for one in sightings if one.kind in _FAILURES), sightings[0])
    return sightings[0]


def _weight(group: Group) -> tuple[int, bool, int, datetime, str]:
    width = len(group.machines) + len(group.vms)
    return -group.severity, not _is_below_others(group), -width, group.since, group.root


def _is_below_others(group: Group) -> bool:
    """A machine that is silent, or a site or a host in trouble: other troubles may come of it."""
    lead = group.lead
    of_one = lead.kind == REPLICATION and lead.root.startswith("vm:")
    return lead.kind in (SILENT, REPLICATION) and not of_one


def _sorted(refs: Iterable[Ref]) -> tuple[Ref, ...]:
    found = {one.id: one for one in refs}
    return tuple(sorted(found.values(), key=_by_name))


def _by_name(ref: Ref) -> tuple[str, str]:
    return ref.name, ref.id
