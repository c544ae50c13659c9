"""A vault of a real server, and machines of it whose agents are real processes."""

from pathlib import Path
from typing import Any

import httpx

from holdfast.base.secret import Secret
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.agent_program import AgentProgram
from holdfast.testing.fleet import FleetServer
from holdfast.testing.vaults import open_vault
from holdfast.testing.vm_points import write_vm_point
from holdfast.testing.waiting import wait_until

SECRET = "the passphrase of {name}, which nobody else knows"


class Office:
    """A server with a vault, and machines whose agents run."""

    def __init__(self, root: Path, server: FleetServer) -> None:
        self.root, self.server = root, server
        self.client = server.client()
        place = root / "vault"
        place.mkdir()
        body = {"name": "main", "location": str(place), "is_lab": True}
        self.vault = str(self.post("/vaults", body)["id"])
        self.programs: dict[str, AgentProgram] = {}
        self.ids: dict[str, str] = {}

    def register(self, name: str) -> AgentProgram:
        folder = self.root / name
        folder.mkdir()
        credentials, passphrase = folder / "credentials", folder / "passphrase"
        content = self.post(f"/vaults/{self.vault}/credentials", {})["content"]
        credentials.write_text(content, encoding="utf-8")
        passphrase.write_text(SECRET.format(name=name), encoding="utf-8")
        passphrase.chmod(0o600)
        program = self.programs[name] = AgentProgram(folder, folder / "home")
        how = ("--passphrase-file", str(passphrase), "--name", name)
        program.run("register", "--credentials", str(credentials), *how)
        found = self.get(f"/machines?vault={self.vault}")["items"]
        self.ids[name] = next(str(one["id"]) for one in found if one["name"] == name)
        return program

    def wait_for_agents(self) -> None:
        """Until each has been heard of: from then on it comes for what it is asked."""

        def is_heard(machine: str) -> bool:
            return self.get(f"/machines/{machine}")["last_seen_at"] is not None

        wait_until(lambda: all(is_heard(one) for one in self.ids.values()))

    def asked(self, path: str, *, client: httpx.Client | None = None) -> httpx.Response:
        return (client or self.client).get(f"/api/v1{path}")

    def get(self, path: str) -> Any:
        reply = self.asked(path)
        assert reply.is_success, reply.text
        return reply.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        reply = self.client.post(f"/api/v1{path}", json=body)
        assert reply.is_success, reply.text
        return reply.json()

    def wait_for(self, job: dict[str, Any]) -> dict[str, Any]:
        def is_over() -> bool:
            state = self.get(f"/jobs/{job['id']}")["job"]["state"]
            return state not in ("waiting", "running")

        wait_until(is_over)
        found: dict[str, Any] = self.get(f"/jobs/{job['id']}")
        return found

    def unlock(self, passphrase: str, *, client: httpx.Client | None = None) -> httpx.Response:
        body = {"reader": self.ids["beta"], "passphrase": passphrase}
        path = f"/api/v1/machines/{self.ids['alpha']}/unlocks"
        return (client or self.client).post(path, json=body)

    def backed_up(self, name: str, *paths: Path) -> str:
        """Of files of a machine; the point's id."""
        points = f"/machines/{self.ids[name]}/points"
        before = {one["id"] for one in self.get(points)["items"]}
        order = {"kind": "backup", "arguments": {"paths": [str(path) for path in paths]}}
        job = self.post(f"/machines/{self.ids[name]}/jobs", order)
        assert self.wait_for(job)["job"]["state"] == "done"

        def fresh() -> list[str]:
            return [one["id"] for one in self.get(points)["items"] if one["id"] not in before]

        wait_until(fresh)
        return fresh()[0]

    def put_machine(self, name: str, vm: str, images: dict[str, Path], **given: Any) -> str:
        """A point of a virtual machine, into a machine's repository beside its agent; its id."""
        (config,) = self.root.glob(f"vault/**/{self.ids[name]}/config")
        passphrase = Secret(SECRET.format(name=name).encode())
        repository = open_vault(DirectoryStorage(str(config.parent)), passphrase=passphrase)
        return str(write_vm_point(repository, images, name=vm, **given).snapshot)

    def close(self) -> str:
        """End the agents; what they said."""
        for program in self.programs.values():
            program.close()
        self.client.close()
        return "".join(program.log() for program in self.programs.values())
