"""Carry out what mends a cause: start a service, change a key of a file, run a command."""

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import assert_never

from holdfast.app.wiring import Session
from holdfast.base import programs
from holdfast.base.programs import ToolMissing
from holdfast.doctor.mending import Act, RunCommand, SetKey, StartService, with_key

BEFORE, FRESH = ".before-holdfast", ".holdfast-new"
_LONGEST = 60
_SYSTEMD = "/run/systemd/system"
_UNIT_FOLDERS = ("/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system")


def carry_out(session: Session, act: Act) -> str:
    """Do it; what was said is for the journal."""
    match act:
        case StartService():
            return _run(session, start_command(act))
        case RunCommand():
            return _run(session, act.arguments)
        case SetKey():
            return " / ".join(_set_and_restart(session, act))
        case _:
            assert_never(act)


def possible_here(act: Act | None) -> Act | None:
    """Init scripts lose sight of programs in Python: what they "restart" then runs twice."""
    if isinstance(act, SetKey) and not os.path.isdir(_SYSTEMD):
        return replace(act, restart="")
    return act


def start_command(act: StartService, *, verb: str = "start") -> tuple[str, ...]:
    """By systemd, by an init script, or by the service's own command."""
    names = act.unit.split()
    if os.path.isdir(_SYSTEMD):
        return ("systemctl", verb, next(filter(_has_unit, names), names[0]))
    scripted = [name for name in names if os.path.exists(f"/etc/init.d/{name}")]
    if scripted:
        return ("service", scripted[0], verb)
    return act.fallback or ("systemctl", verb, names[0])


def _has_unit(name: str) -> bool:
    return any(os.path.exists(f"{folder}/{name}.service") for folder in _UNIT_FOLDERS)


def _run(session: Session, arguments: Sequence[str]) -> str:
    environment = {
        **session.settings.harmless,
        "PATH": programs.administrators_path(session.settings.harmless),
    }
    try:
        done = programs.run_tool(arguments, environment=environment, timeout=_LONGEST)
    except ToolMissing as err:
        return str(err)
    return f"status {done.status}: {programs.last_words(done.said)}"


def _set_and_restart(session: Session, act: SetKey) -> Iterator[str]:
    yield set_key(act)
    if act.restart:
        yield _run(session, start_command(StartService(unit=act.restart), verb="restart"))


def set_key(act: SetKey) -> str:
    """Change the file as a whole, so that nobody ever reads half of it; keep what it was."""
    path = os.path.realpath(act.file)
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as stream:
        text = stream.read()
    _write(f"{path}{BEFORE}", text, like=path)
    _write(f"{path}{FRESH}", with_key(text, act.key, act.value), like=path)
    os.replace(f"{path}{FRESH}", path)
    _settle(os.path.dirname(path))
    return f"the old file is {path}{BEFORE}"


def _write(path: str, text: str, *, like: str) -> None:
    """A file of the same owner and rights, which nobody else may read before it has them."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        known = os.stat(like)
        os.fchmod(descriptor, 0o600)
        os.fchown(descriptor, known.st_uid, known.st_gid)
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
        os.fchmod(descriptor, stat.S_IMODE(known.st_mode))
    shutil.copystat(like, path)


def _settle(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
