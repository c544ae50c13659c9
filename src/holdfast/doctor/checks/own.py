"""Causes of our own failures: what the probes see now counts more than what a job said then."""

from collections.abc import Callable, Iterable

from holdfast.doctor.agent_facts import AgentScratch
from holdfast.doctor.checking import Params, check
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Fact
from holdfast.doctor.model import Span, Verdict, confirmed, not_applicable, ruled_out, unknown
from holdfast.doctor.own_facts import (
    JobRecord,
    ScratchFolder,
    SkippedItem,
    VaultClock,
    VaultPlace,
    VaultStage,
)

_MIB = 1 << 20
_GOOD = frozenset(("done", "warnings"))


def _last(facts: Facts) -> dict[str, JobRecord]:
    """How each kind of job ended last; what it said before that is history."""
    return {record.job: record for record in _jobs(facts)}


def _jobs(facts: Facts) -> list[JobRecord]:
    """The jobs of the vault that is looked at; without one, all."""
    places = {place.place for place in facts.of(VaultPlace)}
    return [one for one in facts.of(JobRecord) if not places or one.vault in {"", *places}]


def _failed_with(facts: Facts, codes: Iterable[str]) -> JobRecord | None:
    wanted = set(codes)
    return next((one for one in reversed(_last(facts).values()) if one.error in wanted), None)


def _from_jobs(facts: Facts, codes: Iterable[str], *probes: str) -> Verdict:
    """What the last jobs prove: the error itself, or that a later one went well."""
    if record := _failed_with(facts, codes):
        return confirmed(record.span, **{"job": record.job, **record.fields})
    good = [one for one in _last(facts).values() if one.result in _GOOD]
    return ruled_out(good[-1].span) if good else unknown(*probes)


def _by_record(cause: str, *codes: str) -> None:
    """A cause that only a job itself can meet."""

    @check(cause, needs=(JobRecord,))
    def judge(facts: Facts, _: Params) -> Verdict:
        return _from_jobs(facts, codes, "own.jobs")


_by_record("vault.passphrase-wrong", "wrong-passphrase")
_by_record("vault.passphrase-missing", "passphrase-not-given", "passphrase-unreadable")
_by_record("vault.locked", "vault-locked")
_by_record("vault.lock-lost", "lock-lost")
_by_record("vault.format-unknown", "vault-version")
_by_record("files.nothing-to-protect", "nothing-to-protect")
_by_record("files.hook-failed", "hook-failed", "hook-too-slow")
_by_record("files.target-full", "target-full", "target-too-small")
_by_record("files.target-unusable", "target-unusable", "target-read-only", "target-busy")
_by_record(
    "files.mount-impossible",
    "fuse-missing",
    "fuse-device-missing",
    "fuse-denied",
    "fuse-tool-missing",
)
_by_record("files.worker-killed", "worker-died")


@check("vault.damaged", needs=(JobRecord,))
def damaged(facts: Facts, _: Params) -> Verdict:
    """Until a check says otherwise, damage that any job met is there."""
    damage = [one for one in _jobs(facts) if one.result == "damage"]
    checked = [one for one in _jobs(facts) if one.job == "check" and one.result == "done"]
    if damage and not (checked and _line(checked[-1]) > _line(damage[-1])):
        return confirmed(damage[-1].span, **{"job": damage[-1].job, **damage[-1].fields})
    return ruled_out(checked[-1].span) if checked else unknown("own.jobs")


def _line(record: JobRecord) -> int:
    return record.span.first


