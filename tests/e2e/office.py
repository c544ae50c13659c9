"""A vault of a running server, and machines that come to it, each a folder with a command."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from holdfast.testing.fleet import FleetServer
from tests.e2e.conftest import Bench, Said
from tests.e2e.test_server_people import Person


class Office:
    """A vault of the server, and machines that come to it."""

    def __init__(self, admin: Person, root: Path) -> None:
        self.admin, self.root, self.name = admin, root, root.name[:40]
        (root / "stored").mkdir()
        admin.run("vault", "create", "--name", self.name, root / "stored")

    def credentials(self) -> Path:
        file = self.root / "office.credentials"
        self.admin.run("vault", "credentials", self.name, "--out", file)
        return file

    def machine(self, name: str) -> Bench:
        bench = Bench(self.root / name)
        bench.source.mkdir(parents=True)
        bench.passphrase_file.write_text(f"passphrase of {name}, long", encoding="utf-8")
        bench.passphrase_file.chmod(0o600)
        bench.environment.update(
            PATH=os.environ["PATH"],
            HOME=str(bench.root),
            LC_ALL="C.UTF-8",
            HOLDFAST_HOME=str(bench.home),
        )
        return bench

    def register(self, bench: Bench, *more: str | Path, status: int | None = 0) -> Said:
        how = ("--passphrase-file", bench.passphrase_file, "--proxy", "none", "--lab", *more)
        file = self.credentials()
        name = bench.root.name
        return bench.run(
            "register", "--credentials", file, "--name", name, *how, "--json", status=status
        )

    def of(self, name: str) -> str:
        """As people call it among the machines of several vaults."""
        return f"{self.name}/{name}"

    def machines(self) -> list[dict[str, Any]]:
        said = self.admin.run("vault", "machines", self.name, "--json")
        return [event["record"] for event in said.events]


def office_of(server: FleetServer, root: Path) -> Office:
    """With the server's first person, who has logged in."""
    person = Person(root / "admin", server)
    person.log_in("admin", server.admin_password)
    return Office(person, root)


def new_office(server: FleetServer, folder: Path) -> Office:
    """A vault of a server of its own, with its administrator logged in."""
    admin = Person(folder / "admin", server)
    admin.log_in("admin", server.admin_password)
    root = folder / "office"
    root.mkdir()
    return Office(admin, root)


@contextlib.contextmanager
def running_agent(bench: Bench, before: tuple[str, ...] = ()) -> Iterator[None]:
    """The machine's agent at work, and ended in order."""
    process = bench.start("agent", "run", before=before)
    try:
        yield
        assert process.poll() is None, process.communicate()
    finally:
        process.terminate()
        said = process.communicate(timeout=90)
    assert process.returncode == 0, said


def ordered(server: FleetServer, machine: str, kind: str, **arguments: Any) -> Callable[[], str]:
    """Order a job of the machine; ask for its state by calling the answer."""
    with server.client() as client:
        body = {"kind": kind, "arguments": arguments}
        answer = client.post(f"/api/v1/machines/{machine}/jobs", json=body)
        assert answer.is_success, answer.text
    job_id = answer.json()["id"]

    def state() -> str:
        with server.client() as client:
            return str(client.get(f"/api/v1/jobs/{job_id}").json()["job"]["state"])

    return state
