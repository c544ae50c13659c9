"""What can be wrong with Azure Site Recovery where its own jobs or the machine's files say it."""

import re

from holdfast.doctor.asr_facts import BootParameter, JobError, ProtectedItem, StartType, Throughput
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.asr_signs import (
    JOBS,
    LOG,
    by_jobs,
    by_log,
    concerns,
    denied,
    errors,
    recovered,
    signs,
    succeeded,
)
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Service
from holdfast.doctor.linux_facts import GuestDisk, VmState
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import spans
from holdfast.doctor.windows_facts import Disk, RegistryValue, VssProvider

_QUOTA = r"quota|exceeding approved|SkuNotAvailable|size[^.]{0,60}not available|할당량"
_POLICY = r"RequestDisallowedByPolicy|disallowed by policy|polic(?:y|ies)[^.]{0,40}(?:prevent|forbid|disallow|den(?:y|ied))"
_SIZES = (
    r"availability set[^.]{0,120}(?:size|famil|cluster)|(?:size|famil)[^.]{0,120}availability set"
)

_GUESSED = (_QUOTA, _POLICY, _SIZES)


def _reported(cause: str, *codes: str, pattern: str = "") -> None:
    """Register a cause that the service itself names: by the code, or by words of the error."""

    @check(cause)
    def judge(facts: Facts, _: Params) -> Verdict:
        found = errors(facts, codes, pattern) or _only_guess(facts, pattern)
        if found:
            return by_jobs(found)
        done = succeeded(facts)
        return ruled_out(done[-1].span) if done else unknown(JOBS)


def _only_guess(facts: Facts, pattern: str) -> list[JobError]:
    """Errors whose list of possible causes names this one and none of the others."""
    if pattern not in _GUESSED:
        return []
    others = [one for one in _GUESSED if one != pattern]
    return [
        error
        for error in errors(facts, ["28031"])
        if _says(pattern, error.causes) and not any(_says(one, error.causes) for one in others)
    ]


def _says(pattern: str, text: str) -> bool:
    return re.search(pattern, text, re.IGNORECASE) is not None


_reported("asr.quota", "150097", "28092", pattern=_QUOTA)
_reported("asr.policy-forbids", pattern=_POLICY)
_reported("asr.mixed-sizes", pattern=_SIZES)
_reported("asr.network-missing", "70038")
_reported("asr.disk-tier-changed", pattern=r"\bBookmarkNotFound\b")
_reported("asr.push-credentials", "95107", "95108", "95525")
_reported("asr.domain-trust", "95518", pattern=r"trust relationship between")
_reported("asr.account-disabled", "95519")
_reported("asr.account-locked", "95520")
_reported("asr.no-logon-server", "95521")
_reported("asr.network-gone", "95523")
_reported("asr.boot-layout", "95309", "95310", "95311", "95313")
_reported("asr.policy-not-associated", "78253")


@check("asr.disk-unmapped")
def disk_unmapped(facts: Facts, _: Params) -> Verdict:
    raw = [one for one in facts.of(Disk) if one.style.upper() == "RAW" and concerns(facts)]
    if raw:
        return confirmed(*spans(raw), seen=", ".join(one.name for one in raw))
    found = errors(facts, ["150039"])
    if found:
        return by_jobs(found)
    done = succeeded(facts)
    return ruled_out(done[-1].span) if done else unknown(JOBS)


@check("asr.vm-busy", needs=(VmState,))
def vm_busy(facts: Facts, _: Params) -> Verdict:
    known = [one for one in facts.of(VmState) if one.kind == "provisioning"]
    if not known:
        return unknown("azure-vm.view")
    last = known[-1]
    if last.state in {"updating", "creating", "deleting", "migrating"} and concerns(facts):
        return confirmed(last.span, state=last.state)
    return ruled_out(last.span)


@check("asr.disk-too-small")
def disk_too_small(facts: Facts, params: Params) -> Verdict:
    limit = params.number("min_gib")
    attached = [one for one in facts.of(GuestDisk) if one.attached]
    small = [one for one in attached if 0 < one.gib < limit]
    if small and concerns(facts):
        name, size = small[0].name, f"{small[0].gib:g}"
        return confirmed(*spans(small), name=name, size=size, limit=f"{limit:g}")
    found = errors(facts, ["150172"])
    if found:
        return confirmed(
            *spans(found), name=found[-1].target or "?", size=f"<{limit:g}", limit=f"{limit:g}"
        )
    return ruled_out(*spans(attached)) if attached else unknown("azure-vm.view")


@check("asr.grub-device-names")
def grub_device_names(facts: Facts, _: Params) -> Verdict:
    known = facts.of(BootParameter)
    bad = [one for one in known if one.by_device]
    if bad and concerns(facts):
        return confirmed(*spans(bad), parameter=bad[0].parameter, device=bad[0].device)
    if known and not bad:
        return ruled_out(*spans(known))
    found = errors(facts, ["151126", "95320"])
    if found:
        return confirmed(*spans(found), parameter="root", device="/dev/…")
    return unknown("asr.boot")


