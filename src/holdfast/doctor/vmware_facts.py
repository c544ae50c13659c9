"""Facts of VMware hosts and of Linux machines that were failed back to them."""

from dataclasses import dataclass

from holdfast.doctor.facts import Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypervisor(Fact):
    """The product a target host runs, with its version."""

    product: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Licence(Fact):
    """A licence of an ESXi host: its key in the model (esxBasic is the free one) and its name."""

    edition: str
    name: str = ""

    @property
    def free(self) -> bool:
        said = f"{self.edition} {self.name}".lower()
        return "esxbasic" in said or "hypervisor" in said


@dataclass(frozen=True, slots=True, kw_only=True)
class Datastore(Fact):
    """A datastore, and whether the host reaches it."""

    name: str
    accessible: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission(Fact):
    """A role that an account has in vCenter."""

    principal: str
    role: str

    @property
    def read_only(self) -> bool:
        return self.role.lower().replace("-", "").replace(" ", "") in {"readonly", "view"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxAddress(Fact):
    """How an interface gets its IPv4 address: dhcp or static."""

    interface: str
    source: str
