"""What all checks of Hyper-V share: open records, their words, and whether replication is meant."""

from collections.abc import Sequence

from holdfast.doctor.factbase import Facts
from holdfast.doctor.facts import LogSeen, Record, Service
from holdfast.doctor.hyperv_facts import VmReplication
from holdfast.doctor.model import Span, Verdict, confirmed
from holdfast.doctor.open_records import open_records, short, spans

# Marks that languages put around names.
_QUOTES = "\"'\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb "


def open_events(facts: Facts, *names: str, over: Sequence[str] = ()) -> list[Record]:
    """Recent records that no later recovery ended; these logs may be listed newest first."""
    return open_records(facts, *names, over=over, place_breaks_ties=False)


def said(records: Sequence[Record]) -> Verdict:
    """Confirmed by a log: what its last record named are the values."""
    last = records[-1]
    values = {"vm": "?", "said": short(last.text), **last.values}
    values.pop("count", None)
    values["vm"] = values["vm"].strip(_QUOTES) or "?"
    return confirmed(*spans(records), count=len(records), **values)


_FEW_SERVICES = 12
_OWN_EVENTS = (
    "hyperv.suspended",
    "hyperv.resync-marked",
    "hyperv.enable-refused",
    "hyperv.network-failure",
    "hyperv.vss-set-lost",
    "hyperv.requestor-refused",
    "hyperv.unregistered",
    "hyperv.already-registered",
)


def replicates(facts: Facts) -> bool:
    """Whether this is about replication of virtual machines at all.

    The agent, WMI, the clock and disks also belong to machines that only back up their files.
    """
    if facts.asked:
        return any(name.startswith("hyperv.") for name in facts.asked)
    if any(one.state != "off" for one in facts.of(VmReplication)):
        return True
    return any(facts.event(name) for name in _OWN_EVENTS) or _listed_for_this(facts)


def _listed_for_this(facts: Facts) -> bool:
    """The provider is there, or somebody listed just the services of replication."""
    services = facts.of(Service)
    if any(one.name.lower() == "dra" and one.state != "absent" for one in services):
        return True
    together: dict[str, set[str]] = {}
    for one in services:
        together.setdefault(one.span.artefact, set()).add(one.name.lower())
    return any({"vmms", "obengine"} <= m and len(m) <= _FEW_SERVICES for m in together.values())


def silent_log(facts: Facts, name: str) -> Span | None:
    """A whole log of this product that says nothing of the fault: its absence counts."""
    for record in facts.event(name):
        logs = [one for one in facts.of(LogSeen) if one.span.artefact == record.span.artefact]
        if logs and all(one.whole for one in logs):
            return record.span
    return None