@check("asr.churn-high")
def churn_high(facts: Facts, _: Params) -> Verdict:
    """The service's own event or health; its general complaint of missing points does not say so."""
    pattern = r"data change rate[^.]{0,60}(?:beyond|above|exceed|more than|higher)"
    found = errors(facts, ["78188"], pattern)
    if found:
        return by_jobs(found)
    if said := by_log(facts, "asr.churn-line", ["asr.churn-ok"]):
        return said
    healthy = [one for one in facts.of(ProtectedItem) if one.health in {"normal", "healthy"}]
    if healthy:
        return ruled_out(*spans(healthy))
    return recovered(facts, ["asr.churn-ok"], LOG) or unknown("asr.items", LOG)


@check("asr.upload-slow", needs=(Throughput,))
def upload_slow(facts: Facts, params: Params) -> Verdict:
    last, limit = facts.of(Throughput)[-1], params.number("mb_per_s")
    if last.rate < limit and concerns(facts):
        return confirmed(last.span, rate=f"{last.rate:.2f}", limit=f"{limit:g}")
    return ruled_out(last.span)


_PROVIDER = {"azure site recovery vss provider", "inmagevssprovider", "inmage vss provider"}


def _provider(facts: Facts) -> list[Service]:
    names = ((one.name.lower(), one.title.lower(), one) for one in facts.of(Service))
    return [one for name, title, one in names if name in _PROVIDER or title in _PROVIDER]


@check("asr.provider-missing")
def provider_missing(facts: Facts, _: Params) -> Verdict:
    gone = [one for one in _provider(facts) if one.state == "absent"]
    if gone:
        return confirmed(*spans(gone), count=len(gone))
    there = [
        one
        for one in facts.of(VssProvider)
        if "site recovery" in one.name.lower() or "inmage" in one.name.lower()
    ]
    if there or _provider(facts):
        return ruled_out(*spans([*there, *_provider(facts)]))
    said = signs(facts, "asr.provider-missing-line", over=("asr.tag-ok",))
    if said:
        return confirmed(*spans(said), count=len(said))
    return denied(facts, ["asr.tag-ok"], LOG)


@check("asr.provider-disabled")
def provider_disabled(facts: Facts, _: Params) -> Verdict:
    known = _provider(facts)
    off = [one for one in known if one.start == "disabled"]
    if off:
        return confirmed(*spans(off), seen=off[0].name)
    spoken = [one for one in known if one.start]
    if spoken:
        return ruled_out(*spans(spoken))
    if said := by_log(facts, "asr.provider-disabled-line", ["asr.tag-ok"]):
        return said
    return denied(facts, ["asr.tag-ok"], LOG)


_WANTED_STARTS = {"atapi": 0, "intelide": 0, "storflt": 0, "vmbus": 0, "storvsc": 0, "dhcp": 2}
_SERVICE_KEY = re.compile(
    r"\\SYSTEM\\(?:CurrentControlSet|ControlSet\d+)\\Services\\(?P<name>\w+)$", re.IGNORECASE
)


@check("asr.hydration-failed")
def hydration_failed(facts: Facts, _: Params) -> Verdict:
    """The script's last word on each driver, the registry's, then the service's."""
    last = {one.name: one for one in facts.of(StartType)}.values()
    bad = [one for one in last if one.start != one.wanted]
    if bad:
        seen = ", ".join(f"{one.name}={one.start}" for one in bad)
        return confirmed(*spans(bad), seen=seen)
    values = _start_values(facts)
    wrong = [(name, one) for name, one in values if one.number != _WANTED_STARTS[name]]
    if wrong and concerns(facts):
        seen = ", ".join(f"{name}={one.number}" for name, one in wrong)
        return confirmed(*spans([one for _, one in wrong]), seen=seen)
    found = errors(facts, ["170010"])
    if found:
        return by_jobs(found)
    right = [*last, *(one for _, one in values if len(values) > 1)]
    return ruled_out(*spans(right)) if right and not wrong else unknown("asr.drivers")


def _start_values(facts: Facts) -> list[tuple[str, RegistryValue]]:
    found = []
    for one in facts.of(RegistryValue):
        key = _SERVICE_KEY.search(one.key)
        name = key["name"].lower() if key else ""
        if (
            name in _WANTED_STARTS
            and (one.name or "").lower() == "start"
            and one.number is not None
        ):
            found.append((name, one))
    return found


@check("asr.test-failover-left")
def drill_left_over(facts: Facts, _: Params) -> Verdict:
    items = [one for one in facts.of(ProtectedItem) if one.test_failover]
    left = [one for one in items if one.test_failover not in {"none", "notstarted", "na"}]
    if left:
        return confirmed(*spans(left), seen=f"{left[0].name} {left[0].test_failover}")
    if items:
        return ruled_out(*spans(items))
    found = errors(facts, [], r"replica IP address[^.]{0,80}invalid|복제본 IP")
    if found:
        return by_jobs(found)
    done = succeeded(facts)
    return ruled_out(done[-1].span) if done else unknown("asr.items", JOBS)
