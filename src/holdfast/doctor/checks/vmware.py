"""What keeps a machine from being reprotected and failed back to VMware."""

import re

from holdfast.doctor.asr_facts import AzureVm, JobDone, ProtectedItem, SiteServer
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.asr_servers import on_process_server
from holdfast.doctor.checks.asr_signs import (
    APPLICATION,
    JOBS,
    LOG,
    by_log,
    by_services,
    by_trials,
    concerns,
    denied,
    errors,
    recovered,
    signs,
)
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Package, Service
from holdfast.doctor.linux_facts import VmState
from holdfast.doctor.model import State, Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import short, spans
from holdfast.doctor.vmware_facts import Datastore, Hypervisor, Licence, LinuxAddress, Permission

VMWARE_LOG = "vmware.log"
SERVER_LOG = "asr.server.log"
# Where the message can only be VMware's.
_TELLING = {VMWARE_LOG, JOBS}
# Endpoints of the platform are not the configuration server.
_HOME = r"^(?!.*(?:microsoft|windows\.net|azure|hypervrecovery|servicebus|blob\.)).*:443$"
_HOME_NAME = r"^(?!.*(?:microsoft|windows\.net|azure|hypervrecovery|servicebus|blob\.))[^:]*$"


@check("vmware.config-server-unreachable")
def config_server_unreachable(facts: Facts, _: Params) -> Verdict:
    """A trial by hand on this machine beats what its log said before."""
    tried = by_trials(facts, _HOME, "tcp")
    if tried and concerns(facts) and not on_process_server(facts):
        return tried
    over = ["asr.home-ok"]
    return (
        by_log(facts, "asr.home-line", over, days=2) or _pinged(facts) or denied(facts, over, LOG)
    )


def _pinged(facts: Facts) -> Verdict | None:
    """A ping that fails says much, one that succeeds nothing of the port."""
    tried = by_trials(facts, _HOME_NAME, "ping") if concerns(facts) else None
    return tried if tried and tried.state is State.CONFIRMED else None


@check("vmware.application-service-stopped")
def application_service_stopped(facts: Facts, _: Params) -> Verdict:
    return by_services(facts, APPLICATION) or unknown("windows.services", "linux.services")


@check("vmware.name-taken")
def name_taken(facts: Facts, _: Params) -> Verdict:
    found = signs(facts, "vmware.name-taken-line", over=("vmware.register-ok",))
    said = [one for one in found if one.stream in _TELLING or concerns(facts)]
    if said:
        names = dict.fromkeys(one.values["name"] for one in said if one.values.get("name"))
        named = f": {', '.join(names)}" if names else ""
        return confirmed(*spans(said), name=named, count=len(said))
    reported = errors(facts, ["78052"])
    if reported:
        return confirmed(*spans(reported), name="", count=len(reported))
    return denied(facts, ["vmware.register-ok"], VMWARE_LOG)


@check("vmware.vm-not-running")
def vm_not_running(facts: Facts, _: Params) -> Verdict:
    known = [one for one in facts.of(VmState) if one.kind == "power"]
    if known and known[-1].state in {
        "stopped",
        "deallocated",
        "stopping",
        "deallocating",
        "unknown",
    }:
        asked = any(name.startswith("vmware.") for name in facts.asked) or errors(facts, ["78093"])
        return (
            confirmed(known[-1].span, state=known[-1].state) if asked else unknown("azure-vm.view")
        )
    agent = [one for one in facts.of(VmState) if one.kind == "agent"]
    silent = [one for one in agent if one.state in {"notready", "unresponsive"}]
    if silent and errors(facts, ["78093"]):
        return confirmed(silent[-1].span, state=silent[-1].state)
    if known and not errors(facts, ["78093"]):
        return ruled_out(known[-1].span)
    if known and agent and not silent:
        return ruled_out(known[-1].span, agent[-1].span)
    found = errors(facts, ["78093"]) if not known else []
    return confirmed(*spans(found), state="78093") if found else unknown("azure-vm.view")


