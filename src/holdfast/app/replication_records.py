"""How far enabling the replication of a machine came: each step is kept as it ended."""

from pathlib import Path

import msgspec

from holdfast.app.replication_notes import read_note, write_note
from holdfast.app.vm_records import Step
from holdfast.replication.settings import ReplicationSettings

FOLDER = "replication"
_VERSION = 1


class Enabling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Beside the settings that hold now: what is wanted, and the steps on the way there."""

    version: int = _VERSION
    wanted: ReplicationSettings
    # A person has agreed that nothing could be brought back to where it is now.
    one_way: bool = False
    # A person has agreed to disks that are left out.
    partly: bool = False
    steps: tuple[Step, ...] = ()

    def step(self, name: str) -> Step | None:
        return next((one for one in self.steps if one.name == name), None)

    def with_step(self, step: Step) -> "Enabling":
        others = tuple(one for one in self.steps if one.name != step.name)
        return msgspec.structs.replace(self, steps=(*others, step))


def load(home: str, uuid: str) -> Enabling | None:
    return read_note(_file(home, uuid), Enabling)


def save(home: str, enabling: Enabling) -> None:
    write_note(_file(home, enabling.wanted.vm), enabling)


def _file(home: str, uuid: str) -> Path:
    return Path(home, FOLDER, uuid, "enabling.json")
