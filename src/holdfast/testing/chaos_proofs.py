"""What has to be true of a fleet that has come to rest, whatever happened to it before.

Each proof returns sentences about what is not so; none means that it holds.
"""

import hashlib
import json
import os
import subprocess  # noqa: TID251  stock restic is the witness
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from holdfast.app.control.job_errors import JobForgotten
from holdfast.base.clock import SystemClock
from holdfast.fleet.jobs import Kind, State
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.chaos_fleet import CHURNED, KEPT, PASSPHRASE, ChaosFleet, Machine

_GOOD = (State.DONE, State.WARNINGS)
# An error has to name what was wrong; these do not, or say what must never be.
_NAMELESS = frozenset({"failed", "internal", "damage", "stored-damage", "another-key"})
# The last is our own: what was verified when.
_FOLDERS = frozenset({"data", "index", "keys", "locks", "snapshots", "holdfast"})
_HASH = 64
_UPLOADS_AT_ONCE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person was promised: the server's id of the job, and its own mark on the point."""

    job_id: str
    machine: str
    kind: str
    tag: str | None


@dataclass(slots=True)
class Seen:
    """The fleet at rest, looked at once."""

    fleet: ChaosFleet
    asked: list[Asked]
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    details: dict[str, dict[str, Any]] = field(default_factory=dict)
    points: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    # Halves of files that killed servers left. Hidden, and swept by the servers after a day.
    halves: int = 0
    server_kills: int = 0

    def look_at_jobs(self) -> None:
        self.jobs = {one["id"]: one for one in self.fleet.person.all("/jobs")}

    def look(self) -> None:
        self.look_at_jobs()
        person = self.fleet.person
        backups = [job_id for job_id, one in self.jobs.items() if one["kind"] == Kind.BACKUP]
        self.details = {job_id: person.get(f"/jobs/{job_id}") for job_id in backups}
        for machine in self.fleet.machines:
            said = restic(self.fleet, machine, "snapshots", "--json", "--no-lock")
            self.points[machine.id] = json.loads(said)
        storage = DirectoryStorage(str(self.fleet.vault_disk.path / "files"))
        self.halves += storage.sweep(before=SystemClock().now())

    def point_of(self, job_id: str) -> str | None:
        result = self.details[job_id]["result"] or {}
        return result.get("point")

    def of(self, machine: Machine) -> dict[str, dict[str, Any]]:
        return {key: one for key, one in self.jobs.items() if one["machine_id"] == machine.id}


def jobs_are_over(seen: Seen) -> Iterable[str]:
    for job_id, job in seen.jobs.items():
        state = State(job["state"])
        if not state.is_over or state is State.LOST:
            yield f"job {job_id} ({job['kind']}) is {state.value} ({job['error_code']})"


def both_sides_agree(seen: Seen) -> Iterable[str]:
    for machine in seen.fleet.machines:
        there, here = seen.of(machine), machine.journal()
        for job, delivered in here:
            told = there.pop(job.id, None)
            if told is None:
                yield f"the server does not know job {job.id} of {machine.name}"
            elif told["state"] != job.state.value:
                yield f"job {job.id} is {told['state']} there and {job.state.value} here"
            elif delivered < job.number:
                yield f"job {job.id} has something untold"
        for job_id, row in there.items():
            if not _may_be_unknown(row):
                yield f"{machine.name} does not know job {job_id} ({row['kind']} {row['state']})"


def _may_be_unknown(row: Mapping[str, Any]) -> bool:
    """To its machine: the server's own, orders nobody came for, and one that is said forgotten.

    A full disk leaves an agent its journal in memory only, which dies with it; the server has
    to say so then.
    """
    never_begun = row["started_at"] is None and State(row["state"]).is_over
    is_forgotten = row["error_code"] == JobForgotten.code
    return row["kind"] == Kind.SCRUB or is_forgotten or (row["origin"] == "person" and never_begun)


