"""Whether a guest will come up at another host, as far as could be seen. Pure."""

from collections.abc import Iterator

from holdfast.hypervisor.guest_looking import Looked, Way
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.recovery.readiness.booting import judge_booting
from holdfast.recovery.readiness.connecting import judge_network
from holdfast.recovery.readiness.drivers import judge_drivers
from holdfast.recovery.readiness.findings import Finding, Weight, found
from holdfast.recovery.readiness.reading import read_facts
from holdfast.recovery.readiness.starting_up import judge_starting

_ORDER = tuple(Weight)


def judge(spec: DomainSpec, looked: Looked) -> tuple[Finding, ...]:
    """The gravest first. `spec` is what the next start uses."""
    return tuple(sorted(_found(spec, looked), key=lambda one: _ORDER.index(one.weight)))


def _found(spec: DomainSpec, looked: Looked) -> Iterator[Finding]:
    if looked.way is Way.NONE:
        yield found("agent-unable", Weight.UNKNOWN)
        return
    facts = read_facts(looked)
    if facts.cmdline is None:
        # Neither Linux nor anything that is like it.
        yield found("guest-not-linux", Weight.UNKNOWN)
        return
    if looked.way is Way.FILES:
        yield found("agent-files-only", Weight.NOTE)
    yield from judge_booting(spec, facts)
    yield from judge_drivers(spec, facts)
    yield from judge_network(spec, facts.network)
    yield from judge_starting(facts.started, facts.firewall)
