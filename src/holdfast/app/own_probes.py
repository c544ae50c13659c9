"""What Holdfast can say about itself to the doctor, as JSON lines; looks only, changes nothing."""

import contextlib
import json
import os
import ssl
from collections import deque
from collections.abc import Callable, Iterator

from holdfast.app.job_records import records
from holdfast.app.json_lines import read_objects
from holdfast.app.network_way import Trust, knock, walk
from holdfast.app.opening import credentials_for, hurried_storage_at
from holdfast.app.scratch import kind_of_place
from holdfast.app.scratch_place import is_in_place, scratch_folder, scratch_place
from holdfast.app.vm_spoken import has_vms
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.storage.location import Kind, Location, parse_location, read_bucket
from holdfast.vault.opening import has_config

_Line = dict[str, object]
_LAST_JOBS = 50
# Without any of these a host has no part in replication.
_REPLICATION_SIGNS = ("replication", "site", "agent/replication.json")
_AGENT_UNIT = "/etc/systemd/system/holdfast-agent.service"
# The platform's address in every Azure network: goal states, and what the host hands out.
_PLATFORM = (("168.63.129.16", 80), ("168.63.129.16", 32526))


def tell(probe: str, session: Session) -> bytes | None:
    """The artefact of one of our own probes, None when there is nothing to tell."""
    lines = list(_told_by(probe, session)(session))
    if not lines:
        return None
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


def _told_by(probe: str, session: Session) -> Callable[[Session], Iterator[_Line]]:
    """Of an agent or a server only where there is one: all others pay nothing for it."""
    home = session.settings.home
    if probe in _PROBES:
        return _PROBES[probe]
    if probe.startswith("own.server"):
        if not os.path.isdir(os.path.join(home, "server")):
            return _nothing
        from holdfast.app.server_probes import SERVER_PROBES

        return SERVER_PROBES[probe]
    families = (
        ("own.vm", _of_vms),
        ("own.replication", _of_replication),
        ("own.recovery", _of_recovery),
    )
    for family, told_by in families:
        if probe == family or probe.startswith(f"{family}."):
            return told_by(probe, home)
    if not (os.path.isdir(os.path.join(home, "agent")) or os.path.exists(_AGENT_UNIT)):
        return _nothing
    from holdfast.app.agent_probes import AGENT_PROBES, has_agent

    return AGENT_PROBES[probe] if has_agent(home) else _nothing


def _of_vms(probe: str, home: str) -> Callable[[Session], Iterator[_Line]]:
    if not has_vms(home):
        return _nothing
    from holdfast.app.vm_probes import VM_PROBES

    return VM_PROBES[probe]


def _of_replication(probe: str, home: str) -> Callable[[Session], Iterator[_Line]]:
    if not any(os.path.exists(os.path.join(home, name)) for name in _REPLICATION_SIGNS):
        return _nothing
    from holdfast.app.replication_probes import REPLICATION_PROBES, has_replication

    return REPLICATION_PROBES[probe] if has_replication(home) else _nothing


def _of_recovery(probe: str, home: str) -> Callable[[Session], Iterator[_Line]]:
    if not os.path.isdir(os.path.join(home, "recovery")):
        return _nothing
    from holdfast.app.recovery_probes import RECOVERY_PROBES

    return RECOVERY_PROBES[probe]


def _nothing(_session: Session) -> Iterator[_Line]:
    return iter(())


def _jobs(session: Session) -> Iterator[_Line]:
    yield from deque(records(session.settings.home), _LAST_JOBS)


def _scratch(session: Session) -> Iterator[_Line]:
    place = scratch_place(session.settings.home)
    folder, in_place = place.folder, is_in_place(place)
    line: _Line = {"holdfast": "scratch", "folder": folder, "exists": os.path.isdir(folder)}
    line["in_place"] = in_place
    there = folder
    while not os.path.isdir(there):
        there = os.path.dirname(there)
    try:
        kind, is_remote = kind_of_place(there)
        yield {**line, "kind": kind, "is_remote": is_remote, **_room(there)}
    except OSError as err:
        yield {**line, "writable": False, "reason": str(err.strerror)}