@check("vmware.datastore-inaccessible")
def datastore_inaccessible(facts: Facts, _: Params) -> Verdict:
    """The listing is the present, the log the past."""
    known = list({one.name: one for one in facts.of(Datastore)}.values())
    gone = [one for one in known if not one.accessible]
    if gone:
        return confirmed(*spans(gone), name=f": {', '.join(one.name for one in gone)}")
    if known:
        return ruled_out(*spans(known))
    said = signs(facts, "vmware.datastore-line", over=("vmware.datastore-ok",), days=2)
    if said:
        name = said[-1].values.get("name")
        return confirmed(*spans(said), name=f": {name}" if name else "")
    found = errors(facts, ["8061"])
    if found:
        return confirmed(*spans(found), name="")
    return denied(facts, ["vmware.datastore-ok"], VMWARE_LOG)


@check("vmware.read-only-account")
def read_only_account(facts: Facts, _: Params) -> Verdict:
    """An account counts when it has no other role; the master target lists no datastore then."""
    rights = facts.of(Permission)
    better = {one.principal.lower() for one in rights if not one.read_only and not _none(one)}
    poor = [one for one in rights if one.read_only and one.principal.lower() not in better]
    asked = "vmware.no-datastore-listed" in facts.asked
    if poor and concerns(facts):
        return confirmed(*spans(poor), seen=f"{poor[0].principal} {poor[0].role}")
    said = signs(facts, "vmware.permission-line", days=7)
    if said and concerns(facts):
        return confirmed(
            *spans(said), seen=said[-1].values.get("privilege") or short(said[-1].text)
        )
    targets = [one for one in facts.of(SiteServer) if one.role == "master-target"]
    blind = [one for one in targets if one.datastores == 0]
    if blind and asked:
        return confirmed(*spans(blind), seen=f"{blind[0].name}: 0")
    if rights and not poor:
        return ruled_out(*spans(rights))
    return recovered(facts, [], VMWARE_LOG) or unknown("vmware.permissions")


def _none(permission: Permission) -> bool:
    return permission.role.lower().replace(" ", "") in {"noaccess", "anonymous"}


@check("vmware.network-manager-removed")
def network_manager_removed(facts: Facts, _: Params) -> Verdict:
    """Many distributions do without it: a missing package counts only when it is asked about."""
    asked = bool(facts.asked & {"vmware.network-manager-missing", "vmware.address-changed"})
    services = [one for one in facts.of(Service) if one.name.lower() == "networkmanager"]
    packages = [one for one in facts.of(Package) if one.name == "NetworkManager"]
    there = [
        *(one for one in packages if one.version),
        *(one for one in services if one.state == "running"),
    ]
    if there:
        return ruled_out(*spans(there))
    erased = signs(
        facts,
        "vmware.network-manager-erased",
        over=("vmware.network-manager-installed",),
        days=3650,
    )
    if erased and (asked or concerns(facts)):
        return confirmed(*spans(erased))
    gone = [
        *(one for one in packages if not one.version),
        *(one for one in services if one.state == "absent"),
    ]
    if gone and asked:
        return confirmed(*spans(gone))
    back = facts.event("vmware.network-manager-installed")
    return ruled_out(back[-1].span) if back and not erased else unknown("vmware.network-manager")


@check("vmware.dhcp-after-failback", needs=(LinuxAddress,))
def dhcp_after_failback(facts: Facts, _: Params) -> Verdict:
    """DHCP is right for most machines: it counts only when a lost address is asked about."""
    known = facts.of(LinuxAddress)
    dynamic = [one for one in known if one.source == "dhcp"]
    if dynamic:
        asked = "vmware.address-changed" in facts.asked
        seen = dynamic[0].interface
        return confirmed(*spans(dynamic), interface=seen) if asked else unknown("vmware.addresses")
    return ruled_out(*spans(known))


@check("vmware.free-licence")
def free_licence(facts: Facts, _: Params) -> Verdict:
    known = facts.of(Licence)
    free = [one for one in known if one.free]
    paid = [one for one in known if not one.free]
    if free and not paid:
        return confirmed(*spans(free), edition=free[0].name or free[0].edition)
    if paid:
        return ruled_out(*spans(paid))
    said = signs(facts, "vmware.licence-line", days=14)
    if said:
        return confirmed(*spans(said), edition="RestrictedVersion")
    return denied(facts, [], VMWARE_LOG)


@check("vmware.process-server-disconnected")
def process_server_disconnected(facts: Facts, _: Params) -> Verdict:
    """A trial of port 443 on the process server itself, then what its logs say."""
    tried = by_trials(facts, _HOME, "tcp")
    if tried and (on_process_server(facts) or _asked_only(facts)):
        return tried
    over = ["vmware.heartbeat-ok"]
    if said := by_log(facts, "vmware.heartbeat-lost-line", over, days=2):
        return said
    return denied(facts, over, SERVER_LOG)