@check("vault.full", needs_any=(VaultPlace, JobRecord))
def full(facts: Facts, params: Params) -> Verdict:
    least = params.number("min_free_mib") * _MIB
    for place in facts.of(VaultPlace):
        if place.free is not None:
            values = {"place": place.place, "free_mib": place.free // _MIB}
            said = confirmed if place.free < least else ruled_out
            return said(place.span, **values)
    return _from_jobs(facts, ["storage-full"], "own.vault")


@check("vault.place-missing", needs_any=(VaultPlace, JobRecord))
def place_missing(facts: Facts, _: Params) -> Verdict:
    for place in facts.of(VaultPlace):
        values = {"place": place.place, "reason": place.reason}
        return (ruled_out if place.exists else confirmed)(place.span, **values)
    return _from_jobs(facts, ["place-missing"], "own.vault")


@check("vault.not-a-vault", needs_any=(VaultPlace, JobRecord))
def not_a_vault(facts: Facts, _: Params) -> Verdict:
    for place in facts.of(VaultPlace):
        if place.has_config:
            return ruled_out(place.span)
        if place.exists and place.readable:
            return confirmed(place.span, place=place.place)
    return _from_jobs(facts, ["no-vault"], "own.vault")


@check("vault.denied", needs_any=(VaultPlace, JobRecord))
def denied(facts: Facts, _: Params) -> Verdict:
    for place in facts.of(VaultPlace):
        if place.exists and (not place.writable or place.error == "storage-denied"):
            return confirmed(place.span, place=place.place, reason=place.reason)
        if place.exists and place.kind == "file":
            return ruled_out(place.span)
    return _from_jobs(facts, ["storage-denied"], "own.vault")


def _by_look(cause: str, *codes: str) -> None:
    """A cause that looking at the place meets just as a job does."""

    @check(cause, needs_any=(VaultPlace, JobRecord))
    def judge(facts: Facts, _: Params) -> Verdict:
        for place in facts.of(VaultPlace):
            if place.error in codes:
                return confirmed(place.span, place=place.place, reason=place.reason)
            if place.has_config:
                return ruled_out(place.span)
        return _from_jobs(facts, codes, "own.vault")


_by_look("vault.credentials-refused", "credentials-wrong", "credentials-missing")
_by_look("vault.container-missing", "container-missing")
_by_look("vault.service-busy", "storage-throttled", "storage-unavailable")
_by_look("vault.disk-failing", "storage-broken")


def _by_stage(cause: str, *stages: str) -> None:
    """A stage of the way to the vault that does not work."""

    @check(cause, needs=(VaultStage,))
    def judge(facts: Facts, _: Params) -> Verdict:
        walked = [one for one in facts.of(VaultStage) if one.stage in stages]
        for stage in walked:
            if not stage.reached:
                return confirmed(stage.span, target=stage.target, seen=stage.seen)
        if walked:
            return ruled_out(*(stage.span for stage in walked))
        # Nothing is known of what lies behind the stage that failed.
        return unknown("own.network")


_by_stage("vault.name-unresolved", "dns")
_by_stage("vault.unreachable", "tcp", "http")
_by_stage("vault.proxy-refuses", "proxy")
_by_stage("vault.certificate-refused", "tls")


@check("vault.clock-off", needs_any=(VaultClock, JobRecord))
def clock_off(facts: Facts, params: Params) -> Verdict:
    for clock in facts.of(VaultClock):
        seconds, limit = clock.ahead.total_seconds(), params.number("max_seconds")
        said = confirmed if abs(seconds) > limit else ruled_out
        return said(clock.span, seconds=round(seconds), limit=round(limit))
    return _from_jobs(facts, ["clock-wrong"], "own.network")


@check("scratch.low", needs_any=(ScratchFolder, JobRecord))
def scratch_low(facts: Facts, params: Params) -> Verdict:
    for scratch in facts.of(ScratchFolder):
        if scratch.size:
            values = {
                "folder": scratch.folder,
                "free_mib": scratch.free // _MIB,
                "percent": round(100 * scratch.free / scratch.size, 1),
            }
            scarce = scratch.free < params.number("min_free") * scratch.size
            ample = scratch.free > params.number("ample_gib") * 1024 * _MIB
            return (confirmed if scarce and not ample else ruled_out)(scratch.span, **values)
    return _from_jobs(facts, ["scratch-full"], "own.scratch")


def _by_scratch(cause: str, code: str, *, is_bad: Callable[[ScratchFolder], bool]) -> None:
    @check(cause, needs_any=(ScratchFolder, JobRecord))
    def judge(facts: Facts, _: Params) -> Verdict:
        for scratch in facts.of(ScratchFolder):
            values = {"folder": scratch.folder, "reason": scratch.reason, "kind": scratch.kind}
            return (confirmed if is_bad(scratch) else ruled_out)(scratch.span, **values)
        return _from_jobs(facts, [code], "own.scratch")


_by_scratch("scratch.unusable", "scratch-unusable", is_bad=lambda one: not one.writable)
_by_scratch("scratch.unsupported", "scratch-unsupported", is_bad=lambda one: one.is_remote)


@check("scratch.missing", needs_any=(ScratchFolder, JobRecord))
def scratch_missing(facts: Facts, _: Params) -> Verdict:
    if facts.of(AgentScratch):  # the same is said of it as the agent's
        return not_applicable()
    for scratch in facts.of(ScratchFolder):
        said = ruled_out if scratch.in_place else confirmed
        return said(scratch.span, folder=scratch.folder)
    return _from_jobs(facts, ["scratch-moved"], "own.scratch")


def _by_skipped(cause: str, *codes: str) -> None:
    """Items of the newest list that were left out for one reason."""

    @check(cause, needs_any=(SkippedItem, JobRecord))
    def judge(facts: Facts, _: Params) -> Verdict:
        items = [one for one in facts.of(SkippedItem) if one.code.lower() in codes]
        if items:
            return confirmed(*_places(items), count=len(items), path=items[0].path)
        clean = [one for one in _jobs(facts) if one.job == "backup" and not one.skipped]
        others: list[Fact] = [*facts.of(SkippedItem)] or [*clean]
        return ruled_out(*_places(others)) if others else unknown("own.skipped")


def _places(facts: Iterable[Fact]) -> list[Span]:
    return [one.span for one in facts][:3]


_by_skipped("files.unreadable", "0x80070570")
_by_skipped("files.vanished", "0x80070002", "0x80070003")
_by_skipped("files.denied", "0x80070005")
_by_skipped("files.offline", "0x8007018b")
_by_skipped("files.changed-while-read", "changed")
_by_skipped("files.unsupported-items", "unsupported")
