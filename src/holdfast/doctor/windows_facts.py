"""Facts of Windows that several products' checks need; readers in `readers/windows_*.py` make them.

Shared kinds come from `facts`: Service, Process, Volume (path `C:`), Package, FileSeen, Reach,
ClockOffset, and Setting with one of the `file` names below.
"""

from dataclasses import dataclass
from datetime import datetime

from holdfast.doctor.facts import Fact

# `file` of Setting facts that come from listings and not from a file.
EXECUTION_POLICY = "Get-ExecutionPolicy"  # key: scope in lower case, or "effective"
PS_VERSION = "$PSVersionTable"  # key as printed: PSVersion, CLRVersion, BuildVersion …
PS_MODULE_PATH = "$env:PSModulePath"  # one Setting per folder, key "1", "2", …
WINHTTP_PROXY = "winhttp"  # keys proxy ("" is direct access) and bypass
BOOT = "bcdedit"  # key: element name, value as printed
SYSTEM_INFO = "systeminfo"  # keys host, os, version, booted, installed, memory_total, memory_free
NETWORK_ADAPTER = (
    "ipconfig"  # keys ipv4, ipv6, gateway, dns, dhcp-server; several of one are several facts
)

# What vssadmin shows in brackets, from the documented enumeration of writer states.
WRITER_STATES = {
    0: "unknown",
    1: "stable",
    2: "waiting-for-freeze",
    3: "waiting-for-thaw",
    4: "waiting-for-post-snapshot",
    5: "waiting-for-completion",
    6: "failed-at-identify",
    7: "failed-at-prepare-backup",
    8: "failed-at-prepare-snapshot",
    9: "failed-at-freeze",
    10: "failed-at-thaw",
    11: "failed-at-post-snapshot",
    12: "failed-at-backup-complete",
    13: "failed-at-pre-restore",
    14: "failed-at-post-restore",
    15: "failed-at-shutdown",
}
FIRST_FAILED_STATE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class VssWriter(Fact):
    """One writer of `vssadmin list writers`; the state is the number in brackets."""

    name: str
    # GUIDs in lower case without braces.
    id: str
    instance: str = ""
    state: int
    last_error: str = ""

    @property
    def failed(self) -> bool:
        return self.state >= FIRST_FAILED_STATE

    @property
    def state_name(self) -> str:
        return WRITER_STATES.get(self.state, str(self.state))


@dataclass(frozen=True, slots=True, kw_only=True)
class VssProvider(Fact):
    """One provider of `vssadmin list providers`."""

    name: str
    id: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowCopy(Fact):
    """One shadow copy of `vssadmin list shadows`."""

    id: str
    set_id: str = ""
    created: datetime | None = None
    volume: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowStorage(Fact):
    """Room for the shadow copies of a volume, in bytes; `maximum` None means no limit."""

    volume: str
    held_on: str = ""
    used: int
    allocated: int = 0
    maximum: int | None = None

    @property
    def used_ratio(self) -> float:
        return self.used / self.maximum if self.maximum else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryValue(Fact):
    r"""A value of a registry export or of `reg query`.

    `key` begins with the long name of its hive (HKEY_LOCAL_MACHINE\…); `name` "" is the default
    value; name None is the key itself (value ""). `number` is set for DWORD and QWORD values.
    """

    key: str
    name: str | None
    kind: str = ""
    value: str = ""
    number: int | None = None

    def is_(self, key_end: str, name: str) -> bool:
        """Whether this is the value of a key that ends so; upper and lower case count the same."""
        same_key = self.key.lower().endswith(key_end.lower())
        return same_key and self.name is not None and self.name.lower() == name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTask(Fact):
    """A task of the Task Scheduler, from its XML or from a listing; None: it does not say."""

    path: str
    enabled: bool | None = None
    command: str = ""
    arguments: str = ""
    run_as: str = ""
    # Has at least one trigger; False for a task that never starts by itself.
    triggered: bool | None = None
    last_run: datetime | None = None
    next_run: datetime | None = None
    last_result: int | None = None

    @property
    def name(self) -> str:
        return self.path.rsplit("\\", 1)[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk(Fact):
    """A disk or volume of diskpart, `Get-Disk` or Disk Management."""

    name: str
    size: int = 0
    free: int = 0
    # None when the listing does not tell dynamic disks from basic ones.
    dynamic: bool | None = None
    offline: bool | None = None
    style: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderListing(Fact):
    """A folder of a `dir` listing: how many files it has, by extension."""

    path: str
    files: int
    bytes: int
    # (".tmp", 9123), …, most frequent first.
    extensions: tuple[tuple[str, int], ...] = ()

    def count(self, extension: str) -> int:
        return dict(self.extensions).get(extension.lower(), 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class IscsiSession(Fact):
    """A session of `Get-IscsiSession` or `iscsicli sessionlist`."""

    target: str
    connected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DotNet(Fact):
    """The .NET Framework by its release number; 378389 is 4.5, 379893 is 4.5.2, 461808 is 4.7.2."""

    release: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BitLockerVolume(Fact):
    """A volume of `manage-bde -status` or `Get-BitLockerVolume`."""

    volume: str
    locked: bool | None = None
    protected: bool | None = None
