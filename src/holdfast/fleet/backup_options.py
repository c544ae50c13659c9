"""What an assignment may say about its backups, beside the paths.

No hooks: they run programs, and whoever may change a policy must not command every machine.
"""

import os.path
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import msgspec

from holdfast.base.errors import Exit, HoldfastError
from holdfast.base.texts import N_, _
from holdfast.base.units import parse_size
from holdfast.fleet.virtual_machines import read_vms

MOST_PATHS = 100
MOST_PATTERNS = 500
_LONGEST = 4096
_MARK, _JOB = "assignment:", "job:"


class AssignmentNotUnderstood(HoldfastError):
    code = "assignment-not-understood"
    sentence = N_("What is to be backed up is not understood at '{place}': {reason}")
    remedy = N_(
        "Name absolute paths or virtual machines, and options as "
        "`holdfast vault policy attach --help` does."
    )
    exit_status = Exit.USAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOptions:
    """Named as the options of `holdfast backup`."""

    excludes: list[str] = field(default_factory=list)
    exclude_files: list[str] = field(default_factory=list)
    ignore_names: list[str] = field(default_factory=list)
    exclude_caches: bool = False
    exclude_larger_than: str | None = None
    one_file_system: bool = False
    with_remote: bool = False
    tags: list[str] = field(default_factory=list)


_DEFAULTS = BackupOptions()
_OF_VMS = ("tags",)


def tag_of(assignment_id: str) -> str:
    """The mark on an assignment's points: its retention concerns those and no others."""
    return f"{_MARK}{assignment_id}"


def mark_of(job_id: str) -> str:
    """The mark on the one point that a job makes, however often it is begun."""
    return f"{_JOB}{job_id}"


def read_sources(paths: Sequence[str], vms: Sequence[str]) -> tuple[list[str], list[str]]:
    """Paths, virtual machines, or both; at least one."""
    try:
        machines = read_vms(vms)
    except ValueError as err:
        raise AssignmentNotUnderstood(place="vms", reason=err) from err
    return ([] if machines and not paths else read_paths(paths)), machines


def require_fit(options: Mapping[str, Any], paths: Sequence[str]) -> None:
    """Options about files mean nothing where no paths are named."""
    for name in options:
        if not paths and name not in _OF_VMS:
            raise AssignmentNotUnderstood(
                place=f"options.{name}", reason=_("it is about paths, and none is named")
            )


def read_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that say something, checked."""
    for name in given:
        _refuse_unknown(str(name))
    try:
        options = msgspec.convert(dict(given), BackupOptions)
    except msgspec.ValidationError as err:
        raise AssignmentNotUnderstood(place="options", reason=err) from err
    for place in ("excludes", "exclude_files", "ignore_names", "tags"):
        _check_lines(place, getattr(options, place))
    if any(_MARK in tag for tag in options.tags):
        reason = _("'{mark}…' marks the points of an assignment").format(mark=_MARK)
        raise AssignmentNotUnderstood(place="options.tags", reason=reason)
    _check_size(options.exclude_larger_than)
    found = msgspec.to_builtins(options)
    return {name: value for name, value in found.items() if value != getattr(_DEFAULTS, name)}


def read_paths(given: Sequence[str]) -> list[str]:
    """Absolute paths in their one spelling, in the order given."""
    if not 0 < len(given) <= MOST_PATHS:
        reason = _("between 1 and {most} paths").format(most=MOST_PATHS)
        raise AssignmentNotUnderstood(place="paths", reason=reason)
    for path in given:
        if not path.startswith("/") or len(path) > _LONGEST or not path.isprintable():
            reason = _("'{path}' is no absolute path").format(path=ascii(path[:200])[1:-1])
            raise AssignmentNotUnderstood(place="paths", reason=reason)
    # POSIX lets two leading slashes mean something else; Linux does not.
    return list(dict.fromkeys("/" + os.path.normpath(path).lstrip("/") for path in given))


def _refuse_unknown(name: str) -> None:
    known = [one.name for one in fields(BackupOptions)]
    if name in known:
        return
    if name.startswith("hook"):
        reason = _("a policy runs no programs on machines")
    else:
        reason = _("it is not known; there are {known}").format(known=", ".join(known))
    raise AssignmentNotUnderstood(place=f"options.{name}"[:200], reason=reason)


def _check_lines(place: str, lines: Sequence[str]) -> None:
    if len(lines) > MOST_PATTERNS or any(
        not line or len(line) > _LONGEST or not line.isprintable() for line in lines
    ):
        reason = _("at most {most} lines of text").format(most=MOST_PATTERNS)
        raise AssignmentNotUnderstood(place=f"options.{place}", reason=reason)


def _check_size(text: str | None) -> None:
    if text is None:
        return
    try:
        parse_size(text)
    except (ValueError, OverflowError) as err:
        place = "options.exclude_larger_than"
        reason = _("'{text}' is no size as in 4G").format(text=text[:40])
        raise AssignmentNotUnderstood(place=place, reason=reason) from err
