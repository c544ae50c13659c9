"""Where an agent keeps what it must not forget: the names of its files."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """The folder `agent` of a home."""

    home: str

    @property
    def folder(self) -> str:
        return os.path.join(self.home, "agent")

    @property
    def registration(self) -> str:
        return os.path.join(self.folder, "registration.json")

    @property
    def journal(self) -> str:
        return os.path.join(self.folder, "agent.db")

    @property
    def policies(self) -> str:
        return os.path.join(self.folder, "policies.json")

    @property
    def rates(self) -> str:
        return os.path.join(self.folder, "rates")

    @property
    def lock(self) -> str:
        """Held by the one agent that works here."""
        return os.path.join(self.folder, "agent.lock")

    @property
    def standing(self) -> str:
        """How the running agent stands with its server and its journal."""
        return os.path.join(self.folder, "standing.json")

    @property
    def log(self) -> str:
        """What the agent says where no service manager listens."""
        return os.path.join(self.folder, "agent.log")

    @property
    def outputs(self) -> str:
        """What running jobs say, a file each."""
        return os.path.join(self.folder, "running")

    def prepare(self) -> None:
        os.makedirs(self.outputs, 0o700, exist_ok=True)
