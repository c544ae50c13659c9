"""Causes of failing shadow copies: writers, the service, providers, room, rivals, disks, time."""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from holdfast.doctor.checking import Params, absent, check
from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import Record, Service
from holdfast.doctor.model import State, Verdict, confirmed, ruled_out, unknown
from holdfast.doctor.open_records import DAYS, SHOWN, open_records, recent, short, spans
from holdfast.doctor.vss_writers import SQL_WRITER, id_of, name_of, remedy_of, service_of
from holdfast.doctor.windows_facts import (
    Disk,
    RegistryValue,
    ShadowStorage,
    VssProvider,
    VssWriter,
)

LOG = "windows.event-log"
FAILED_AT_THAW = 10
WINDOWS_PROVIDER = "b5946137-7b9f-4925-af80-51abd60b20d5"
VSS_NAMES = frozenset(("vss", "volume shadow copy"))
PROVIDER_SERVICES = (
    "swprv",
    "iaasvmprovider",
    "azure site recovery vss provider",
    "asrvssprovider",
    "inmage scout vss provider",
)
DISABLED = 4
MIB = 1 << 20


@check("vss.writer-failed")
def writer_failed(facts: Facts, _: Params) -> Verdict:
    """By the state's number, without a listing by what the writer told the event log.

    What replication leaves behind at SQL Server's writer is no fault.
    """
    writers = _latest(facts.of(VssWriter))
    if not writers:
        return _refused(facts)
    failed = [one for one in writers if one.failed]
    aborted = recent(facts, facts.event("vss.sql-aborted-freeze"), days=DAYS)
    serious = [one for one in failed if not (aborted and _left_by_replication(one))]
    if serious:
        return _failed(serious)
    unlisted = _refused(facts, listed={one.id for one in writers})
    if unlisted.state is State.CONFIRMED:
        return unlisted
    return ruled_out(*(one.span for one in (failed or writers)[:SHOWN]))


_REFUSALS = {
    "f0": ("inconsistent-snapshot", "VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT"),
    "f1": ("out-of-resources", "VSS_E_WRITERERROR_OUTOFRESOURCES"),
    "f3": ("retryable", "VSS_E_WRITERERROR_RETRYABLE"),
    "f4": ("non-retryable", "VSS_E_WRITERERROR_NONRETRYABLE"),
}


def _refused(facts: Facts, listed: Collection[str] = ()) -> Verdict:
    """The last writer that rejected an event of a shadow copy and that no listing shows."""
    said = open_records(facts, "vss.writer-refused", over=("vss.good-set",))
    if listed:
        said = [one for one in said if _id_said(one) and _id_said(one) not in listed]
    if recent(facts, facts.event("vss.sql-aborted-freeze"), days=DAYS):
        said = [one for one in said if _id_said(one) != SQL_WRITER]
    over = facts.event("vss.good-set")
    if not said and over and facts.event("vss.writer-refused"):
        return ruled_out(over[-1].span)
    if not said:
        return unknown("windows.vss.writers", LOG)
    last = said[-1]
    known = _id_said(last)
    found = re.search(r"800423(f[0134])", last.text.lower())
    name, symbol = _REFUSALS[found[1]] if found else ("refused", "?")
    verdict = confirmed(
        *spans(said),
        writer=name_of(known) if known else last.values.get("writer", "?"),
        state=f"0x800423{found[1].upper()}" if found else "?",
        state_name=name,
        last_error=symbol,
        service=(service_of(known) if known else "") or "?",
    )
    return replace(
        verdict, remedies=("vss.retry-later", *([remedy_of(known)] if known else []), "vss.reboot")
    )


def _id_said(record: Record) -> str:
    """The class id stands in a record of the event log; other logs name the writer."""
    return (record.values.get("id") or id_of(record.values.get("writer", ""))).lower()


def _latest(writers: Sequence[VssWriter]) -> list[VssWriter]:
    """Of several listings of one text the last one counts, writer by writer."""
    return list(
        {(one.span.artefact, one.id, one.name, one.instance): one for one in writers}.values()
    )


def _left_by_replication(writer: VssWriter) -> bool:
    return writer.state == FAILED_AT_THAW and writer.id == SQL_WRITER


def _failed(serious: Sequence[VssWriter]) -> Verdict:
    first = serious[0]
    remedies = dict.fromkeys(remedy_of(one.id) for one in serious)
    verdict = confirmed(
        *(one.span for one in serious[:SHOWN]),
        writer=first.name or first.id,
        state=first.state,
        state_name=first.state_name,
        last_error=first.last_error,
        service=service_of(first.id) or "?",
        writers=", ".join(one.name or one.id for one in serious),
    )
    return replace(verdict, remedies=("vss.retry-later", *remedies, "vss.reboot"))


