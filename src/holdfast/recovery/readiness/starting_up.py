"""Whether a guest starts by itself what people and Holdfast reach it by: SSH, its agent. Pure."""

from collections.abc import Iterator

from holdfast.recovery.readiness.facts import Firewall, Started
from holdfast.recovery.readiness.findings import Finding, Weight, found

SSH = ("ssh.service", "sshd.service", "ssh.socket", "sshd.socket", "dropbear.service")
AGENT = ("qemu-guest-agent.service", "qemu-ga.service")
# A unit without an own word in the start is wanted by a device, as the agent is by its channel.
_STARTS = frozenset(("enabled", "static", "indirect", "alias", "generated", "linked"))
_SSH_NAMES = ("ssh", "dropbear")


def judge_starting(started: Started | None, firewall: Firewall | None) -> Iterator[Finding]:
    if started is None:
        yield found("unknown-services", Weight.UNKNOWN)
        return
    yield from _about_ssh(started)
    yield from _about_agent(started)
    if firewall is Firewall.CLOSED:
        yield found("firewall-bars-ssh", Weight.HINDERS)
    elif firewall is Firewall.OWN:
        yield found("unknown-firewall", Weight.UNKNOWN)


def _about_ssh(started: Started) -> Iterator[Finding]:
    if _starts(started, SSH, _SSH_NAMES):
        return
    if started.runs & {"sshd", "dropbear"} or any(one in started.units for one in SSH):
        yield found("ssh-not-at-boot", Weight.HINDERS)
    elif not started.has:
        yield found("ssh-missing", Weight.NOTE)
    else:
        yield found("unknown-ssh", Weight.UNKNOWN)


def _about_agent(started: Started) -> Iterator[Finding]:
    if _starts(started, AGENT, ("qemu",)):
        return
    known = [started.units[one] for one in AGENT if one in started.units]
    if known:
        yield found("agent-not-at-boot", Weight.HINDERS)
    else:
        yield found("unknown-agent", Weight.UNKNOWN)


def _starts(started: Started, units: tuple[str, ...], names: tuple[str, ...]) -> bool:
    is_unit = any(started.units.get(one) in _STARTS for one in units)
    return is_unit or any(name in link for link in started.links for name in names)
