"""The machine that checks are about, and what is left of their time."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.base.clock import Clock
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_agent import GuestAgent
from holdfast.hypervisor.guest_programs import GuestPrograms


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """`deadline` is the clock's, for all checks together."""

    domain: Domain
    clock: Clock
    deadline: float
    has_agent: bool = True
    # Whether this host can reach it over a network of the test.
    has_network: bool = False
    # For commands on this host.
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def left(self) -> float:
        return max(0.0, self.deadline - self.clock.monotonic())

    @property
    def agent(self) -> GuestAgent:
        return GuestAgent(self.domain)

    @property
    def programs(self) -> GuestPrograms:
        return GuestPrograms(self.agent, self.clock, about=self.domain.name)