@check("vss.service-stopped")
def service_stopped(facts: Facts, _: Params) -> Verdict:
    """A stopped service is normal, it starts on demand; disabled, absent or crashing it is not."""
    known = [one for one in facts.of(Service) if _is_vss(one)]
    for one in known:
        if one.state == "absent" or one.start == "disabled":
            return confirmed(one.span, service=one.name, state=one.start or one.state)
    starts = _start_values(facts)
    if disabled := [one for one in starts if one.number == DISABLED]:
        return confirmed(disabled[0].span, service="VSS", state="disabled")
    crashed = open_records(facts, "vss.service-failed", over=("vss.service-ran",))
    if crashed:
        return confirmed(*spans(crashed), service="VSS", state=short(crashed[-1].text))
    if hung := [
        one for one in known if one.state in {"stopping", "starting"} and _asked_hung(facts)
    ]:
        return confirmed(hung[0].span, service=hung[0].name, state=hung[0].state)
    good = [
        one.span for one in known if one.state == "running" or one.start in {"manual", "automatic"}
    ]
    good += [one.span for one in starts]
    return ruled_out(*good[:SHOWN]) if good else unknown("windows.services")


def _is_vss(service: Service) -> bool:
    return service.name.lower() in VSS_NAMES


def _start_values(facts: Facts) -> list[RegistryValue]:
    return [one for one in facts.of(RegistryValue) if one.is_("\\services\\vss", "start")]


def _asked_hung(facts: Facts) -> bool:
    """Starting and stopping pass within seconds: they count when the service was complained of."""
    return "vss.service-bad" in facts.asked


@check("vss.provider-trouble")
def provider_trouble(facts: Facts, _: Params) -> Verdict:
    """A refusal in a log, a disabled service, or a listing without the provider of Windows."""
    said = open_records(
        facts, "vss.provider-refused", "vss.provider-not-installed", over=("vss.good-set",)
    )
    if said:
        return confirmed(*spans(said), what=short(said[-1].text))
    services = [one for one in facts.of(Service) if one.name.lower() in PROVIDER_SERVICES]
    for one in services:
        if one.start == "disabled" or one.state == "absent":
            what = f"{one.name}: {one.start or one.state}"
            return confirmed(one.span, what=what)
    providers = facts.of(VssProvider)
    if not providers:
        return absent(facts, [LOG]) or unknown("windows.vss.providers", "windows.services")
    own = [one for one in providers if one.id == WINDOWS_PROVIDER]
    if not own and len(providers) > 1:
        names = ", ".join(one.name for one in providers)
        return confirmed(*(one.span for one in providers[:SHOWN]), what=names)
    return ruled_out(*(one.span for one in providers[:SHOWN]))


@check("vss.shadow-storage-low")
def storage_low(facts: Facts, params: Params) -> Verdict:
    """Used up to the limit, a limit below the least that works, or the log says it."""
    storages = facts.of(ShadowStorage)
    full = [one for one in storages if one.maximum and one.used_ratio >= params.number("max_used")]
    least = params.number("min_maximum_mib") * MIB
    small = [one for one in storages if one.maximum is not None and one.maximum < least]
    scarce = open_records(facts, "vss.storage-short")
    if bad := [*small, *full]:
        return confirmed(bad[0].span, *spans(scarce), **_storage(bad[0]))
    if scarce:
        return confirmed(
            *spans(scarce), volume=_volume_said(scarce[-1]), used_mib="?", maximum_mib="?"
        )
    if storages:
        return ruled_out(*(one.span for one in storages[:SHOWN]))
    return unknown("windows.vss.shadowstorage")


def _volume_said(record: Record) -> str:
    found = re.search(r"(?<!\w)[A-Z]:(?=[\s\\.,\])'\"]|$)", record.text)
    return found[0] if found else "?"


def _storage(one: ShadowStorage) -> dict[str, object]:
    maximum = (one.maximum or 0) // MIB
    return {"volume": one.volume, "used_mib": one.used // MIB, "maximum_mib": maximum}


@check("vss.other-backup-running")
def other_backup(facts: Facts, _: Params) -> Verdict:
    return _by_log(facts, "vss.set-in-progress", LOG)


@check("vss.timeout")
def timed_out(facts: Facts, _: Params) -> Verdict:
    """The log says it; writers that are all well rule it out only where nothing says it."""
    verdict = _by_log(facts, "vss.timed-out", LOG)
    writers = _latest(facts.of(VssWriter))
    if verdict.missing and writers and not any(one.failed for one in writers):
        return ruled_out(*(one.span for one in writers[:SHOWN]))
    return verdict


def _by_log(facts: Facts, event: str, *probes: str) -> Verdict:
    said = open_records(facts, event, over=("vss.good-set",))
    if said:
        return confirmed(*spans(said), count=len(said), said=short(said[-1].text))
    over = facts.event("vss.good-set")
    if over and facts.event(event):
        return ruled_out(over[-1].span)
    return absent(facts, probes) or unknown(*probes)


@check("vss.dynamic-disk")
def dynamic_disk(facts: Facts, _: Params) -> Verdict:
    disks = [one for one in facts.of(Disk) if one.dynamic is not None]
    dynamic = [one for one in disks if one.dynamic]
    if dynamic:
        names = ", ".join(one.name for one in dynamic)
        return confirmed(*(one.span for one in dynamic[:SHOWN]), disk=names)
    if said := open_records(facts, "vss.dynamic-disk-error"):
        return confirmed(*spans(said), disk=short(said[-1].text))
    return ruled_out(*(one.span for one in disks[:SHOWN])) if disks else unknown("windows.disks")