def _vault(session: Session) -> Iterator[_Line]:
    location = _location(session)
    if location is None:
        return
    line: _Line = {"holdfast": "vault", "place": str(location), "kind": location.kind.value}
    if location.kind is Kind.DIRECTORY:
        line |= _folder(location.path)
    else:
        line["exists"] = True
    try:
        line["has_config"] = has_config(hurried_storage_at(session, str(location)))
    except HoldfastError as err:
        seen = {
            "error": err.code,
            "reason": str(err.fields.get("reason", "")),
            "has_config": False,
            "readable": False,
        }
        line |= seen
    yield line


def _folder(path: str) -> _Line:
    try:
        return {"exists": True, **_room(path)}
    except OSError as err:
        return {"exists": False, "reason": str(err.strerror)}


def _room(folder: str) -> _Line:
    found = os.statvfs(folder)
    writable = os.access(folder, os.W_OK | os.X_OK) and not found.f_flag & os.ST_RDONLY
    size, free = found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize
    return {"writable": writable, "size": size, "free": free}


def _network(session: Session) -> Iterator[_Line]:
    """The way to the vault, and how far our clock is from the one at its end."""
    url = _url(session)
    for stage in walk(url, session.clock, trust=_trust(session)) if url else ():
        line: _Line = {"holdfast": "reach", "target": url, "stage": stage.name}
        yield {**line, "reached": stage.reached, "seen": stage.seen}
        if stage.ahead_seconds is not None:
            yield {"holdfast": "clock", "ahead_seconds": round(stage.ahead_seconds)}


def _trust(session: Session) -> Trust:
    """Whom the vault's own storage trusts: behind a gateway that is the server's authority."""
    location = _location(session)
    if location is None or location.kind is not Kind.REST:
        return ssl.create_default_context

    def as_registered() -> ssl.SSLContext:
        from holdfast.storage.rest import trust
        from holdfast.storage.rest_door import read_door

        credentials = credentials_for(session, location)
        return trust(read_door(str(location), location.path, credentials))

    return as_registered


def _platform(_session: Session) -> Iterator[_Line]:
    """For root alone: the agent's own firewall rules rightly drop what others send there."""
    if os.geteuid() != 0:
        return
    for target, stage in knock(_PLATFORM):
        line: _Line = {"holdfast": "platform-reach", "target": target, "stage": stage.name}
        yield {**line, "reached": stage.reached, "seen": stage.seen}


def _skipped(session: Session) -> Iterator[_Line]:
    """The newest list of items that a backup left out."""
    lists = []
    with contextlib.suppress(OSError):
        for folder in os.scandir(scratch_folder(session.settings.home)):
            with contextlib.suppress(OSError):
                lists += [one.path for one in os.scandir(folder) if one.name.startswith("skipped-")]
    newest = max(lists, key=os.path.getmtime, default=None)
    if newest:
        yield from ({"holdfast": "skipped", **item} for item in read_objects(newest))


def _location(session: Session) -> Location | None:
    if not session.settings.vault:
        return None
    try:
        return parse_location(session.settings.vault)
    except HoldfastError:
        return None


def _url(session: Session) -> str | None:
    location = _location(session)
    if location is None or location.kind in (Kind.DIRECTORY, Kind.MEMORY):
        return None
    if location.kind is Kind.REST:
        return f"https://{location.path}/"
    try:
        return read_bucket(location, session.settings.credentials).url
    except HoldfastError:
        return None


_PROBES: dict[str, Callable[[Session], Iterator[_Line]]] = {
    "own.jobs": _jobs,
    "own.scratch": _scratch,
    "own.vault": _vault,
    "own.network": _network,
    "own.skipped": _skipped,
    "linux.platform-reach": _platform,
}
