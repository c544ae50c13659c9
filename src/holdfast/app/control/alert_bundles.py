"""Alerts that have one cause, as the one message a place gets of them.

A broken link makes a problem of thirty machines in the console; whoever is told outside is told
once as well, and not thirty times.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, tzinfo

from holdfast.app.control import problem_texts
from holdfast.app.control.alert_texts import (
    body_of,
    counted_rest,
    headed,
    sentence_of,
    title_of,
)
from holdfast.app.control.problem_grouping import REPLICATION, Group, grouped
from holdfast.app.control.sightings import sightings_of_alerts
from holdfast.base.texts import ngettext
from holdfast.catalog.overview import AlertRow
from holdfast.catalog.tables import Alert
from holdfast.fleet.alerts import Severity

_NAMED = 20
_TOLD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One problem, with those alone of its alerts that are to be told: the gravest first."""

    group: Group
    alerts: tuple[Alert, ...]

    @property
    def severity(self) -> Severity:
        return max(Severity.named(one.severity) for one in self.alerts)


def bundles_of(
    waiting: Sequence[Alert], others: Iterable[AlertRow], keepers: Mapping[str, str]
) -> Iterator[Bundle]:
    """`others` are open as well: what was told before may be the cause of what is told now."""
    fresh = {one.id: one for one in waiting}
    beside = (one for one in others if one.id not in fresh)
    for group in grouped(sightings_of_alerts([*waiting, *beside], keepers)):
        told = tuple(one for one in group.sightings if one.alert_id in fresh)
        if told:
            alerts = tuple(fresh[one.alert_id] for one in told)
            yield Bundle(group=replace(group, sightings=told), alerts=alerts)


def bundle_title(bundle: Bundle, zone: tzinfo = UTC) -> str:
    if len(bundle.alerts) == 1:
        return title_of(bundle.alerts[0], zone)
    return headed(bundle.severity, _sentence(bundle, zone))


def bundle_body(bundle: Bundle, zone: tzinfo = UTC) -> str:
    if len(bundle.alerts) == 1:
        return body_of(bundle.alerts[0], zone)
    parts = [_sentence(bundle, zone), problem_texts.remedy(bundle.group), "", *_machines(bundle)]
    count = len(bundle.alerts)
    text = ngettext("{count} alert has this cause:", "{count} alerts have this cause:", count)
    told = [f"  {sentence_of(one, zone)}" for one in bundle.alerts[:_TOLD]]
    parts += [text.format(count=count), *told, *counted_rest(count - _TOLD)]
    return "\n".join(parts)


def _sentence(bundle: Bundle, zone: tzinfo) -> str:
    if bundle.group.lead.kind == REPLICATION:
        # It names the machines that suffer itself.
        return sentence_of(bundle.alerts[0], zone)
    return problem_texts.sentence(bundle.group, zone)


def _machines(bundle: Bundle) -> list[str]:
    names = [one.name for one in bundle.group.machines]
    if len(names) < 2:  # noqa: PLR2004  the sentence names the one
        return []
    text = ngettext("{count} machine: {names}", "{count} machines: {names}", len(names))
    shown = text.format(count=len(names), names=", ".join(names[:_NAMED]))
    return [shown, *counted_rest(len(names) - _NAMED), ""]
