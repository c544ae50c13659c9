"""From a job's arguments to the words of the command that does it.

Arguments come from a server, so every word is placed where it can only be a value: a path that
begins with a dash stays a path, and what is not known here is refused.
"""

from collections.abc import Callable, Mapping
from typing import Any

from holdfast.agent.errors import ArgumentsNotUnderstood
from holdfast.fleet.jobs import Kind

Arguments = Mapping[str, Any]
_Reader = Callable[[str, Any], list[str]]


def _flag(option: str, value: Any) -> list[str]:
    return [option] if value else []


def _one(option: str, value: Any) -> list[str]:
    return [] if value is None else [f"{option}={value}"]


def _many(option: str, value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else value
    return [f"{option}={one}" for one in values or ()]


_RULES = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
_OPTIONS: dict[Kind, dict[str, tuple[str, _Reader]]] = {
    Kind.BACKUP: {
        "excludes": ("--exclude", _many),
        "exclude_files": ("--exclude-file", _many),
        "ignore_names": ("--ignore-name", _many),
        "exclude_caches": ("--exclude-caches", _flag),
        "exclude_larger_than": ("--exclude-larger-than", _one),
        "one_file_system": ("--one-file-system", _flag),
        "with_remote": ("--with-remote", _flag),
        "tags": ("--tag", _many),
        "force": ("--force", _flag),
        "view": ("--view", _one),
        "hook_before": ("--hook-before", _one),
        "hook_after": ("--hook-after", _one),
        "hook_timeout": ("--hook-timeout", _one),
        "wait": ("--wait", _one),
    },
    Kind.RETAIN: {
        **{f"keep_{unit}": (f"--keep-{unit}", _many) for unit in _RULES},
        "keep_within": ("--keep-within", _many),
        **{f"keep_within_{unit}": (f"--keep-within-{unit}", _many) for unit in _RULES[1:]},
        "keep_tag": ("--keep-tag", _many),
        "group_by": ("--group-by", _one),
        "dry_run": ("--dry-run", _flag),
        "wait": ("--wait", _one),
    },
    Kind.PRUNE: {
        "max_unused": ("--max-unused", _one),
        "max_repack": ("--max-repack", _one),
        "dry_run": ("--dry-run", _flag),
        "wait": ("--wait", _one),
    },
    Kind.CHECK: {"read_data": ("--read-data", _one)},
    Kind.RESTORE: {
        "to": ("--to", _one),
        "include": ("--include", _many),
        "exclude": ("--exclude", _many),
        "overwrite": ("--overwrite", _one),
        "delete": ("--delete", _flag),
        "no_sparse": ("--no-sparse", _flag),
        "verify": ("--verify", _flag),
        "dry_run": ("--dry-run", _flag),
        "hosts": ("--host", _many),
        "tags": ("--tag", _many),
        "paths": ("--path", _many),
    },
    Kind.DOCTOR: {},
}
# What stands behind the options, by its name.
_OPERANDS = {Kind.BACKUP: "paths", Kind.RESTORE: "point", Kind.DOCTOR: "symptoms"}
# Of the agent itself: not for the command.
_OURS = frozenset(("assignment", "policy", "policy_version"))


def words_for(kind: Kind, arguments: Arguments) -> list[str]:
    """The command line of a job, without the program."""
    options = _OPTIONS.get(kind)
    if options is None:
        raise ArgumentsNotUnderstood(kind=kind.value, reason="kind")
    operand = _OPERANDS.get(kind)
    given = {name: value for name, value in arguments.items() if name not in _OURS}
    operands = given.pop(operand, []) if operand else []
    words = [kind.value, "--json"]
    for name, value in given.items():
        if name not in options:
            raise ArgumentsNotUnderstood(kind=kind.value, reason=name)
        option, reader = options[name]
        words += reader(option, value)
    return [*words, "--", *_operands(kind, operands)]


def source_of(kind: Kind, arguments: Arguments) -> str:
    """What a job is about: of two with the same source, only one works at a time."""
    match kind:
        case Kind.BACKUP:
            return "backup " + " ".join(sorted(_operands(kind, arguments.get("paths", []))))
        case Kind.RESTORE:
            return f"restore {arguments.get('to', '')}"
        case _:
            return kind.value


def _operands(kind: Kind, value: Any) -> list[str]:
    values = [value] if isinstance(value, str) else list(value or ())
    if not all(isinstance(one, str) for one in values):
        raise ArgumentsNotUnderstood(kind=kind.value, reason=repr(value))
    return values
