"""An agent and its real server: policy, points, jobs, commands, outages, a revoked certificate."""

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing.agent_program import AgentProgram
from holdfast.testing.fleet import FleetServer
from holdfast.testing.waiting import wait_until

PASSPHRASE = "correct horse battery staple"

pytestmark = pytest.mark.slow


class Fleet(AgentProgram):
    """One server with a vault in a folder, and one machine registered with it."""

    def __init__(self, root: Path, server: FleetServer) -> None:
        super().__init__(root, root / "machine")
        self.server = server
        self.client = server.client()
        self.source = root / "source"
        self.source.mkdir()
        (self.source / "file").write_text("content", encoding="utf-8")
        self.vault = self._vault()
        self.machine = self.register()

    def _vault(self) -> str:
        place = self.root / "vault"
        place.mkdir()
        # A lab, where two points may be all that is kept.
        body = {"name": "main", "location": str(place), "is_lab": True}
        return str(self.post("/vaults", body)["id"])

    def register(self) -> str:
        credentials = self.root / "credentials"
        content = self.post(f"/vaults/{self.vault}/credentials", {})["content"]
        credentials.write_text(content, encoding="utf-8")
        passphrase = self.root / "passphrase"
        passphrase.write_text(PASSPHRASE, encoding="utf-8")
        passphrase.chmod(0o600)
        self.run(
            "register", "--credentials", str(credentials), "--passphrase-file", str(passphrase)
        )
        (machine,) = self.get(f"/machines?vault={self.vault}")["items"]
        return str(machine["id"])

    def get(self, path: str) -> Any:
        reply = self.client.get(f"/api/v1{path}")
        assert reply.status_code < 300, reply.text
        return reply.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        reply = self.client.post(f"/api/v1{path}", json=body)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    def assign(self, **policy: Any) -> str:
        body = {"name": "hourly", "schedule": "every 31d", "retention": ["last 2"], **policy}
        made = self.post(f"/vaults/{self.vault}/policies", body)
        wanted = {"policy": made["id"], "paths": [str(self.source)]}
        return str(self.post(f"/machines/{self.machine}/assignments", wanted)["id"])

    def jobs(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/jobs?machine={self.machine}&kind={kind}")["items"]
        return found

    def ask(self, kind: str, **arguments: Any) -> str:
        body = {"kind": kind, "arguments": arguments}
        return str(self.post(f"/machines/{self.machine}/jobs", body)["id"])

    def state_of(self, job_id: str) -> str:
        return str(self.get(f"/jobs/{job_id}")["job"]["state"])


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with FleetServer(tmp_path / "server") as server:
        fleet = Fleet(tmp_path, server)
        yield fleet
        fleet.close()
        fleet.client.close()
        sys.stderr.write(fleet.log())


def test_from_a_policy_to_points_that_come_back(fleet: Fleet) -> None:
    assignment = fleet.assign()
    fleet.start()
    first = fleet.ask("backup", assignment=assignment)
    wait_until(lambda: fleet.state_of(first) == "done")
    wait_until(lambda: [job["state"] for job in fleet.jobs("retain")] == ["done"])
    wait_until(lambda: fleet.get(f"/machines/{fleet.machine}/points")["items"])

    (point,) = fleet.get(f"/machines/{fleet.machine}/points")["items"]
    target = fleet.root / "back"
    restore = fleet.ask("restore", point=point["id"], to=str(target))
    wait_until(lambda: fleet.state_of(restore) == "done")

    assert point["tags"] == [f"assignment:{assignment}", f"job:{first}"]
    assert point["policy"] == "hourly"
    assert [one.read_text(encoding="utf-8") for one in target.rglob("file")] == ["content"]
    assert fleet.stop() == 0


def test_server_that_was_killed_hears_all_afterwards(fleet: Fleet) -> None:
    assignment = fleet.assign()
    fleet.start()
    first = fleet.ask("backup", assignment=assignment)
    wait_until(lambda: fleet.state_of(first) == "done")

    fleet.server.kill()
    fleet.server.start()
    second = fleet.ask("backup", assignment=assignment)
    wait_until(lambda: fleet.state_of(second) == "done")

    assert fleet.stop() == 0
    points = [json.loads(line) for line in fleet.run("points", "--json").splitlines()]
    assert len(points) == 2


def test_prune_waits_for_its_lease_and_gives_it_back(fleet: Fleet) -> None:
    fleet.start()

    prune = fleet.ask("prune")
    wait_until(lambda: fleet.state_of(prune) == "done")
    again = fleet.ask("prune")
    wait_until(lambda: fleet.state_of(again) == "done")

    assert fleet.stop() == 0


def test_revoked_machine_says_so_and_goes_on(fleet: Fleet) -> None:
    fleet.start()
    wait_until(lambda: fleet.get(f"/machines/{fleet.machine}")["last_seen_at"])

    fleet.post(f"/machines/{fleet.machine}/revoke", {})
    fleet.stop(signal.SIGKILL)
    fleet.start()
    wait_until(lambda: "does not accept this machine's certificate" in fleet.log())

    assert fleet.process is not None
    assert fleet.process.poll() is None
    assert fleet.stop() == 0


def test_agent_that_runs_shows_the_certificate_of_a_new_registration(fleet: Fleet) -> None:
    """Whoever registers a machine anew does not think of the agent, which has the key of before."""
    fleet.start()
    wait_until(lambda: fleet.get(f"/machines/{fleet.machine}")["last_seen_at"])

    assert fleet.register() == fleet.machine
    assignment = fleet.assign()
    backup = fleet.ask("backup", assignment=assignment)

    wait_until(lambda: fleet.state_of(backup) == "done")
    assert fleet.stop() == 0
