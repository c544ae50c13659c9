"""How the guest extension is told."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from holdfast.base.texts import N_, _
from holdfast.base.units import format_duration
from holdfast.cli import json_machines, shown
from holdfast.cli.output import Output, encodable

if TYPE_CHECKING:
    from datetime import timedelta

    from holdfast.app.extension import ExtensionSeen
    from holdfast.machines.extension.states import Status

_STATES = {
    "absent": N_("not installed"),
    "not-ready": N_("not ready"),
    "transitioning": N_("at work"),
    "ready": N_("ready"),
    "failed": N_("failed"),
}
_REASONS = {
    "other-version": N_("it is of another version, or was changed"),
    "interrupted": N_("an installation was interrupted"),
    "failed": N_("the last run failed"),
    "late": N_("applications were let go before the host said so"),
    "install": N_("it is being installed"),
    "backup": N_("a backup runs"),
}
_RESULTS = {"ok": N_("fine"), "failed": N_("failed"), "late": N_("too late")}


def tell_status(out: Output, seen: "ExtensionSeen") -> None:
    status = seen.status
    event = json_machines.ExtensionStatus(
        vm=seen.vm,
        uuid=seen.uuid,
        state=status.state,
        reason=encodable(status.reason),
        extension=encodable(status.version),
        newest=seen.newest,
        age_seconds=status.age.total_seconds() if status.age is not None else None,
        operation=_operation(status),
        last=_last(status),
        hooks=[encodable(hook) for hook in seen.hooks],
        settings_refused=encodable(status.refused) or None,
    )
    facts = [(_(name), shown.line(value)) for name, value in _facts(seen)]
    out.show(event, *shown.table(facts))


def tell_installed(out: Output, seen: "ExtensionSeen", *, is_new: bool) -> None:
    event = json_machines.ExtensionInstalled(
        vm=seen.vm,
        uuid=seen.uuid,
        extension=encodable(seen.status.version),
        is_new=is_new,
        hooks=[encodable(hook) for hook in seen.hooks],
    )
    sentence = (
        _("The guest extension {version} is installed in {vm}")
        if is_new
        else _("The guest extension {version} is in {vm} already")
    )
    hooks = _("Hooks with something to do: {hooks}").format(hooks=_names(seen.hooks))
    said = sentence.format(version=seen.status.version, vm=seen.vm)
    out.done(event, shown.line(said), shown.line(hooks))


def tell_removed(out: Output, vm: str, *, was_there: bool) -> None:
    event = json_machines.ExtensionRemoved(vm=vm, was_there=was_there)
    sentence = (
        _("The guest extension is gone from {vm}")
        if was_there
        else _("There was no guest extension in {vm}")
    )
    out.done(event, sentence.format(vm=vm))


def _facts(seen: "ExtensionSeen") -> Iterator[tuple[str, str]]:
    status = seen.status
    reason = _(_REASONS[status.reason]) if status.reason in _REASONS else status.reason
    state = _(_STATES[status.state])
    yield N_("State"), f"{state}: {reason}" if reason else state
    if status.version:
        yield N_("Version"), status.version
    if status.age is not None:
        yield N_("Installed"), _ago(status.age)
    if operation := status.operation:
        yield N_("Running"), f"{operation.what} ({operation.pid}), {_length(operation.age)}"
    if last := status.last:
        result = _(_RESULTS[last.result]) if last.result in _RESULTS else last.result
        said = f"{_ago(last.ago)}, {result}"
        yield N_("Last run"), f"{said}: {last.hook}" if last.hook else said
    if status.is_whole:
        yield N_("Hooks"), _names(seen.hooks)
    if status.refused:
        yield N_("Settings refused"), status.refused


def _names(hooks: tuple[str, ...]) -> str:
    return ", ".join(hooks) or _("none")


def _length(age: "timedelta") -> str:
    return format_duration(age.total_seconds())


def _ago(age: "timedelta") -> str:
    return _("{age} ago").format(age=_length(age))


def _operation(status: "Status") -> dict[str, object] | None:
    running = status.operation
    if running is None:
        return None
    age = running.age.total_seconds()
    return {"pid": encodable(running.pid), "what": encodable(running.what), "age_seconds": age}


def _last(status: "Status") -> dict[str, object] | None:
    last = status.last
    if last is None:
        return None
    ago = last.ago.total_seconds()
    return {"seconds_ago": ago, "result": encodable(last.result), "hook": encodable(last.hook)}
