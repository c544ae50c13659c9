"""The page a demonstration ends in."""

from typing import TYPE_CHECKING

from holdfast.base.texts import _
from holdfast.base.units import format_size
from holdfast.cli import json_events, shown
from holdfast.cli.output import Output

if TYPE_CHECKING:
    from holdfast.app.demo import DemoResult
    from holdfast.app.demo_machine import MachineShown
    from holdfast.app.demo_recovery import RecoveryShown


def tell(out: Output, result: "DemoResult", *, keep: bool) -> None:
    folder = str(result.folder) if keep else None
    if result.machine:
        out.done(_machine_event(result.machine))
    if result.recovery:
        out.done(json_events.DemoRecovery(figures=_rounded(result.recovery)))
    event = json_events.DemoDone(
        folder=folder,
        files=result.files,
        bytes_total=result.second.summary.total_bytes_processed,
        bytes_stored=result.stored,
        first_seconds=round(result.first.seconds, 3),
        second_seconds=round(result.second.seconds, 3),
        restore_seconds=round(result.restored.seconds, 3),
        proofs=result.proofs,
        missing=result.missing,
    )
    out.done(event, "", *_lines(result, folder))


def _lines(result: "DemoResult", folder: str | None) -> list[str]:
    lines = [
        _("What was done"),
        *_indented(shown.table(_measures(result))),
        "",
        _("What was proven"),
        *_indented([f"✓ {proof}" for proof in result.proofs]),
        *_indented([f"- {reason}" for reason in result.missing]),
    ]
    if folder:
        lines += ["", _("Everything is left in {folder}").format(folder=folder)]
    return lines


def _measures(result: "DemoResult") -> list[tuple[str, ...]]:
    size = result.second.summary.total_bytes_processed
    of_machine = _machine_measures(result.machine) if result.machine else []
    of_recovery = _recovery_measures(result.recovery) if result.recovery else []
    return [
        (_("Protected"), shown.files(result.files), format_size(size), ""),
        _timed(_("First backup"), result.first.summary.total_bytes_processed, result.first.seconds),
        _timed(_("Second backup, some files changed"), size, result.second.seconds),
        _timed(_("Restore, with every byte read back"), size, result.restored.seconds),
        *of_machine,
        (_("In the vault, all recovery points"), "", format_size(result.stored), ""),
        *of_recovery,
    ]


def _machine_measures(machine: "MachineShown") -> list[tuple[str, ...]]:
    second, up = machine.second, machine.seconds_to_up
    read = format_size(second.bytes_read)
    return [
        (_("Virtual machine, protected while it ran"), "", format_size(machine.size), ""),
        (_("Its second backup, read"), _seconds(second.seconds), read, ""),
        (_("Booted from the vault, running"), _seconds(machine.seconds_to_running), "", ""),
        (_("Its guest agent answers"), _seconds(up), "", ""),
    ]


def _recovery_measures(recovery: "RecoveryShown") -> list[tuple[str, ...]]:
    """Whole commands, from the first word to the last."""
    titles = {
        "enable": _("Replicated to a second host, first copy"),
        "drill": _("Test failover, with its clean-up"),
        "failover": _("Unplanned failover"),
        "reprotect": _("Protected in reverse"),
        "failback": _("Failback, the machine is home"),
    }
    return [
        (title, _seconds(recovery.figures[f"{name}_seconds"]), "", "")
        for name, title in titles.items()
    ]


def _rounded(recovery: "RecoveryShown") -> dict[str, float]:
    return {name: round(value, 3) for name, value in recovery.figures.items()}


def _machine_event(machine: "MachineShown") -> json_events.DemoMachine:
    return json_events.DemoMachine(
        bytes_total=machine.size,
        second_seconds=round(machine.second.seconds, 3),
        second_bytes_read=machine.second.bytes_read,
        freeze_ms=round(machine.second.freeze_ms, 3),
        seconds_to_running=round(machine.seconds_to_running, 3),
        seconds_to_up=round(machine.seconds_to_up, 3),
    )


def _timed(what: str, size: int, seconds: float) -> tuple[str, ...]:
    rate = _("{size}/s").format(size=format_size(size / max(seconds, 0.001)))
    return what, _seconds(seconds), format_size(size), rate


def _seconds(seconds: float) -> str:
    return _("{seconds:.2f} s").format(seconds=seconds)


def _indented(lines: list[str]) -> list[str]:
    return [f"  {line}" for line in lines]
