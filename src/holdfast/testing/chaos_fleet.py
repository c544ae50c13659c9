"""Two servers on one PostgreSQL, three machines with agents, a person: all of it real processes.

What each of them writes lies on a small disk of its own, so that it can be full.
"""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess  # noqa: TID251  the agents under test are processes
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec

from holdfast.agent.jobs import Job
from holdfast.agent.place import Place
from holdfast.testing.chaos_ways import Way
from holdfast.testing.fleet import FleetServer
from holdfast.testing.killing import children_of
from holdfast.testing.postgres import Postgres

PASSPHRASE = "correct horse battery staple"  # noqa: S105  of throwaway repositories
KEPT, CHURNED = "kept", "churned"
_HOLDFAST = Path(sys.executable).with_name("holdfast")
_PATIENCE = 100.0
# What a test asks for is answered fast or not at all: the other server is tried next.
_ANSWER_WITHIN = 4.0
# As short as a vault allows: of one day's points, all but the newest go.
_LEAST = ["daily 7", "weekly 4", "monthly 3", "yearly 1"]
# Failures pass in seconds here, so that the end is near once all is mended.
_RETRY = {"first": ["2s", "3s"], "then": "5s", "most": 500}


class Disk:
    """A file system of its own of so many megabytes; where none can be mounted, just a folder."""

    def __init__(self, path: Path, megabytes: int) -> None:
        self.path = path
        path.mkdir(parents=True)
        words = [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            f"size={megabytes}m,mode=0700",
            "holdfast",
            str(path),
        ]
        self.is_own = os.geteuid() == 0 and (
            subprocess.run(words, check=False, capture_output=True).returncode == 0  # noqa: S603  fixed words
        )
        self.is_full = False

    def fill(self) -> None:
        """Take all that is left, to the last byte."""
        assert self.is_own
        self.is_full = True
        with open(self._ballast, "ab", buffering=0) as ballast, contextlib.suppress(OSError):
            while ballast.write(bytes(1 << 20)):
                pass

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)
        self.is_full = False

    def close(self) -> None:
        if self.is_own:
            words = ["umount", "-l", str(self.path)]
            subprocess.run(words, check=False, capture_output=True)  # noqa: S603  fixed words

    @property
    def _ballast(self) -> Path:
        return self.path / "ballast"


