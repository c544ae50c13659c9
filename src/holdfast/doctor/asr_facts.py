"""Facts of Azure Site Recovery: what its jobs, items, servers and the agent's files say."""

from dataclasses import dataclass
from datetime import datetime

from holdfast.doctor.facts import Fact

PROXY_INFO = "ProxyInfo.conf"  # `file` of Setting facts; keys in lower case: address, port
SSHD = "sshd_config"  # keys in lower case; "" for a line that is commented out
AGENT = "mobility-service"  # `name` of Package facts


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError(Fact):
    """An error of a job or of a replicated item's health, as the portal or its JSON shows it."""

    # The service's own code and the provider's below it, decimal.
    codes: tuple[str, ...]
    # What happened; `causes` is the standing list of what may be behind it.
    text: str
    causes: str = ""
    target: str = ""
    when: datetime | None = None
    # Part of the present state, not of a job that has ended.
    standing: bool = False
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDone(Fact):
    """A job or operation that ended well; `kind` as the service calls it."""

    kind: str
    target: str = ""
    when: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedItem(Fact):
    """A replicated machine; words in lower case, "" where the listing does not say."""

    name: str
    provider: str = ""
    discovery: str = ""
    system: str = ""
    state: str = ""
    health: str = ""
    test_failover: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteServer(Fact):
    """A process or master target server as the fabric's listing shows it; shares from 0 to 1."""

    role: str  # process-server, master-target
    name: str
    heartbeat: datetime | None = None
    cpu: float | None = None
    memory_used: float | None = None
    space_free: float | None = None
    datastores: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureVm(Fact):
    """A VM of Azure by its own description; `created` says how its system disk came to be."""

    name: str
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BootParameter(Fact):
    """`root` or `resume` of a kernel's command line in GRUB's files."""

    parameter: str
    device: str

    @property
    def by_device(self) -> bool:
        """Names that can change; UUIDs, labels and logical volumes cannot."""
        return self.device.startswith(("/dev/sd", "/dev/hd", "/dev/vd", "/dev/xvd", "/dev/nvme"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCertificate(Fact):
    """A root certificate that was looked for in the folder of trusted ones."""

    name: str
    there: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StartType(Fact):
    """A driver's or service's start type, and the one that booting in Azure needs."""

    name: str
    start: int
    wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Throughput(Fact):
    """A measured upload, in megabytes per second."""

    rate: float
