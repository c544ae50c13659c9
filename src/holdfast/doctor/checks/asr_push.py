"""What keeps the Mobility service from being installed on a machine from afar."""

from holdfast.doctor.asr_facts import SSHD
from holdfast.doctor.checking import Params, check
from holdfast.doctor.checks.asr_signs import (
    JOBS,
    by_jobs,
    by_log,
    by_trials,
    concerns,
    errors,
    succeeded,
)
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Service, Setting, Volume
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import spans
from holdfast.doctor.windows_facts import RegistryValue


@check("asr.sshd-refuses")
def sshd_refuses(facts: Facts, _: Params) -> Verdict:
    """The first line of a key counts; PasswordAuthentication is on where it is not set."""
    settings = [one for one in facts.of(Setting) if one.file == SSHD]
    live = [one for one in settings if one.value]
    first = {one.key: one for one in reversed(live)}
    password, subsystem = first.get("passwordauthentication"), first.get("subsystem")
    if password and password.value == "no" and concerns(facts):
        return confirmed(password.span, seen="PasswordAuthentication no")
    commented = [one for one in settings if one.key == "subsystem" and not one.value]
    if commented and not subsystem and concerns(facts):
        return confirmed(*spans(commented), seen="Subsystem sftp")
    good = [one for one in (password, subsystem) if one and one.value != "no"]
    return ruled_out(*spans(good)) if good else unknown("asr.sshd")


@check("asr.push-rights")
def push_rights(facts: Facts, _: Params) -> Verdict:
    found = errors(facts, ["95517"])
    if found:
        return by_jobs(found)
    name = "LocalAccountTokenFilterPolicy"
    values = [one for one in facts.of(RegistryValue) if one.is_(r"\policies\system", name)]
    off = [one for one in values if one.number == 0]
    if off and concerns(facts):
        return confirmed(*spans(off), seen=f"{name} 0")
    done = succeeded(facts)
    good = [one.span for one in values if one.number == 1] or [one.span for one in done[-1:]]
    return ruled_out(*good) if good else unknown(JOBS)


@check("asr.logon-service-stopped")
def logon_service_stopped(facts: Facts, _: Params) -> Verdict:
    """In a workgroup the service is stopped everywhere: it counts only when it is complained of."""
    asked = "asr.95519" in facts.asked or bool(errors(facts, ["95522"]))
    known = [one for one in facts.of(Service) if one.name.lower() == "netlogon"]
    bad = [one for one in known if one.state in {"stopped", "absent"} or one.start == "disabled"]
    if bad and asked:
        return confirmed(*spans(bad), seen=f"{bad[-1].name} {bad[-1].state}")
    running = [one for one in known if one.state == "running"]
    if running:
        return ruled_out(*spans(running))
    found = errors(facts, ["95522"])
    return by_jobs(found) if found else unknown("windows.services", JOBS)


@check("asr.source-unreachable")
def source_unreachable(facts: Facts, _: Params) -> Verdict:
    tried = by_trials(facts, r":(?:22|135)$", "tcp")
    if tried and concerns(facts):
        return tried
    found = errors(facts, ["95117", "97118"])
    done = succeeded(facts)
    if found:
        return by_jobs(found)
    return ruled_out(done[-1].span) if done else unknown("asr.reach", JOBS)


@check("asr.wmi-blocked")
def wmi_blocked(facts: Facts, _: Params) -> Verdict:
    found = errors(facts, ["95103"])
    if found:
        return by_jobs(found)
    if said := by_log(facts, "asr.rpc-line", []):
        return said
    done = succeeded(facts)
    return ruled_out(done[-1].span) if done else unknown(JOBS)


@check("asr.file-sharing-blocked")
def file_sharing_blocked(facts: Facts, _: Params) -> Verdict:
    tried = by_trials(facts, r":(?:139|445)$", "tcp")
    if tried and concerns(facts):
        return tried
    found = errors(facts, ["95105", "95106"])
    if found:
        return by_jobs(found)
    if said := by_log(facts, "asr.share-line", []):
        return said
    done = succeeded(facts)
    return ruled_out(done[-1].span) if done else unknown(JOBS, "asr.reach")


@check("asr.reboot-pending")
def reboot_pending(facts: Facts, _: Params) -> Verdict:
    found = errors(facts, ["95265", "95266"])
    if found:
        return by_jobs(found)
    if concerns(facts) and (said := by_log(facts, "asr.reboot-line", [], days=14)):
        return said
    done = succeeded(facts)
    return ruled_out(done[-1].span) if done else unknown(JOBS)


@check("asr.agent-space")
def agent_space(facts: Facts, params: Params) -> Verdict:
    """The drive or file system that the agent is installed on."""
    volumes = [
        one
        for one in facts.of(Volume)
        if one.path.upper() in {"C:", "C:\\", "/", "/USR", "/USR/LOCAL"}
    ]
    low = [one for one in volumes if one.free < params.number("min_bytes")]
    if low and concerns(facts):
        return confirmed(*spans(low), seen=f"{low[0].path} {low[0].free >> 20} MiB")
    if volumes and not low:
        return ruled_out(*spans(volumes))
    found = errors(facts, ["95524"])
    return by_jobs(found) if found else unknown(JOBS)
