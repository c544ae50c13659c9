"""`Get-VMReplication`, `Measure-VMReplication`, WMI's classes and the window Replication Health."""

import re
from collections.abc import Iterator
from datetime import timedelta

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.hyperv_facts import VmReplication
from holdfast.doctor.readers import hyperv_words as words
from holdfast.doctor.readers.hyperv_rows import rows
from holdfast.doctor.readers.powershell_output import Row
from holdfast.doctor.readers.windows_lines import Text, moment, number, read, size
from holdfast.doctor.readers_registry import reader

_COLUMNS = re.compile(
    r"\b(?:FrequencySec|ReplicationFrequency|LReplTime|PReplSize|AvgReplSize|AvgLatency"
    r"|ReplicationHealth|ReplicationState|LastReplicationTime|PrimaryServer|PendingReplicationSize"
    r"|MissedReplicationCount|SuccessfulReplicationCount)\b",
    re.IGNORECASE,
)


def _table(head: str, _: str) -> bool:
    return _COLUMNS.search(head) is not None


@reader("hyperv.replication", accepts=_table)
def replication(artefact: Artefact) -> Iterator[VmReplication]:
    """Every object that has a replication state or health."""
    text = read(artefact)
    for row in rows(text):
        if _COLUMNS.search(" ".join(row.values)) or row.has("state", "health"):
            fact = _replication(row)
            if fact.state or fact.health:
                yield fact


def _replication(row: Row) -> VmReplication:
    good = number(row.get("SuccessfulReplicationCount", "ReplicationSuccessCount"))
    missed = number(row.get("MissedReplicationCount", "ReplicationMissCount"))
    return VmReplication(
        span=row.span,
        vm=row.get("VMName", "Name", "VirtualMachineName", "ElementName") or _first(row),
        state=words.state(row.get("ReplicationState", "State")) or words.token(row.span.excerpt),
        health=words.health(row.get("ReplicationHealth", "Health"))
        or words.health_token(row.span.excerpt),
        primary=row.get("PrimaryServer", "PrimaryServerName", "CurrentPrimaryServer"),
        replica=row.get(
            "ReplicaServer", "ReplicaServerName", "CurrentReplicaServer", "CurrentReplicaServerName"
        ),
        frequency=int(number(row.get("FrequencySec", "ReplicationFrequencySec", "Frequency")) or 0),
        last=moment(row.get("LReplTime", "LastReplicationTime")),
        pending=_bytes(row, "PReplSize(M)", "PReplSize", "PendingReplicationSize"),
        average_size=_bytes(row, "AvgReplSize(M)", "AvgReplSize", "AverageReplicationSize"),
        latency=_latency(row.get("AvgLatency", "AverageReplicationLatency", "ReplicationLatency")),
        good=None if good is None else int(good),
        cycles=None if good is None or missed is None else int(good + missed),
        snapshot_failures=_whole(
            row.get(
                "ApplicationConsistentSnapshotFailureCount",
                "AppConsistentSnapshotFailureCount",
                "VSSSnapshotFailureCount",
            )
        ),
    )


def _first(row: Row) -> str:
    """The first word of a table's row whose columns are lost."""
    found = re.match(r"[\s>|]*(\w[\w.-]*)\s", row.span.excerpt)
    return found[1] if found and "\n" not in row.span.excerpt else ""


def _whole(said: str) -> int | None:
    value = number(said)
    return None if value is None else int(value)


def _bytes(row: Row, megabytes: str, *names: str) -> int | None:
    """A table rounds to megabytes and says so in its heading."""
    if said := row.get(megabytes):
        value = number(said)
        return None if value is None else int(value * (1 << 20))
    return size(row.get(*names))


def _latency(said: str) -> timedelta | None:
    """`00:00:05.2` or a number of seconds."""
    found = re.match(r"(?:(\d+)\.)?(\d+):(\d\d):(\d\d)", said.strip())
    if found:
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    value = number(said) if said else None
    return None if value is None else timedelta(seconds=min(value, 1e8))


# The window's labels; what follows the colon is read by `hyperv_words`.
_STATE_LABEL = r"replication state|복제 상태|replikationsstatus|état de la réplication|estado de (?:la )?replicaci\w+|レプリケーションの状態"
_HEALTH_LABEL = r"replication health|복제 (?:상태 정보|정상 상태|성능 상태|건강)|replikationsintegrität|replikationszustand|intégrité de la réplication|estado de mantenimiento de (?:la )?replicaci\w+|レプリケーションの正常性"
_REPLICA_LABEL = r"current replica server|현재 복제본 서버|aktueller replikatserver|serveur de réplication actuel"
_WINDOW = re.compile(rf"(?im)^[\s>|]*(?:{_STATE_LABEL}|{_HEALTH_LABEL})\s*[:\uff1a]\s*\S")
_LABELLED = re.compile(
    rf"(?i)^[\s>|]*(?:(?P<state>{_STATE_LABEL})|(?P<health>{_HEALTH_LABEL})|(?P<replica>{_REPLICA_LABEL})"
    r"|(?P<vm>(?:virtual machine|vm) name|가상 (?:컴퓨터|머신) 이름))\s*[:\uff1a]\s*(?P<said>.*\S)"
)
_CYCLES = re.compile(r"(\d[\d,.]*)\D{1,30}?(\d[\d,.]*)\D{0,12}\(\s*(\d{1,3})\s?%\)")
# State and health of one machine stand this near to each other.
_NEAR = 8
_NAMED = re.compile(
    r"(?:machine|virtual machine|컴퓨터|머신|computer)\s*['\"\u2018\u201c<*]+(?P<vm>[^'\"\u2019\u201d>*\n]+)"
)


def _window(head: str, _: str) -> bool:
    return _WINDOW.search(head) is not None


@reader("hyperv.replication", accepts=_window)
def health_window(artefact: Artefact) -> Iterator[VmReplication]:
    """What the window View Replication Health shows, pasted or saved as text."""
    text = read(artefact)
    begins: list[int] = []
    for index, line in enumerate(text.lines):
        found = _LABELLED.match(line)
        again = bool(begins) and index - begins[-1] < _NEAR
        if found and (found["state"] or found["health"]) and not again:
            begins.append(index)
    for index, begin in enumerate(begins):
        end = begins[index + 1] if index + 1 < len(begins) else min(len(text.lines), begin + 40)
        yield _shown(text, begin, end)


def _shown(text: Text, begin: int, end: int) -> VmReplication:
    said: dict[str, str] = {}
    last = begin
    cycles: tuple[int | None, int | None] = (None, None)
    for index in range(begin, end):
        line = text.lines[index]
        if found := _LABELLED.match(line):
            label = next(name for name in ("state", "health", "replica", "vm") if found[name])
            # Korean calls state and health by one word: the second one is the health.
            label = "health" if label == "state" and "state" in said else label
            said.setdefault(label, found["said"])
            last = index
        elif counted := _CYCLES.search(line):
            cycles, last = _counted(counted), index
            said.setdefault("vm", named["vm"] if (named := _NAMED.search(line)) else "")
    return VmReplication(
        span=text.span(begin + 1, last + 1),
        vm=said.get("vm", ""),
        state=words.state(said.get("state", "")),
        health=words.health(said.get("health", "")),
        replica=said.get("replica", ""),
        good=cycles[0],
        cycles=cycles[1],
    )


def _counted(found: re.Match[str]) -> tuple[int | None, int | None]:
    """`0 out of 145 (0%)`; other languages name the whole first."""
    one, other = _whole(found[1]), _whole(found[2])
    if one is None or other is None:
        return None, None
    return min(one, other), max(one, other)
