"""What the checks of Site Recovery ask of its jobs and logs, and whether it is there at all."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from holdfast.doctor.asr_facts import AGENT, JobDone, JobError, ProtectedItem, SiteServer
from holdfast.doctor.checking import absent
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Package, Reach, Record, Service
from holdfast.doctor.model import Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import SHOWN, open_records, short, spans

LOG = "asr.agent.log"
JOBS = "asr.jobs"
DAYS = 7.0
# A job's error is history when so much newer ones stand beside it.
OLD = timedelta(days=14)
# Names as the service control knows them, and as listings show them to people.
SENDERS = {
    "svagents": "svagents",
    "inmage scout vx agent - sentinel/outpost": "svagents",
    "vxagent": "vxagent",
}
APPLICATION = {
    "inmage scout application service": "InMage Scout Application Service",
    "appservice": "appservice",
}
SERVER_SERVICES = {
    "tmansvc": "tmansvc",
    "cxprocessserver": "cxprocessserver",
    "processserver": "ProcessServer",
    "processservermonitor": "ProcessServerMonitor",
    "process server": "ProcessServer",
    "process server monitor": "ProcessServerMonitor",
    "inmage pushinstall": "InMage PushInstall",
    "pushinstall": "InMage PushInstall",
    "logupload": "LogUpload",
}
_FAMILY = ("asr.", "vmware.")


def concerns(facts: Facts) -> bool:
    """Whether Site Recovery is asked about or seen: what is normal elsewhere must not raise alarm."""
    ours = SENDERS | APPLICATION | SERVER_SERVICES
    return (
        any(name.startswith(_FAMILY) for name in facts.asked)
        or bool(facts.logs(LOG) or facts.logs("asr.server.log"))
        or any(facts.of(kind) for kind in (JobError, ProtectedItem, SiteServer))
        or any(named(service, ours) for service in facts.of(Service))
        or any(package.name == AGENT for package in facts.of(Package))
    )


def named(service: Service, names: dict[str, str]) -> str:
    """The plain name of a service that is one of these, else ""."""
    return names.get(service.name.lower()) or names.get(service.title.lower()) or ""


def services(facts: Facts, names: dict[str, str]) -> list[tuple[str, Service]]:
    """The last word on each of these services."""
    found = [(name, one) for one in facts.of(Service) if (name := named(one, names))]
    return list({name: (name, one) for name, one in found}.values())


def down(service: Service) -> str:
    """In what state a service is that does not do its work; "" for one that does."""
    if service.state in {"stopped", "failed", "absent", "paused"}:
        return service.state
    return (
        "disabled" if service.start in {"disabled", "masked"} and service.state != "running" else ""
    )


def by_services(facts: Facts, names: dict[str, str]) -> Verdict | None:
    known = services(facts, names)
    for name, one in known:
        if state := down(one):
            return confirmed(one.span, service=name, state=state)
    running = [one.span for _, one in known if one.state == "running"]
    return ruled_out(*running[:SHOWN]) if running else None


def errors(facts: Facts, codes: Iterable[str], pattern: str = "") -> list[JobError]:
    """Errors with one of these codes, or whose text fits, that no later success has ended."""
    wanted = set(codes)
    spoken = re.compile(pattern, re.IGNORECASE) if pattern else None
    return [
        one
        for one in _newest(facts.of(JobError))
        if (wanted & set(one.codes) or (spoken and spoken.search(one.text)))
        and not _ended(facts, one)
    ]


def _newest(found: Sequence[JobError]) -> list[JobError]:
    times = [one.when for one in found if one.when]
    last = max(times, default=None)
    return [one for one in found if not (last and one.when and last - one.when > OLD)]


def _ended(facts: Facts, error: JobError) -> bool:
    return any(_ends(done, error) for done in facts.of(JobDone))


def _ends(done: JobDone, error: JobError) -> bool:
    if error.standing or "/" in done.kind:  # an operation on a resource is no job
        return False
    same = not (done.target and error.target) or done.target.lower() == error.target.lower()
    later = bool(done.when and error.when and done.when > error.when)
    return same and later


def succeeded(facts: Facts) -> list[JobDone]:
    """Jobs that went well after every error there is."""
    left = errors(facts, {code for one in facts.of(JobError) for code in one.codes})
    jobs = [one for one in facts.of(JobDone) if "/" not in one.kind]
    return [] if left else jobs


def signs(facts: Facts, *events: str, over: Sequence[str] = (), days: float = DAYS) -> list[Record]:
    return open_records(facts, *events, over=over, days=days)


def by_jobs(found: Sequence[JobError]) -> Verdict:
    """What the service itself says of the reason."""
    last = found[-1]
    return confirmed(*spans(found), seen=short(f"{'/'.join(last.codes)} {last.text}"))


def recovered(facts: Facts, over: Sequence[str], *streams: str) -> Verdict | None:
    """A denial by recovery in the log, by jobs that went well, or by the silence of whole logs."""
    ends = facts.event(*over)
    if ends:
        return ruled_out(ends[-1].span)
    if jobs := succeeded(facts):
        return ruled_out(jobs[-1].span)
    return absent(facts, streams) if streams else None


def trials(facts: Facts, wanted: str, *stages: str) -> list[Reach]:
    """The last trial of each target that fits, at these stages."""
    fits = re.compile(wanted, re.IGNORECASE)
    found = [one for one in facts.of(Reach) if one.stage in stages and fits.search(one.target)]
    return list({(one.target.lower(), one.stage): one for one in found}.values())


def by_trials(facts: Facts, wanted: str, *stages: str) -> Verdict | None:
    """One target that cannot be reached is enough; all that were tried have to be reached."""
    known = trials(facts, wanted, *stages)
    bad = [one for one in known if not one.reached]
    if bad:
        return confirmed(*spans(bad), seen=short(f"{bad[0].target} {bad[0].seen}"))
    return ruled_out(*spans(known)) if known else None


def by_log(facts: Facts, event: str, over: Sequence[str], *, days: float = DAYS) -> Verdict | None:
    said = signs(facts, event, over=over, days=days)
    if said:
        return confirmed(*spans(said), seen=short(said[-1].text), count=len(said))
    return None


def denied(facts: Facts, over: Sequence[str], *streams: str) -> Verdict:
    return recovered(facts, over, *streams) or unknown(*(streams or (JOBS,)))