def all_that_was_asked_was_taken_once(seen: Seen) -> Iterable[str]:
    promised = {one.job_id for one in seen.asked}
    there = {job_id for job_id, job in seen.jobs.items() if job["origin"] == "person"}
    if len(promised) != len(seen.asked):
        yield "two orders became one job"
    if promised != there:
        yield f"ordered {len(promised)}, there {len(there)}: {sorted(promised ^ there)[:5]}"


def errors_name_their_cause(seen: Seen) -> Iterable[str]:
    for job_id, job in seen.jobs.items():
        if job["state"] == State.FAILED and (job["error_code"] or "failed") in _NAMELESS:
            yield f"job {job_id} ({job['kind']}) failed with {job['error_code']}"


def each_backup_made_one_point(seen: Seen) -> Iterable[str]:
    for machine in seen.fleet.machines:
        made = Counter(_job_of(point) for point in seen.points[machine.id])
        for job_id, count in made.items():
            if job_id not in seen.details:
                yield f"{count} points of {machine.name} belong to no job: {job_id}"
            elif count > 1:
                yield f"{count} points of job {job_id}"
        for point in seen.points[machine.id]:
            told = seen.details.get(_job_of(point), {}).get("result") or {}
            if told.get("point", point["id"]) != point["id"]:
                yield f"job {_job_of(point)} tells of another point"


def _job_of(point: Mapping[str, Any]) -> str:
    return next((tag[4:] for tag in point["tags"] if tag.startswith("job:")), "")


def no_point_is_lost(seen: Seen) -> Iterable[str]:
    for machine in seen.fleet.machines:
        there = {one["id"] for one in seen.points[machine.id]}
        for folder in (KEPT, CHURNED):
            done = [
                (job["ended_at"], job_id)
                for job_id, job in seen.of(machine).items()
                if job["kind"] == Kind.BACKUP
                and job["state"] in _GOOD
                # Points of the other folder go by its policy, all but the newest.
                and job["source"].endswith(folder)
            ]
            for _ended, job_id in done if folder == KEPT else sorted(done)[-1:]:
                if seen.point_of(job_id) not in there:
                    yield f"{machine.name}: the point of job {job_id} ({folder}) is gone"


def the_server_knows_the_points(seen: Seen) -> Iterable[str]:
    for machine in seen.fleet.machines:
        told = {one["id"] for one in seen.fleet.person.all(f"/machines/{machine.id}/points")}
        there = {one["id"] for one in seen.points[machine.id]}
        if told != there:
            yield f"{machine.name}: {len(told)} points told, {len(there)} are there"


def the_storage_is_whole(seen: Seen) -> Iterable[str]:
    """Every file there has the content its name says; nothing half, no lock, nothing strange."""
    for machine in seen.fleet.machines:
        root = repository_of(seen.fleet, machine)
        for path in (one for one in root.rglob("*") if one.is_file()):
            name = path.relative_to(root)
            if str(name) == "config":
                continue
            if name.parts[0] not in _FOLDERS or len(path.name) != _HASH:
                yield f"{machine.name}: {name} should not be there"
            elif name.parts[0] == "locks":
                yield f"{machine.name}: {name} is left"
            elif hashlib.sha256(path.read_bytes()).hexdigest() != path.name:
                yield f"{machine.name}: {name} is damaged"


def only_killed_servers_leave_halves(seen: Seen) -> Iterable[str]:
    """At each end some uploads can be under way, but not many."""
    if seen.halves > seen.server_kills * _UPLOADS_AT_ONCE:
        yield f"{seen.halves} halves of files after {seen.server_kills} kills of servers"


def the_trash_is_stored(seen: Seen) -> Iterable[str]:
    for machine in seen.fleet.machines:
        root = repository_of(seen.fleet, machine)
        for (name,) in _rows(seen.fleet, "SELECT name FROM trash WHERE machine_id = %s", machine):
            if not (root / name).exists():
                yield f"{machine.name}: {name} is in the trash, but not there"


def no_lease_is_left(seen: Seen) -> Iterable[str]:
    query = (
        "SELECT kind FROM leases WHERE machine_id = %s AND released_at IS NULL "
        "AND expires_at > now() AT TIME ZONE 'utc'"
    )
    for machine in seen.fleet.machines:
        for (kind,) in _rows(seen.fleet, query, machine):
            yield f"{machine.name} still has a lease for {kind}"