def _asked_only(facts: Facts) -> bool:
    return "vmware.process-server-not-connected" in facts.asked


@check("vmware.windows-2008r2-physical", needs=(ProtectedItem,))
def windows_2008r2_physical(facts: Facts, _: Params) -> Verdict:
    known = [one for one in facts.of(ProtectedItem) if one.system or one.discovery]
    bad = [
        one
        for one in known
        if re.search(r"2008 ?R2", one.system, re.IGNORECASE) and "physical" in one.discovery
    ]
    if bad:
        return confirmed(*spans(bad), name=bad[0].name, os=bad[0].system)
    spoken = [one for one in known if one.discovery and one.system]
    return ruled_out(*spans(spoken)) if spoken else unknown("asr.items")


# Which jobs or operations took the way home away: by words of their names.
_MIGRATED = r"complete.?migrat|migrat\w*.?complete|replicationprotecteditems/(?:complete)?migrate"
_MOVED = r"/moveresources/|moveresources\b"
_DELETED = r"microsoft\.compute/virtualmachines/delete"
_DISABLED = (
    r"disable.?(?:protection|replication|dr)\b|replicationprotecteditems/(?:remove|delete)\b"
)


def _done(facts: Facts, pattern: str) -> list[JobDone]:
    return [one for one in facts.of(JobDone) if re.search(pattern, one.kind, re.IGNORECASE)]


def _by_deed(facts: Facts, pattern: str) -> Verdict:
    """The deed confirms; a machine that is still protected as it should be denies."""
    found = _done(facts, pattern)
    if found:
        last = found[-1]
        moment = f" {last.when:%Y-%m-%d}" if last.when else ""
        return confirmed(*spans(found), seen=short(f"{last.kind} {last.target}{moment}"))
    ready = [
        one
        for one in facts.of(ProtectedItem)
        if "failover" in one.state or one.state == "protected"
    ]
    return ruled_out(*spans(ready)) if ready else unknown("asr.activity", JOBS)


@check("vmware.migrated")
def migrated(facts: Facts, _: Params) -> Verdict:
    items = [one for one in facts.of(ProtectedItem) if "migrat" in one.state]
    if items:
        return confirmed(*spans(items), seen=f"{items[0].name} {items[0].state}")
    return _by_deed(facts, _MIGRATED)


@check("vmware.moved")
def moved(facts: Facts, _: Params) -> Verdict:
    return _by_deed(facts, _MOVED)


@check("vmware.replica-deleted")
def replica_deleted(facts: Facts, _: Params) -> Verdict:
    """Deleting the machine of a test failover is its clean-up, and harmless."""
    found = [one for one in _done(facts, _DELETED) if not one.target.lower().endswith("-test")]
    if found and concerns(facts):
        return confirmed(*spans(found), seen=short(f"{found[-1].kind} {found[-1].target}"))
    running = [one for one in facts.of(VmState) if one.kind == "power" and one.state == "running"]
    if running and not found:
        return ruled_out(*spans(running))
    return unknown("asr.activity")


@check("vmware.protection-disabled")
def protection_disabled(facts: Facts, _: Params) -> Verdict:
    return _by_deed(facts, _DISABLED)


@check("vmware.created-by-hand", needs=(AzureVm,))
def created_by_hand(facts: Facts, _: Params) -> Verdict:
    """A failover attaches a disk that exists; a VM made from an image was not failed over."""
    known = facts.of(AzureVm)
    made = [one for one in known if one.created == "fromimage"]
    if made:
        asked = "vmware.no-failback" in facts.asked
        return (
            confirmed(*spans(made), name=made[0].name or "?") if asked else unknown("azure-vm.view")
        )
    return ruled_out(*spans(known))


@check("vmware.unsupported-target", needs=(Hypervisor,))
def unsupported_target(facts: Facts, _: Params) -> Verdict:
    known = facts.of(Hypervisor)
    bad = [one for one in known if "ESX" not in one.product and "vCenter" not in one.product]
    if bad and concerns(facts):
        return confirmed(*spans(bad), product=bad[0].product)
    return ruled_out(*spans(known)) if not bad else unknown("vmware.hypervisor")
