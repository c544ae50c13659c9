"""Causes around one virtual machine: its disks, its Integration Services, its snapshots."""

from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.hyperv_judging import open_events, replicates, said, silent_log
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import FileSeen, Process, Service, Volume
from holdfast.doctor.hyperv_facts import (
    ChangeLog,
    GuestIscsi,
    IntegrationService,
    VmDisk,
    VmIntegration,
    VmReplication,
)
from holdfast.doctor.model import Span, Verdict, confirmed, not_applicable, ruled_out, unknown
from holdfast.doctor.open_records import SHOWN
from holdfast.doctor.windows_facts import RegistryValue

_GIB = 1 << 30
_VMMS = "hyperv.vmms-record"


@check("hyperv.requirements-unmet", needs=(VmDisk,))
def requirements(facts: Facts, params: Params) -> Verdict:
    if not replicates(facts):
        return not_applicable()
    disks = facts.of(VmDisk)
    for one in disks:
        reason = ""
        if one.pass_through:
            reason = "pass-through"
        elif one.shared:
            reason = "shared"
        elif one.size > params.number("largest_gb") * _GIB:
            reason = f"{one.size // _GIB} GB"
        if reason:
            return confirmed(one.span, vm=one.vm or "?", disk=one.path, reason=reason)
    return ruled_out(*(one.span for one in disks[:SHOWN]))


@check("hyperv.integration-services-old", needs_any=(VmIntegration, IntegrationService))
def integration(facts: Facts, _: Params) -> Verdict:
    known = facts.of(VmIntegration)
    old = [one for one in known if one.state in {"outdated", "missing"}]
    if old:
        return confirmed(*(one.span for one in old[:SHOWN]), vm=old[0].vm, count=len(old))
    apart = [one for one in facts.of(IntegrationService) if one.status == "mismatch"]
    if apart:
        return confirmed(apart[0].span, vm=apart[0].vm, count=len(apart))
    fine = [one for one in known if one.state == "current"]
    return ruled_out(*(one.span for one in fine[:SHOWN])) if fine else unknown("hyperv.integration")


@check("hyperv.backup-integration-off", needs=(IntegrationService,))
def backup_off(facts: Facts, _: Params) -> Verdict:
    known = facts.of(IntegrationService)
    off = [one for one in known if not one.enabled]
    if off:
        return confirmed(*(one.span for one in off[:SHOWN]), vm=off[0].vm, count=len(off))
    return ruled_out(*(one.span for one in known[:SHOWN]))


# Services of a Windows guest whose running shows that the listing is a guest's.
_GUEST_SERVICES = {"vmicheartbeat", "vmicshutdown", "vmickvpexchange", "vmictimesync"}
_LINUX_DAEMONS = ("hv-vss-daemon", "hv_vss_daemon", "hypervvssd")


@check("hyperv.requestor-down", needs_any=(IntegrationService, Service, Process))
def requestor(facts: Facts, _: Params) -> Verdict:
    if not replicates(facts) and not facts.of(IntegrationService):
        return not_applicable()
    silent = [one for one in facts.of(IntegrationService) if one.enabled and one.status == "silent"]
    if silent:
        return confirmed(silent[0].span, vm=silent[0].vm, what=silent[0].said)
    services = facts.of(Service)
    guests = {
        one.span.artefact
        for one in services
        if one.name.lower() in _GUEST_SERVICES and one.state == "running"
    }
    ours = [one for one in services if _requestor(one)]
    for one in ours:
        linux = one.name.lower().startswith(_LINUX_DAEMONS)
        # Windows starts this service on demand: stopped says something beside its running kin.
        told = linux or one.start == "disabled" or one.span.artefact in guests
        if one.state in {"stopped", "failed", "absent"} and told:
            return confirmed(one.span, vm="?", what=f"{one.name}: {one.state}")
    good: list[Span] = [one.span for one in ours if one.state == "running"]
    good += [one.span for one in facts.of(IntegrationService) if one.enabled and one.status == "ok"]
    good += [one.span for one in facts.of(Process) if one.name.startswith("hv_vss_daemon")]
    return ruled_out(*good[:SHOWN]) if good else unknown("hyperv.backup-integration")


def _requestor(one: Service) -> bool:
    name = one.name.lower()
    title = "hyper-v volume shadow copy requestor"
    return (
        name == "vmicvss" or name.startswith(_LINUX_DAEMONS) or title in {name, one.title.lower()}
    )


@check("hyperv.iscsi-disk", needs=(GuestIscsi,))
def iscsi(facts: Facts, _: Params) -> Verdict:
    if not replicates(facts):
        return not_applicable()
    inside = [one for one in facts.of(GuestIscsi) if not one.on_host]
    found = [one for one in inside if one.present]
    if found:
        return confirmed(*(one.span for one in found[:SHOWN]), name=found[0].name)
    fine = [one.span for one in inside if not one.present]
    return ruled_out(*fine[:SHOWN]) if fine else unknown("hyperv.guest-iscsi")


