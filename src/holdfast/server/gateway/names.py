"""Which file a path of the protocol means. What is not written exactly so means none."""

import re
from dataclasses import dataclass
from enum import Enum

from holdfast.base.ids import is_file_id
from holdfast.base.units import GIB, KIB, MIB

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Folder(Enum):
    """Value: the name in the path, and the folder in the storage."""

    CONFIG = "config"
    DATA = "data"
    KEYS = "keys"
    LOCKS = "locks"
    SNAPSHOTS = "snapshots"
    INDEX = "index"
    # Ours: what was verified when. No other client asks for it.
    LEDGER = "holdfast/ledger"


# Offsets inside a pack have 32 bits; the others are far below these in every repository.
LARGEST = {
    Folder.CONFIG: 64 * KIB,
    Folder.DATA: 4 * GIB - 1,
    Folder.KEYS: 64 * KIB,
    Folder.LOCKS: 64 * KIB,
    Folder.SNAPSHOTS: 64 * MIB,
    Folder.INDEX: 512 * MIB,
    Folder.LEDGER: 512 * MIB,
}
_LEDGER = Folder.LEDGER.value.split("/")
_BY_NAME = {folder.value: folder for folder in Folder}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A repository, one of its folders, or one of its files."""

    vault_id: str
    machine_id: str
    folder: Folder | None = None
    id: str | None = None

    @property
    def is_file(self) -> bool:
        return self.id is not None or self.folder is Folder.CONFIG

    @property
    def name(self) -> str:
        """As the storage calls it, below the machine's folder."""
        assert self.folder is not None
        if self.id is None:
            return self.folder.value
        shard = f"{self.id[:2]}/" if self.folder is Folder.DATA else ""
        return f"{self.folder.value}/{shard}{self.id}"


def parse_target(path: str) -> Target | None:
    """The target of "/VAULT/MACHINE/…", None for a path that names nothing."""
    first, *parts = path.split("/")
    if first or len(parts) < 2 or not all(_ID.fullmatch(part) for part in parts[:2]):  # noqa: PLR2004  vault and machine
        return None
    vault_id, machine_id, *rest = parts
    if rest and not rest[-1]:
        rest.pop()
    if rest[:2] == _LEDGER:
        rest[:2] = [Folder.LEDGER.value]
    match rest:
        case []:
            return Target(vault_id=vault_id, machine_id=machine_id)
        case [folder] if folder in _BY_NAME:
            return Target(vault_id=vault_id, machine_id=machine_id, folder=_BY_NAME[folder])
        case [folder, id_] if folder in _BY_NAME and folder != "config" and is_file_id(id_):
            return Target(vault_id=vault_id, machine_id=machine_id, folder=_BY_NAME[folder], id=id_)
        case _:
            return None
