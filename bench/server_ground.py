"""What the server is measured with: machines with certificates, jobs, and the process itself."""

import os
import secrets
import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bench.server_client import trusting
from holdfast.app.control.authority import load_authority
from holdfast.base.clock import SystemClock
from holdfast.catalog.database import Database
from holdfast.catalog.tables import Certificate, Job, Machine, Vault
from holdfast.testing.fleet import FleetServer
from holdfast.testing.planes import key_text, make_csr, make_key

_TICKS = os.sysconf("SC_CLK_TCK")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """Machines of one vault; what each shows lies in a file of its own."""

    vault_id: str
    ids: list[str]
    ca_file: str
    folder: Path

    def context(self, number: int) -> ssl.SSLContext:
        return trusting(self.ca_file, str(self.folder / f"{self.ids[number]}.pem"))


def state_of(server: FleetServer, database_url: str | None) -> Database:
    return Database(database_url or f"sqlite:///{server.state}/state.db")


def add_agents(server: FleetServer, database: Database, count: int) -> Agents:
    """Registered as if each had come with the vault's credentials; all have one key."""
    folder = server.home / "agents"
    folder.mkdir()
    now = SystemClock().now()
    authority = load_authority(str(server.state), now=now)
    key = make_key()
    csr, secret = make_csr(key), key_text(key)
    vault_id, ids = secrets.token_hex(8), [secrets.token_hex(8) for _ in range(count)]
    with database.write() as db:
        place = str(server.home / "vault")
        db.add(
            Vault(id=vault_id, name="bench", location=place, machine_limit=count, created_at=now)
        )
    for first in range(0, count, _AT_ONCE):
        with database.write() as db:
            for id_ in ids[first : first + _AT_ONCE]:
                db.add(Machine(id=id_, vault_id=vault_id, name=id_, registered_at=now, facts={}))
            db.flush()
            for id_ in ids[first : first + _AT_ONCE]:
                issued = authority.issue_client_certificate(csr, id_, now=now)
                (folder / f"{id_}.pem").write_text(issued.pem + secret)
                shown = Certificate(
                    fingerprint=issued.fingerprint,
                    machine_id=id_,
                    issued_at=now,
                    expires_at=issued.expires_at,
                )
                db.add(shown)
    return Agents(vault_id=vault_id, ids=ids, ca_file=str(server.ca_file), folder=folder)


def add_jobs(database: Database, agents: Agents, count: int) -> None:
    """Finished backups, as a list of them is looked at."""
    now = SystemClock().now()
    with database.write() as db:
        for number in range(count):
            ended = now - timedelta(minutes=count - number)
            job = Job(
                id=secrets.token_hex(8),
                vault_id=agents.vault_id,
                machine_id=agents.ids[number % len(agents.ids)],
                kind="backup",
                origin="schedule",
                source="/etc",
                state="done",
                arguments={},
                asked_by="schedule",
                created_at=ended - timedelta(minutes=2),
                started_at=ended - timedelta(minutes=1),
                ended_at=ended,
                progress={"bytes_done": 1_000_000, "files_done": 100},
            )
            db.add(job)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Of a process and what it has started: processor seconds, and bytes of memory."""

    cpu: float
    resident: int
    peak: int


def spent(pid: int) -> Spent:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = {
        name: int(rest.split()[0]) * 1024
        for name, _colon, rest in (
            line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        )
        if name in ("VmRSS", "VmHWM")
    }
    cpu = (int(fields[11]) + int(fields[12])) / _TICKS
    return Spent(cpu=cpu, resident=status["VmRSS"], peak=status["VmHWM"])


def forget_peak(pid: int) -> None:
    """From now on the kernel counts the peak anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
