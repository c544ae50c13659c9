"""How a profile is told: what is looked at, how far it is, what it came to."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from holdfast.base.texts import N_, _, ngettext
from holdfast.base.units import format_duration, format_size
from holdfast.cli import json_planner, shown
from holdfast.cli.output import Output, encodable
from holdfast.files.report import Phase, Progress
from holdfast.replication.planner.bandwidth import format_bandwidth
from holdfast.replication.planner.machine_facts import MachineFacts, Measure

if TYPE_CHECKING:
    from holdfast.files.report import OnProgress
    from holdfast.replication.planner.probes import ProbeLine
    from holdfast.replication.planner.profiling import Seen

_WHYS = {
    "no-bitmaps": N_("its image cannot record changes"),
    "tracking-hash": N_("the machine is not tracked"),
    "tracking-overlay": N_("the machine is tracked by overlays"),
}


class ProfileTold:
    def __init__(self, out: Output, lasts: timedelta | None) -> None:
        self._out = out
        self._lasts = lasts
        self._troubles = dict[str, str]()
        self._errors = set[str]()

    def begun(self, machines: Sequence[MachineFacts]) -> None:
        for facts in machines:
            self._out.show(_machine_event(facts), *_machine_lines(facts))
        self._out.remark(
            _("Looking every 15 seconds; Ctrl-C ends it, and keeps what was seen.")
            if self._lasts is None
            else _("Looking every 15 seconds for {time}; Ctrl-C ends it sooner.").format(
                time=format_duration(self._lasts.total_seconds())
            )
        )

    def seen(self, seen: "Seen", on_progress: "OnProgress") -> None:
        """What is new is told once, not at each poll."""
        for name, code in seen.troubles.items():
            if self._troubles.get(name) != code:
                self._out.warning(_trouble(name, code))
        self._troubles = dict(seen.troubles)
        error = str(seen.error) if seen.error else ""
        if error and error not in self._errors:
            self._out.warning(error)
        self._errors = {error} - {""}
        current = ngettext("{count} machine", "{count} machines", seen.machines)
        on_progress(
            Progress(
                phase=Phase.SCAN,
                bytes_done=seen.written,
                current=current.format(count=seen.machines),
            )
        )

    def done(self, seen: "Seen") -> None:
        for name in seen.left:
            text = _("{vm}: its record of changes could not be removed; the next profile will")
            self._out.warning(text.format(vm=name))
        event = json_planner.PlannerProfiled(
            machines=seen.machines,
            seconds=round(seen.seconds, 1),
            written=seen.written,
            left=[encodable(name) for name in seen.left],
        )
        machines = ngettext("{count} machine", "{count} machines", seen.machines)
        text = _("{machines} seen for {time}, {size} written; `holdfast planner report` says more")
        self._out.done(
            event,
            text.format(
                machines=machines.format(count=seen.machines),
                time=format_duration(seen.seconds),
                size=format_size(seen.written),
            ),
        )


def tell_probe(out: Output, line: "ProbeLine") -> None:
    event = json_planner.PlannerProbed(
        site=line.site,
        at=line.at.isoformat(),
        bytes_per_second=round(line.rate),
        round_trip_seconds=round(line.round_trip_seconds, 6),
        limit=line.limit,
    )
    text = _("The link to {site} carries {rate}, with a round trip of {time} ms")
    trip = f"{line.round_trip_seconds * 1000:.1f}"
    out.show(event, text.format(site=line.site, rate=format_bandwidth(line.rate), time=trip))


def _trouble(name: str, code: str) -> str:
    if code == "gone":
        return _("{vm} is not on this host any more, for now").format(vm=name)
    text = _("{vm}: what differs cannot be asked ({code}); what is written is counted all the same")
    return text.format(vm=name, code=code)


def _machine_event(facts: MachineFacts) -> json_planner.PlannerMachine:
    return json_planner.PlannerMachine(
        vm=encodable(facts.name),
        uuid=facts.uuid,
        disks=[
            {
                "target": disk.target,
                "size": disk.size,
                "allocated": disk.allocated,
                "measure": disk.measure.value,
                "why": disk.why or None,
            }
            for disk in facts.taken_disks
        ],
    )


def _machine_lines(facts: MachineFacts) -> list[str]:
    lines = [_("{vm}: {disks}").format(vm=shown.line(facts.name), disks=_disks(facts))]
    for disk in facts.taken_disks:
        if disk.measure is Measure.WRITTEN:
            why = _(_WHYS.get(disk.why, disk.why))
            text = _("  {disk}: only written bytes are counted; {reason}")
            lines.append(text.format(disk=disk.target, reason=why))
    return lines


def _disks(facts: MachineFacts) -> str:
    found = [f"{disk.target} {format_size(disk.size)}" for disk in facts.taken_disks]
    return ", ".join(found) or _("no disk that could be replicated")
