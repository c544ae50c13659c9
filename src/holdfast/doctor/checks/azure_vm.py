"""What can be wrong with the backup of an Azure VM, as far as a pattern alone cannot say it."""

import re
from collections.abc import Sequence
from datetime import timedelta

from holdfast.doctor.checking import Params, absent, check
from holdfast.doctor.checks.waagent_signs import BACKUP, LOG, denied, every, failures, numbers
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact, LogSeen, Memory, Record, Service
from holdfast.doctor.linux_facts import CpuLoad, ExtensionStatus, GuestDisk, HandlerSeen, VmState
from holdfast.doctor.model import Span, Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import follows, open_records, spans
from holdfast.doctor.windows_facts import RegistryValue

EXTENSION_LOG = "linux.azure.extension.log"
# Storage that answers like this was reached, whatever name the extension gives to the failure.
ANSWERED = re.compile(r"errorcode: ?(?:404|409|412|5\d\d)\b")
# The freeze is over after a minute by itself; long before this the log goes on.
THAWED_BY = timedelta(minutes=15)
UNREADY = {
    "empty",
    "notready",
    "transitioning",
    "unresponsive",
    "notinstalled",
    "failed",
    "installing",
    "unavailable",
}


@check("azure-vm.no-network")
def no_network(facts: Facts, _: Params) -> Verdict:
    claimed = open_records(facts, "azure-vm.network-line", over=("azure-vm.snapshot-ok",), days=7)
    said = [one for one in claimed if not ANSWERED.search(one.text)] + open_records(
        facts, "azure-vm.storage-lost", over=("azure-vm.storage-ok",), days=2
    )
    if said:
        return confirmed(*spans(said), kind=said[-1].values.get("kind") or "?")
    good = facts.event("azure-vm.snapshot-ok")
    return denied(facts, EXTENSION_LOG, LOG, over=good) or unknown(EXTENSION_LOG)


@check("azure-vm.extension-not-loaded")
def extension_not_loaded(facts: Facts, params: Params) -> Verdict:
    """What the agent or the platform reports, the log where they are silent, the Windows service."""
    handlers = _backup_handlers(facts)
    bad = [one for one in handlers if one.state in UNREADY]
    if bad:
        return confirmed(*spans(bad), name=bad[-1].name, seen=_reason(bad[-1]))
    if provider := _bad_provider(facts):
        return confirmed(provider.span, name=provider.name, seen=provider.start or provider.state)
    logged = failures(facts, backup=True)
    last = logged[-1] if logged else None
    if not handlers and isinstance(last, Record):
        code = last.values.get("exit")
        seen = f"exit code {code}" if code else last.text.strip()[:80]
        return confirmed(*spans(logged), name=last.values["name"], seen=seen)
    said = open_records(facts, "azure-vm.extension-line", over=("azure-vm.snapshot-ok",), days=7)
    own = [one for one in said if BACKUP.search(one.values.get("name") or "VMSnapshot")]
    if own:
        return confirmed(*spans(own), name="VMSnapshotLinux", seen=own[-1].text.strip()[:80])
    old = [one for one in handlers if _older(one, params.text("min_version"))]
    if old:
        return confirmed(*spans(old), name=old[0].name, seen=old[0].version)
    return _loaded(facts, handlers) or unknown("linux.waagent.status", "linux.waagent.log")


def _backup_handlers(facts: Facts) -> list[HandlerSeen]:
    """The newest report of each backup extension: the agent's own status beats its state file."""
    found = [one for one in facts.of(HandlerSeen) if BACKUP.search(one.name)]
    spoken = [one for one in found if one.code or one.state in {"ready", "notready"}] or found
    return list({one.name.lower(): one for one in spoken}.values())


def _reason(handler: HandlerSeen) -> str:
    first = handler.message.strip().split("\n", 1)[0][:120]
    return f"{handler.state} ({first})" if first else handler.state


def _bad_provider(facts: Facts) -> Service | None:
    known = [one for one in facts.of(Service) if one.name.lower() == "iaasvmprovider"]
    bad = [one for one in known if one.start in {"disabled", "manual"} or one.state == "absent"]
    return bad[-1] if bad else None


def _older(handler: HandlerSeen, wanted: str) -> bool:
    linux = handler.name.lower().endswith("vmsnapshotlinux")
    return (
        linux and len(numbers(handler.version)) > 0 and numbers(handler.version) < numbers(wanted)
    )


def _loaded(facts: Facts, handlers: Sequence[HandlerSeen]) -> Verdict | None:
    ready = [one for one in handlers if one.state == "ready"]
    done = [
        one
        for one in facts.of(ExtensionStatus)
        if one.status == "success" and BACKUP.search(one.name)
    ]
    logged = [
        one
        for one in facts.event("waagent.extension-ok")
        if BACKUP.search(one.values.get("name", ""))
    ]
    services = [
        one
        for one in facts.of(Service)
        if one.name.lower() == "iaasvmprovider" and one.start == "automatic"
    ]
    over: list[Fact] = [*ready, *done, *logged, *facts.event("azure-vm.snapshot-ok"), *services]
    return denied(facts, LOG, over=over)


@check("azure-vm.disk-too-large", needs=(GuestDisk,))
def disk_too_large(facts: Facts, params: Params) -> Verdict:
    """The old limit binds where the platform itself names the disk, the present one everywhere."""
    old, present = params.number("max_gib"), params.number("present_max_gib")
    disks = facts.of(GuestDisk)
    large = [one for one in disks if one.gib > (old if one.attached else present)]
    if large:
        limit = old if large[0].attached else present
        size = f"{large[0].gib:g}"
        return confirmed(*spans(large), name=large[0].name, size=size, limit=f"{limit:g}")
    doubtful = [one for one in disks if one.gib > old]
    return unknown("azure-vm.view") if doubtful else ruled_out(*spans(disks))


