"""What is to be protected and by which policy, as a form: for a new assignment, and for one that is there."""

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from holdfast.app.control.assignments import AssignmentView, Change
from holdfast.app.control.policies import PolicyView
from holdfast.base.texts import N_, _
from holdfast.console.settings_changes import compact, in_lines, lines_of, words_of
from holdfast.fleet.virtual_machines import ALL

# As the API names the options; those of files that only few have need of stand behind a fold.
LABELS = {
    "policy": N_("Policy"),
    "paths": N_("Folders and files"),
    "vms": N_("Virtual machines"),
    "excludes": N_("Leave out, by patterns"),
    "exclude_caches": N_("Leave out folders marked as caches"),
    "exclude_larger_than": N_("Leave out files larger than"),
    "one_file_system": N_("Stay on the file systems of these folders"),
    "with_remote": N_("Network file systems too"),
    "ignore_names": N_("Leave out folders with a file named"),
    "exclude_files": N_("Leave out what these files list"),
    "tags": N_("Marks for its recovery points"),
}
_HINTS = {
    "paths": "/etc\n/srv",
    "excludes": "*.tmp",
    "vms": "web, db",
    "exclude_larger_than": "4G",
    "ignore_names": ".nobackup",
    "exclude_files": "/etc/holdfast/excludes",
    "tags": "nightly",
}
_IN_LINES = ("paths", "excludes", "ignore_names", "exclude_files", "tags")
_FLAGS = ("exclude_caches", "one_file_system", "with_remote")
_MAIN = ("policy", "paths", "excludes", "vms")
_SOURCES = ("policy", "paths", "vms")


def fields_of(one: AssignmentView) -> dict[str, Any]:
    options = {name: one.options.get(name, _none(name)) for name in LABELS if name not in _SOURCES}
    return {"policy": one.policy_id, "paths": one.paths, "vms": one.vms, **options}


def options_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Those that say something; of machines alone, those about files mean nothing."""
    return {
        name: value
        for name, value in fields.items()
        if name not in _SOURCES and value and (fields["paths"] or name == "tags")
    }


def change_of(now: dict[str, Any], new: dict[str, Any]) -> Change:
    """Only what is to be different."""
    other = {name: new[name] if new[name] != now[name] else None for name in _SOURCES}
    options = options_of(new)
    return Change(
        policy_id=other["policy"],
        paths=other["paths"],
        vms=other["vms"],
        options=options if options != options_of(now) else None,
    )


def named(fields: dict[str, Any], policies: Sequence[PolicyView]) -> dict[str, Any]:
    """With the policy by its name, as people know it."""
    names = {one.id: one.name for one in policies}
    return {**fields, "policy": names.get(fields["policy"], fields["policy"])}


class Boxes:
    """Its fields, to be made within a form."""

    def __init__(self, policies: Sequence[PolicyView], now: dict[str, Any] | None = None) -> None:
        self._names = {one.id: one.name for one in policies}
        self._now = now or {name: _none(name) for name in LABELS}
        self._boxes: dict[str, Any] = {}
        for name in _MAIN:
            self._make(name)
        self._every = ui.checkbox(
            _("All virtual machines that are protected"), value=self._now["vms"] == [ALL]
        )
        with ui.expansion(_("More about files")).classes("w-full"):
            for name in LABELS:
                if name not in _MAIN:
                    self._make(name)

    @property
    def all(self) -> list[Any]:
        return [*self._boxes.values(), self._every]

    def read(self) -> dict[str, Any]:
        told = {name: self._value(name, self._boxes[name].value) for name in LABELS}
        return {**told, "vms": [ALL]} if self._every.value else told

    def _value(self, name: str, value: Any) -> Any:
        if name in _IN_LINES:
            return lines_of(value)
        if name == "vms":
            return words_of(value)
        return bool(value) if name in _FLAGS else (value or "").strip()

    def _make(self, name: str) -> None:
        self._boxes[name] = self._made(name, _(LABELS[name]), self._now[name])

    def _made(self, name: str, label: str, value: Any) -> Any:
        if name in _FLAGS:
            return ui.checkbox(label, value=value)
        if name == "policy":
            first = value if value in self._names else next(iter(self._names), None)
            made: Any = ui.select(self._names, label=label, value=first)
        elif name in _IN_LINES:
            label = _("{label}, one on each line").format(label=label)
            made = ui.textarea(label, value=in_lines(value)).props("autogrow")
        else:
            text = ", ".join(one for one in value if one != ALL) if name == "vms" else value
            made = ui.input(label, value=text)
        made.props["placeholder"] = _HINTS.get(name, "")
        return compact(made)


def _none(name: str) -> Any:
    if name in _FLAGS:
        return False
    return [] if name in (*_IN_LINES, "vms") else ""
