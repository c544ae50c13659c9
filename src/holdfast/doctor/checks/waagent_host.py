"""What the machine denies the Azure Linux agent: the way to the platform, room, rights, memory."""

from holdfast.doctor.checking import Params, absent, check
from holdfast.doctor.checks.waagent_signs import LOG, denied, every
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Reach, Volume
from holdfast.doctor.linux_facts import Inodes, Mount, Route
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import open_records, spans

WIRE_SERVER = "168.63.129.16"
UNREACHABLE = "Network is unreachable"
# Where the agent writes, the nearest first.
PATHS = ("/var/lib/waagent", "/var/log/azure", "/var/log", "/var/lib", "/var", "/")


@check("waagent.no-route")
def no_route(facts: Facts, _: Params) -> Verdict:
    routes = facts.of(Route)
    ways = [one for one in routes if one.destination.split("/")[0] in {"default", WIRE_SERVER}]
    blocked = [one for one in ways if one.blocked and one.destination != "default"]
    if blocked:
        return confirmed(*spans(blocked))
    cut = [one for one in facts.of(Reach) if UNREACHABLE in one.seen and not one.reached]
    if cut and not ways:
        return confirmed(*spans(cut))
    if ways:
        return ruled_out(*spans(ways))
    if routes:
        return confirmed(*(one.span for one in routes))
    said = open_records(facts, "waagent.no-route-line", over=("waagent.route-ok",), days=2)
    if said:
        return confirmed(*every(said))
    return denied(facts, LOG, over=facts.event("waagent.route-ok")) or unknown("linux.routes")


@check("waagent.wire-server-blocked")
def wire_server_blocked(facts: Facts, params: Params) -> Verdict:
    """A trial by hand says how it is now; the log only how it was at its end."""
    trials = [one for one in facts.of(Reach) if one.target.startswith(WIRE_SERVER)]
    ends = {one.target: one for one in trials}
    failed = [one for one in trials if not one.reached and not ends[one.target].reached]
    if failed:
        port = " " + ", ".join(sorted({one.target.rsplit(":", 1)[-1] for one in failed}))
        return confirmed(*spans(failed), port=port, why=failed[-1].seen)
    lost = open_records(facts, "waagent.wire-lost", over=("waagent.wire-ok",), days=2)
    if trials:
        return ruled_out(*spans(trials))
    # A start that came to nothing stands at the end of several attempts.
    weight = sum(2 if "Protocol endpoint not found" in one.text else 1 for one in lost)
    if weight >= params.number("at_least"):
        last = lost[-1]
        port = f" {last.values['port']}" if last.values.get("port") else ""
        return confirmed(
            *spans(lost), port=port, why=last.values.get("why", last.text.strip()[:80])
        )
    good = facts.event("waagent.wire-ok")
    return denied(facts, LOG, over=good) or unknown("linux.wire-server")


@check("waagent.goal-state-failing")
def goal_state_failing(facts: Facts, params: Params) -> Verdict:
    """Answers that only mean "not yet" count when they go on for long."""
    ends = ("waagent.goal-done",)
    failed = open_records(facts, "waagent.goal-failed", over=ends, days=1)
    delayed = open_records(facts, "waagent.goal-delayed", over=ends, days=1)
    said = sorted(failed + delayed, key=lambda one: (str(one.when), one.span.first))
    enough = len(failed) >= params.number("at_least")
    if enough or len(said) >= params.number("at_least_delayed"):
        return confirmed(*spans(said), count=max(len(said), facts.count("waagent.goal-failed")))
    troubled = facts.event("waagent.goal-failed", "waagent.goal-delayed")
    good = facts.event("waagent.goal-done") if troubled and not said else []
    return denied(facts, LOG, over=good) or unknown(LOG)


@check("waagent.disk-full")
def disk_full(facts: Facts, params: Params) -> Verdict:
    volumes = {one.path: one for one in facts.of(Volume) if one.path in PATHS}
    full = [one for one in volumes.values() if one.free_ratio < params.number("min_free")]
    if full:
        return confirmed(*spans(full), path=full[0].path)
    if volumes:
        return ruled_out(*spans(list(volumes.values())))
    said = open_records(facts, "waagent.no-space", over=("waagent.goal-done",), days=2)
    if said:
        return confirmed(*spans(said), path="/var")
    ended = facts.event("waagent.goal-done") if facts.event("waagent.no-space") else []
    return denied(facts, LOG, over=ended) or unknown("linux.df")


@check("waagent.inodes-full", needs=(Inodes,))
def inodes_full(facts: Facts, params: Params) -> Verdict:
    known = {one.path: one for one in facts.of(Inodes) if one.path in PATHS}
    limit = params.number("min_free")
    full = [one for one in known.values() if one.total and one.free / one.total < limit]
    if full:
        first = full[0]
        return confirmed(*spans(full), path=first.path, free=first.free, total=first.total)
    return ruled_out(*spans(list(known.values()))) if known else unknown("linux.df.inodes")


@check("waagent.folder-unusable")
def folder_unusable(facts: Facts, _: Params) -> Verdict:
    here = {one.path: one for one in facts.of(Mount) if one.path in PATHS}
    fixed = [one for one in here.values() if "ro" in one.options and one.kind != "squashfs"]
    if fixed:
        return confirmed(*spans(fixed), seen=f"{fixed[0].path} ro")
    said = open_records(facts, "waagent.unwritable", over=("waagent.goal-done",), days=2)
    if said:
        return confirmed(
            *spans(said), seen=said[-1].values.get("path") or said[-1].text.strip()[:120]
        )
    over = list(here.values()) if here else facts.event("waagent.goal-done")[-1:]
    return denied(facts, LOG, over=over) or unknown("linux.waagent.log")


@check("waagent.noexec")
def noexec(facts: Facts, _: Params) -> Verdict:
    here = {one.path: one for one in facts.of(Mount) if one.path in PATHS and "log" not in one.path}
    nearest = next((here[path] for path in PATHS if path in here), None)
    if nearest:
        bad = "noexec" in nearest.options
        return confirmed(nearest.span, path=nearest.path) if bad else ruled_out(nearest.span)
    said = open_records(facts, "waagent.noexec-line", over=("waagent.extension-ok",), days=7)
    if said:
        return confirmed(*spans(said), path=said[-1].values.get("path") or "/var")
    return absent(facts, [LOG]) or unknown("linux.mounts")


@check("waagent.selinux")
def selinux(facts: Facts, _: Params) -> Verdict:
    found = open_records(facts, "waagent.selinux-line", over=("waagent.extension-ok",), days=7)
    if found:
        return confirmed(*spans(found))
    permissive = facts.event("waagent.extension-ok")
    return denied(facts, "linux.journal", over=permissive) or unknown("linux.journal")


@check("waagent.oom-killed")
def oom_killed(facts: Facts, _: Params) -> Verdict:
    found = open_records(facts, "waagent.oom-line", over=("waagent.alive",), days=3)
    if found:
        return confirmed(*spans(found), process=found[-1].values.get("process") or "waagent")
    return denied(facts, over=facts.event("waagent.alive")) or unknown("linux.journal")