def restic_finds_nothing(seen: Seen) -> Iterable[str]:
    for machine in seen.fleet.machines:
        try:
            restic(seen.fleet, machine, "check", "--read-data")
        except AssertionError as err:
            yield f"{machine.name}: {err}"


def what_is_stored_comes_back(seen: Seen) -> Iterable[str]:
    for machine in seen.fleet.machines:
        source, target = machine.source(KEPT), machine.root / "back"
        tag = f"assignment:{machine.assignments[KEPT]}"
        restic(
            seen.fleet,
            machine,
            "restore",
            "latest",
            "--no-lock",
            "--tag",
            tag,
            "--target",
            str(target),
        )
        wanted = {path.name: path.read_bytes() for path in source.iterdir()}
        found = {
            path.name: path.read_bytes() for path in (target / source.relative_to("/")).iterdir()
        }
        if wanted != found:
            yield f"{machine.name}: the newest point is not what lies in {source.name}"


def servers_are_ready(seen: Seen) -> Iterable[str]:
    for server in seen.fleet.servers:
        with server.anonymous() as client:
            answer = client.get("/readyz")
        if not answer.is_success:
            yield f"a server is not ready: {answer.text}"


def nobody_is_alarmed_about_damage(seen: Seen) -> Iterable[str]:
    for alert in seen.fleet.person.all("/alerts"):
        if alert["kind"] == "damage-found":
            yield f"an alert: {alert}"


def all_ended_when_told(seen: Seen) -> Iterable[str]:
    return seen.fleet.complaints


def nothing_lies_about(seen: Seen) -> Iterable[str]:
    for machine in seen.fleet.machines:
        if left := os.listdir(machine.place.outputs):
            yield f"{machine.name}: output of jobs is left: {left[:3]}"
        if Path(f"{machine.place.journal}.damaged").exists():
            yield f"{machine.name}: its journal was damaged"


PROOFS: tuple[Callable[[Seen], Iterable[str]], ...] = (
    jobs_are_over,
    both_sides_agree,
    all_that_was_asked_was_taken_once,
    errors_name_their_cause,
    each_backup_made_one_point,
    no_point_is_lost,
    the_server_knows_the_points,
    the_storage_is_whole,
    only_killed_servers_leave_halves,
    the_trash_is_stored,
    no_lease_is_left,
    restic_finds_nothing,
    what_is_stored_comes_back,
    servers_are_ready,
    nobody_is_alarmed_about_damage,
    all_ended_when_told,
    nothing_lies_about,
)


def prove(seen: Seen) -> Mapping[str, list[str]]:
    """Every proof by its name, with what speaks against it."""
    return {proof.__name__: list(proof(seen)) for proof in PROOFS}


def repository_of(fleet: ChaosFleet, machine: Machine) -> Path:
    (found,) = (fleet.vault_disk.path / "files").rglob(machine.id)
    return found


def restic(fleet: ChaosFleet, machine: Machine, *words: str) -> str:
    """Stock restic with the machine's certificate, through a server's gateway as all come."""
    folder = machine.home / "agent"
    pair = machine.root / "pair.pem"
    pair.write_bytes((folder / "machine.pem").read_bytes() + (folder / "machine.key").read_bytes())
    pair.chmod(0o600)
    url = f"rest:{fleet.servers[0].url}/gateway/{fleet.vault}/{machine.id}/"
    options = ["--cacert", str(folder / "ca.pem"), "--tls-client-cert", str(pair), "--no-cache"]
    done = subprocess.run(  # noqa: S603  a fixed command line
        ["restic", *options, *words],  # noqa: S607  wherever it is installed
        env={**machine.environment, "RESTIC_REPOSITORY": url, "RESTIC_PASSWORD": PASSPHRASE},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _rows(fleet: ChaosFleet, query: str, machine: Machine) -> list[tuple[Any, ...]]:
    import psycopg

    with psycopg.connect(fleet.database_url) as connection:
        return connection.execute(query.encode(), (machine.id,)).fetchall()