@dataclass(slots=True)
class Machine:
    """One machine: its disk, its way to the servers, its agent, and two folders it protects."""

    name: str
    root: Path
    disk: Disk
    way: Way
    id: str = ""
    assignments: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    is_wanted: bool = False

    @property
    def home(self) -> Path:
        return self.disk.path / "home"

    @property
    def place(self) -> Place:
        return Place(str(self.home))

    @property
    def log(self) -> Path:
        return self.root / "agent.log"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],  # noqa: TID251  programs of the machine under test
            "HOME": str(self.root),
            "LC_ALL": "C.UTF-8",
            "HOLDFAST_HOME": str(self.home),
            "TMPDIR": str(self.disk.path),
        }

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def source(self, folder: str) -> Path:
        return self.root / folder

    def start(self) -> None:
        self.is_wanted = True
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603  our own command line
                [_HOLDFAST, "agent", "run"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def end(self, number: signal.Signals) -> None:
        """Send it a signal that ends it, and wait."""
        self.is_wanted = False
        process, self.process = self.process, None
        if process is not None:
            process.send_signal(number)
            process.wait(_PATIENCE)

    def children(self) -> list[int]:
        """Processes of its jobs, if it started them."""
        return children_of(self.process.pid) if self.process and self.is_running else []

    def run(self, *words: str) -> str:
        done = subprocess.run(  # noqa: S603  our own command line
            [_HOLDFAST, *words],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def journal(self) -> list[tuple[Job, int]]:
        """Every job it knows, with the number of the report the server has last taken in."""
        with contextlib.closing(sqlite3.connect(self.place.journal, timeout=10)) as db:
            rows = db.execute("SELECT body, delivered FROM jobs ORDER BY created").fetchall()
        return [(msgspec.json.decode(body, type=Job), delivered) for body, delivered in rows]

    def change(self, chance: random.Random) -> None:
        """Something else lies in its folders now."""
        for folder in (KEPT, CHURNED):
            name = f"file{chance.randrange(12)}"
            content = chance.randbytes(chance.randrange(1, 60_000))
            (self.source(folder) / name).write_bytes(content)


class Person:
    """Asks any server that answers. What got no answer is asked again, as the same request."""

    def __init__(self, servers: list[FleetServer]) -> None:
        token = servers[0].admin_token
        self._clients = [
            httpx.Client(
                base_url=f"{server.url}/api/v1",
                verify=server.tls(),
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=_ANSWER_WITHIN,
            )
            for server in servers
        ]

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response | None:
        """The answer of the first server that has one; None: nobody answers now."""
        for client in self._clients:
            with contextlib.suppress(httpx.TransportError):
                answer = client.request(method, path, **request)
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return answer
        return None

    def get(self, path: str) -> Any:
        return self._said("GET", path)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self._said("POST", path, json=body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self._said("PATCH", path, json=body)

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every item of a list, page after page."""
        found: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            joint = "&" if "?" in path else "?"
            page = self.get(f"{path}{joint}limit=200" + (f"&after={after}" if after else ""))
            found += page["items"]
            after = page["next"]
            if after is None:
                return found

    def _said(self, method: str, path: str, **request: Any) -> Any:
        answer = self.ask(method, path, **request)
        assert answer is not None, f"{method} {path}: no server answers"
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json() if answer.content else None


class ChaosFleet:
    """All of them together, healthy, from `start` to `close`."""

    def __init__(self, folder: Path, postgres: Postgres) -> None:
        self.folder = folder
        self.postgres = postgres
        self.is_database_up = True
        self.database_url = postgres.new_database()
        self.vault_disk = Disk(folder / "vault", 384)
        self.server_disks = [Disk(folder / f"server{number}", 160) for number in (1, 2)]
        self.servers = self._servers()
        self.person: Person
        self.vault = ""
        self.machines: list[Machine] = []
        # What should never be, however bad things are.
        self.complaints: list[str] = []

    @property
    def disks(self) -> list[Disk]:
        return [self.vault_disk, *self.server_disks, *(one.disk for one in self.machines)]

    def start(self) -> None:
        first, second = self.servers
        first.start()
        self.servers[1] = second = FleetServer(
            self.server_disks[1].path, self.database_url, keys_of=first, options=_server("two")
        )
        second.start()
        self.person = Person(self.servers)
        body = {"name": "main", "location": str(self.vault_disk.path / "files")}
        (self.vault_disk.path / "files").mkdir()
        self.vault = str(self.person.post("/vaults", body)["id"])
        self._make_policies()
        for number in range(3):
            self.machines.append(self._register(f"machine{number}"))
        for machine in self.machines:
            machine.start()

    def ports(self) -> list[int]:
        """Where the servers listen, in any order: whoever comes is spread over them."""
        found = [int(server.url.rsplit(":", 1)[1]) for server in self.servers if server.url]
        random.shuffle(found)
        return found

    def close(self) -> None:
        for machine in self.machines:
            with contextlib.suppress(subprocess.TimeoutExpired):
                machine.end(signal.SIGKILL)
            machine.way.close()
        self._kill_leftovers()
        for server in self.servers:
            server.end()
        with contextlib.suppress(AttributeError):
            self.person.close()
        for disk in self.disks:
            disk.close()

    def _servers(self) -> list[FleetServer]:
        first, second = (disk.path for disk in self.server_disks)
        # The second is made anew once there are keys to share.
        return [
            FleetServer(first, self.database_url, options=_server("one")),
            FleetServer(second, self.database_url, options=_server("two")),
        ]

    def _make_policies(self) -> None:
        often = {"schedule": "every 1m", "retry": _RETRY}
        prune = {"schedule": "every 2m", "max_unused": "0%"}
        check = {"schedule": "every 3m", "read_data": "10%"}
        kept = {"name": KEPT, **often, "retention": [*_LEAST, "last 1000"], "verification": check}
        churned = {"name": CHURNED, **often, "retention": _LEAST, "prune": prune}
        for body in (kept, churned):
            self.person.post(f"/vaults/{self.vault}/policies", body)

    def _register(self, name: str) -> Machine:
        root = self.folder / name
        machine = Machine(name=name, root=root, disk=Disk(root / "disk", 160), way=Way(self.ports))
        for folder in (KEPT, CHURNED):
            machine.source(folder).mkdir()
        machine.home.mkdir(mode=0o700)
        chance = random.Random(name)  # noqa: S311  no secret
        for _round in range(20):
            machine.change(chance)
        content = self.person.post(f"/vaults/{self.vault}/credentials", {})["content"]
        credentials = _secret(root / "credentials", content)
        words = ["--credentials", credentials, "--name", name, "--proxy", machine.way.url, "--lab"]
        machine.run("register", *words, "--passphrase-file", _secret(root / "key", PASSPHRASE))
        found = self.person.all(f"/machines?vault={self.vault}")
        (machine.id,) = (one["id"] for one in found if one["name"] == name)
        for folder in (KEPT, CHURNED):
            wanted = {"policy": folder, "paths": [str(machine.source(folder))]}
            made = self.person.post(f"/machines/{machine.id}/assignments", wanted)
            machine.assignments[folder] = str(made["id"])
        return machine

    def _kill_leftovers(self) -> None:
        """Jobs outlive an agent that is killed; they know their home by their environment."""
        marks = {f"HOLDFAST_HOME={machine.home}".encode() for machine in self.machines}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                if marks & set((entry / "environ").read_bytes().split(b"\0")):
                    os.kill(int(entry.name), signal.SIGKILL)


def _server(name: str) -> tuple[str, ...]:
    # The name is the one that machines are told; their proxies lead to either server.
    return ("--executor-id", name, "--url", "https://localhost:8443", "--name", "localhost")


def _secret(path: Path, content: str) -> str:
    path.write_text(content, encoding="utf-8")
    path.chmod(0o600)
    return str(path)


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