@check("azure-vm.low-memory")
def low_memory(facts: Facts, params: Params) -> Verdict:
    known = facts.of(Memory)
    if known:
        last = known[-1]
        available = f"{last.available / (1 << 20):.0f} MiB"
        low = last.available < params.number("min_bytes")
        return confirmed(last.span, available=available) if low else ruled_out(last.span)
    said = open_records(facts, "azure-vm.memory-line", over=("azure-vm.snapshot-ok",), days=2)
    if said:
        return confirmed(*spans(said), available="0 MiB")
    return unknown("linux.memory")


@check("azure-vm.high-load", needs=(CpuLoad,))
def high_load(facts: Facts, params: Params) -> Verdict:
    """`top` measures anew for every screen; the last one is the surest."""
    last = facts.of(CpuLoad)[-1]
    if last.busy > params.number("max_busy"):
        return confirmed(last.span, busy=f"{last.busy:g}")
    return ruled_out(last.span)


@check("azure-vm.sql-full-vss-backup", needs=(RegistryValue,))
def sql_full_vss_backup(facts: Facts, _: Params) -> Verdict:
    values = [one for one in facts.of(RegistryValue) if one.is_(r"\bcdragent", "USEVSSCOPYBACKUP")]
    if values and values[-1].value.strip().lower() == "true":
        return ruled_out(values[-1].span)
    keys = [one for one in facts.of(RegistryValue) if one.key.lower().endswith(r"\bcdragent")]
    server = [
        one
        for one in facts.of(Service)
        if one.state == "running" and one.name.lower().startswith("mssql")
    ]
    if server and keys:
        value = values[-1].value if values else "not set"
        return confirmed(keys[-1].span, server[0].span, value=value)
    return unknown("windows.registry", "windows.services")


def _states(facts: Facts, kind: str) -> list[VmState]:
    return [one for one in facts.of(VmState) if one.kind == kind]


@check("azure-vm.wrong-power-state", needs=(VmState,))
def wrong_power_state(facts: Facts, _: Params) -> Verdict:
    known = _states(facts, "power")
    if not known:
        return unknown("azure-vm.view")
    last = known[-1]
    if last.state in {"stopped", "stopping", "unknown"}:
        return confirmed(last.span, state=last.state)
    return ruled_out(last.span)


@check("azure-vm.vm-failed", needs=(VmState,))
def vm_failed(facts: Facts, _: Params) -> Verdict:
    known = _states(facts, "provisioning")
    bad = [one for one in known if one.state in {"failed", "canceled"}]
    if bad:
        return confirmed(*spans(bad), state=bad[-1].state)
    return ruled_out(*spans(known)) if known else unknown("azure-vm.view")


@check("azure-vm.freeze-failed")
def freeze_failed(facts: Facts, _: Params) -> Verdict:
    return _with_mount(facts, "azure-vm.freeze-failed-line")


@check("azure-vm.mount-unopenable")
def mount_unopenable(facts: Facts, _: Params) -> Verdict:
    return _with_mount(facts, "azure-vm.mount-line")


def _with_mount(facts: Facts, event: str) -> Verdict:
    said = open_records(facts, event, over=("azure-vm.snapshot-ok",), days=7)
    if said:
        mounts = dict.fromkeys(one.values["mount"] for one in said if one.values.get("mount"))
        named = f": {', '.join(mounts)}" if mounts else ""
        return confirmed(*spans(said), mount=named, count=len(said))
    over = facts.event("azure-vm.snapshot-ok") if facts.event(event) else []
    return denied(facts, EXTENSION_LOG, over=over) or unknown(EXTENSION_LOG)


@check("azure-vm.left-frozen")
def left_frozen(facts: Facts, _: Params) -> Verdict:
    """While frozen the log cannot be written: it ends there, or goes on with a new run."""
    begun = open_records(facts, "azure-vm.freeze-begin", days=7)
    if not begun:
        return absent(facts, [EXTENSION_LOG]) or unknown(EXTENSION_LOG)
    last = begun[-1]
    ends = [one for one in facts.event("azure-vm.freeze-end") if _after_or_at(one, last)]
    restarts = [one for one in facts.event("azure-vm.run-begin") if follows(one, last)]
    if ends and (not restarts or _after_or_at(restarts[0], ends[0])):
        return ruled_out(*every(ends))
    lines = every(begun)
    if restarts:
        return confirmed(*lines, restarts[0].span)
    later = _longer_logs(facts, last)
    if later or facts.whole(EXTENSION_LOG):
        return confirmed(*lines, *later)
    return unknown(EXTENSION_LOG)


def _longer_logs(facts: Facts, frozen: Record) -> list[Span]:
    """Ends of other logs of the VM that went on long after this one stopped."""
    return [
        log.last
        for log in facts.of(LogSeen)
        if log.stream == LOG and log.ends and frozen.when and log.ends - frozen.when > THAWED_BY
    ][:1]


def _after_or_at(later: Record, record: Record) -> bool:
    """The extension writes what it held back during the freeze with one and the same time."""
    same = later.when is not None and later.when == record.when
    return follows(later, record) or (same and later.span.first >= record.span.first)
