"""Whether a machine's guest will come up at another host: looked at while it runs here, and kept.

What was found of a machine that is replicated is told to its site, which shows it on the day when
nobody can look any more.
"""

from dataclasses import dataclass
from datetime import datetime

from holdfast.app.vm_look import ask
from holdfast.app.vms import opened_host
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.domains import Domain, find_domain
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.hypervisor.states import State
from holdfast.machines.preflight import AgentSeen
from holdfast.recovery.readiness.findings import Finding, Weight, found
from holdfast.recovery.readiness.judging import judge
from holdfast.recovery.readiness.kept import keep_look, kept_look, kept_of
from holdfast.recovery.readiness.looking import look_at_guest
from holdfast.recovery.record_folder import RecordFolder
from holdfast.replication.source_folder import SourceFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """`is_blind`: nothing of the guest could be looked at, and the one finding says why."""

    vm: str
    name: str
    at: datetime
    findings: tuple[Finding, ...]
    is_blind: bool = False

    @property
    def against(self) -> tuple[Finding, ...]:
        return tuple(one for one in self.findings if one.is_against)

    @property
    def is_ready(self) -> bool:
        return not self.is_blind and not self.against


def show_readiness(session: Session, name: str) -> Readiness:
    with opened_host(session) as host:
        ready = look_at_readiness(session, find_domain(host, name))
    if SourceFolder(session.settings.home, ready.vm).is_there():
        keep_readiness(session, ready)
    return ready


def look_at_readiness(session: Session, domain: Domain) -> Readiness:
    """Reads only; a guest that cannot be looked at is no error."""
    blind = _blind(domain)
    findings = (blind,) if isinstance(blind, Finding) else _seen(session, domain, blind)
    return Readiness(
        vm=domain.uuid,
        name=domain.name,
        at=session.clock.now(),
        findings=findings,
        is_blind=isinstance(blind, Finding) or _is_silent(findings),
    )


def keep_readiness(session: Session, ready: Readiness) -> None:
    """An older look tells more than that nothing could be seen today."""
    folder = RecordFolder(session.settings.home, ready.vm).path
    if not ready.is_blind or kept_look(folder) is None:
        keep_look(folder, kept_of(ready.findings, ready.at))


def _blind(domain: Domain) -> AgentSeen | Finding:
    """Who can be asked in the guest; else why nobody can."""
    if domain.standing().state not in (State.RUNNING, State.BLOCKED):
        return found("guest-off", Weight.UNKNOWN)
    spec = domain.spec()
    agent = ask(domain, spec)
    if not agent.answers:
        code = "agent-absent" if spec.has_agent_channel else "agent-channel-missing"
        return found(code, Weight.HINDERS)
    return found("guest-frozen", Weight.UNKNOWN) if agent.is_frozen else agent


def _seen(session: Session, domain: Domain, agent: AgentSeen) -> tuple[Finding, ...]:
    try:
        looked = look_at_guest(domain, session.clock, agent.commands)
    except HoldfastError:
        # It fell silent over it, or was stopped or frozen meanwhile.
        return (found("agent-absent", Weight.HINDERS),)
    return judge(_next(domain), looked)


def _next(domain: Domain) -> DomainSpec:
    """As the next start finds it, here or elsewhere."""
    return domain.spec(inactive=domain.is_persistent())


def _is_silent(findings: tuple[Finding, ...]) -> bool:
    nothing = ("agent-absent", "agent-unable", "guest-not-linux")
    return any(one.code in nothing for one in findings)
