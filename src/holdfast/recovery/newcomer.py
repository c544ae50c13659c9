"""A machine that does not run on a host yet, as that host would get it."""

from dataclasses import dataclass, field
from functools import cached_property

from holdfast.hypervisor.domain_xml import read_domain
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.recovery.networks import Line


@dataclass(frozen=True, kw_only=True)
class Newcomer:
    name: str
    uuid: str
    description: str
    # How its network cards would be connected.
    lines: tuple[Line, ...]
    # The name of a machine of the host that has to make room.
    replaces: str = ""
    # Images that are made with it, or looked at by whoever knows them.
    disks: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def spec(self) -> DomainSpec:
        return read_domain(self.description)
