"""Questions about what is inside recovery points, and their answers, as both sides read them.

A question is asked while a person waits for it. Neither it nor its answer is kept anywhere: the
names of a machine's files are known to the server for as long as it passes them on.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

Sort = Literal["name", "size", "changed"]


class Asking(StrEnum):
    """What can be asked; the arguments and the answer of each are below."""

    OPEN = "open"  # OpenWanted -> Opened
    FOLDER = "folder"  # FolderWanted -> Folder
    SEARCH = "search"  # SearchWanted -> SearchFound
    WEIGH = "weigh"  # WeighWanted -> Weight
    VOLUMES = "volumes"  # VolumesWanted -> VolumesFound
    INSIDE = "inside"  # FolderWanted -> Folder
    INSIDE_SEARCH = "inside-search"  # SearchWanted -> SearchFound
    INSIDE_CONTENT = "inside-content"  # ContentWanted -> ContentPart
    VM_PLAN = "vm-plan"  # VmPlanWanted -> VmPlan
    CONTENT = "content"  # ContentWanted -> ContentPart
    CLOSE = "close"  # what was opened with a passphrase is closed; there is no answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    id: str
    kind: str
    arguments: dict[str, Any] = field(default_factory=dict)
    # Another machine of the vault, whose recovery points are meant.
    machine: str | None = None
    # What its passphrase is fetched for, once, and what it is called meanwhile.
    unlock: str | None = None
    ticket: str | None = None
    seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The one or the other."""

    result: dict[str, Any] | None = None
    # As a job carries it.
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReply:
    """Told once, to the machine that is to use it."""

    passphrase: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWanted:
    """Nothing more is asked than that the repository opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderWanted:
    """A part of what a folder holds; `name` is to be in the names. See `item_order`."""

    point: str
    path: str = "/"
    name: str = ""
    offset: int = 0
    limit: int = 200
    sort: Sort = "name"
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A file, a folder or anything else of a point; `path` as `fleet.point_paths` spells it."""

    name: str
    path: str
    # file, dir, symlink, dev, chardev, fifo, socket
    kind: str
    size: int = 0
    modified: datetime | None = None
    # The permissions alone.
    mode: int = 0
    owner: str = ""
    # Of a symbolic link.
    target: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    point: str
    path: str
    items: list[Item]
    # Of those that fit the name; the next page begins behind the last of these.
    total: int
    offset: int = 0
    # As they were sorted: an agent of the version before knows one way only, and says nothing.
    sort: Sort = "name"
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWanted:
    """Whatever has the text in its name, or fits it where it has `*` or `?`, below a folder."""

    point: str
    text: str
    path: str = "/"
    limit: int = 200
    # How long to look.
    seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFound:
    point: str
    items: list[Item]
    looked_at: int
    # False: there is more than was looked at, or than is shown.
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighWanted:
    """What these items are together, with all below them."""

    point: str
    paths: list[str]
    seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    files: int
    folders: int
    others: int
    bytes: int
    # Those of the wanted that are not in the point.
    missing: list[str]
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumesWanted:
    point: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFound:
    target: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFound:
    """A disk, a partition or a logical volume of a virtual machine."""

    name: str
    size: int
    content: str
    label: str
    is_readable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumesFound:
    point: str
    vm: str
    uuid: str
    consistency: str
    disks: list[DiskFound]
    volumes: list[VolumeFound]


@dataclass(frozen=True, slots=True, kw_only=True)
class VmPlanWanted:
    """How a virtual machine is to come back; said as the order itself says it."""

    point: str
    mode: Literal["new", "in-place", "disks"] = "new"
    name: str | None = None
    pool: str | None = None
    format: Literal["qcow2", "raw"] | None = None
    disks: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    keep_identity: bool = False
    start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDisk:
    target: str
    size: int
    # Without its zeros: what is written, and takes room.
    data: int
    is_chosen: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCard:
    """`network` as an order maps it: the network or bridge it was connected to."""

    mac: str
    # network, bridge, user, direct, …
    kind: str
    network: str
    # What it is connected to now; "": it is taken out.
    goes_to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """An error that the order would meet, as a job carries it."""

    code: str
    message: str
    remedy: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VmPlan:
    """What its host makes of it; nothing has been done."""

    point: str
    vm: str
    name: str
    # Where the disks come to lie; "": where they are.
    folder: str
    disks: list[PlannedDisk]
    cards: list[PlannedCard]
    # Of the host, by name.
    networks: list[str]
    bridges: list[str]
    needed: int
    free: int | None
    # With these it would fail.
    obstacles: list[Obstacle]
    # With these it comes back, but not as one may think.
    cautions: list[Obstacle]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentWanted:
    """A part of a file, as a part before it named it."""

    point: str
    path: str
    part: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentPart:
    point: str
    path: str
    # Of the whole file.
    size: int
    data: bytes
    # None: this is the last.
    next: int | None
