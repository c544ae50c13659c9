"""Facts about the MARS agent that only its own checks need."""

from dataclasses import dataclass
from datetime import datetime

from holdfast.doctor.facts import Fact
from holdfast.doctor.model import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultCredential(Fact):
    """A vault credentials file, without its secrets; `damage` says what makes it unusable."""

    vault: str = ""
    subscription: str = ""
    resource_id: str = ""
    version: str = ""
    issued: datetime | None = None
    expires: datetime | None = None
    damage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedFiles(Fact):
    """Neighbouring files of a list that were skipped for one reason; "" when it gives none."""

    code: str
    count: int
    first: str
    # How many of them lie in a folder of OneDrive or of Git.
    in_cloud: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSetting(Fact):
    """One property of `Get-OBMachineSetting`, its name in lower case."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupPolicy(Fact):
    """The policy of `Get-OBPolicy`: state is valid, paused, deleted or "" when it is not shown."""

    state: str
    times: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScratchListing(Fact):
    """A listing of the scratch folder; `complete` when it goes to its closing line.

    The span is the line of the key file where there is one, `listed` is all that was read.
    """

    listed: Span
    path: str
    has_key: bool
    complete: bool
    # Whether the folder holds what a used scratch folder holds: vhd, catalog, chk, state.
    used: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderAttributes(Fact):
    """The attributes of a folder, in lower case: directory, compressed, encrypted, reparsepoint."""

    path: str
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRule(Fact):
    """What the XML of a scheduled task says beyond being enabled."""

    path: str
    # IgnoreNew, Parallel, Queue, StopExisting; "" when it is not said
    instances: str = ""
    enabled: bool = True
    # None when the XML shows no triggers.
    trigger_enabled: bool | None = None
    user: str = ""
    # Times of day at which it starts, as HH:MM.
    starts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFiles(Fact):
    """Files of the MSOnlineBackup module that a listing or PowerShell shows."""

    present: bool
    empty: tuple[str, ...] = ()
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device(Fact):
    """A device of Device Manager, `pnputil` or `Get-PnpDevice`; ok None: it does not say."""

    id: str
    title: str
    ok: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TempFiles(Fact):
    """How many files with the ending .tmp lie in the temporary folder of Windows."""

    path: str
    count: int