@check("hyperv.hrl-too-big", needs=(ChangeLog,))
def hrl(facts: Facts, params: Params) -> Verdict:
    """The source counts against the free room, the product against the size of the disk."""
    share = params.number("share")
    fine: list[Span] = []
    for folder, logs in _by_folder(facts).items():
        size = sum(one.size for one in logs)
        free = next((one.free for one in logs if one.free is not None), None)
        free = _room(facts, folder) if free is None else free
        spans = [one.span for one in logs[:SHOWN]]
        if free is not None and size > share * (free or 1):
            return _too_big(logs, size, free)
        disk, least = _disk_of(facts, logs)
        if disk and logs[0].size > share * disk:
            return _too_big(logs[:1], logs[0].size, disk)
        if free is not None or disk or logs[0].size <= share * least:
            fine += spans
    return ruled_out(*fine[:SHOWN]) if fine else unknown("hyperv.change-logs", "hyperv.disks")


def _too_big(logs: list[ChangeLog], size: int, room: int) -> Verdict:
    held, left = round(size / _GIB, 1), round(room / _GIB, 1)
    return confirmed(*(one.span for one in logs[:SHOWN]), path=logs[0].path, size=held, room=left)


def _by_folder(facts: Facts) -> dict[str, list[ChangeLog]]:
    folders: dict[str, list[ChangeLog]] = {}
    for one in facts.of(ChangeLog):
        folders.setdefault(one.path.rpartition("\\")[0].lower(), []).append(one)
    return folders


def _room(facts: Facts, folder: str) -> int | None:
    """The free room of the volume that the folder lies on: the longest path that it begins with."""
    above = [
        one
        for one in facts.of(Volume)
        if folder.startswith(one.path.lower().rstrip("\\")) and one.path.strip("\\")
    ]
    if "clusterstorage" in folder:
        above = [one for one in above if "clusterstorage" in one.path.lower()]
    return max(above, key=lambda one: len(one.path)).free if above else None


def _disk_of(facts: Facts, logs: list[ChangeLog]) -> tuple[int, int]:
    """The size of the disk beside the log by `Get-VHD`, and that of its file, which may be less."""
    stem = _stem(logs[0].path).split("_{")[0]
    by_name = [one.size for one in facts.of(VmDisk) if one.size and _stem(one.path) == stem]
    files = [one.size for one in facts.of(FileSeen) if one.size and _stem(one.path) == stem]
    return max(by_name, default=0), max(files, default=0)


def _stem(path: str) -> str:
    name = path.lower().rpartition("\\")[2]
    return name.removesuffix("x").removesuffix(".vhd").removesuffix(".hrl")


@check("hyperv.host-not-registered")
def not_registered(facts: Facts, _: Params) -> Verdict:
    """A machine replicates to Azure from a host that has no agent."""
    if records := open_events(facts, "hyperv.unregistered"):
        return said(records)
    azure = [one for one in facts.of(VmReplication) if one.to_azure]
    agents = [one for one in facts.of(Service) if one.name.lower() == "obengine"]
    here = [one for one in agents if one.state and one.state != "absent"]
    if here:
        return ruled_out(here[0].span)
    gone = [one for one in agents if one.state == "absent"]
    if azure and gone:
        return confirmed(azure[0].span, gone[0].span, vm=azure[0].vm, said="obengine")
    return unknown("hyperv.services", "hyperv.log.provider")


def _by_log(cause: str, *events: str, over: tuple[str, ...] = ()) -> None:
    """A cause that only the host's logs show."""

    @check(cause)
    def judge(facts: Facts, _: Params) -> Verdict:
        if records := open_events(facts, *events, over=over):
            return said(records)
        if ended := facts.event(*over):
            return ruled_out(ended[-1].span)
        quiet = silent_log(facts, _VMMS)
        return ruled_out(quiet) if quiet else unknown("hyperv.log.vmms")


_by_log("hyperv.enable-failed", "hyperv.enable-refused", over=("hyperv.enabled",))
_by_log("hyperv.requestor-mismatch", "hyperv.requestor-refused")
_by_log("hyperv.vss-set-failed", "hyperv.vss-set-lost", over=("hyperv.vss-set-made",))
_by_log("hyperv.config-broken", "hyperv.config-unloadable")


@check("hyperv.vmm-unprepared")
def vmm(facts: Facts, _: Params) -> Verdict:
    if records := open_events(facts, "hyperv.cloud-unprepared", over=("hyperv.cloud-prepared",)):
        return said(records)
    if ready := facts.event("hyperv.cloud-prepared"):
        return ruled_out(ready[-1].span)
    quiet = silent_log(facts, "hyperv.vmm-record")
    return ruled_out(quiet) if quiet else unknown("hyperv.log.vmm")


@check("hyperv.registered-elsewhere")
def elsewhere(facts: Facts, _: Params) -> Verdict:
    if records := open_events(facts, "hyperv.already-registered", over=("hyperv.registered",)):
        return said(records)
    if done := facts.event("hyperv.registered"):
        return ruled_out(done[-1].span)
    none = [
        one
        for one in facts.of(RegistryValue)
        if one.key.lower().endswith("\\azure site recovery") and one.name is None
    ]
    return ruled_out(none[0].span) if none else unknown("hyperv.provider-setup")
