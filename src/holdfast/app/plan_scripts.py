"""Scripts of this host that plans may name: put into a folder by its own administrator.

HOME/plan-scripts/NAME      an executable that belongs to root, and that nobody else can change

Whoever writes a plan, on this host or on a server, says a name and nothing more.
"""

import os
import re
import stat
from pathlib import Path

from holdfast.app.registration_state import find_registration
from holdfast.base.errors import HoldfastError
from holdfast.base.texts import _
from holdfast.recovery.plans.plan_errors import (
    PlanScriptElsewhere,
    PlanScriptMissing,
    PlanScriptOpen,
)

FOLDER = "plan-scripts"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def script_at(home: str, name: str) -> Path:
    """Where it lies; an error where it is not, or where another could have put it there."""
    folder = Path(home, FOLDER)
    path = folder / name
    if not _NAME.fullmatch(name) or not path.exists():
        raise PlanScriptMissing(host=os.uname().nodename, name=name, folder=folder)
    for one in (Path(home), folder, path):
        _require_closed(one)
    if path.is_symlink() or not path.is_file():
        raise PlanScriptOpen(path=path, reason=_("it is no plain file"))
    if not os.access(path, os.X_OK):
        raise PlanScriptOpen(path=path, reason=_("it is not executable"))
    return path


def scripts_here(home: str) -> list[str]:
    """Those that would be run."""
    return [name for name in sorted(_listed(home)) if _is_fit(home, name)]


def require_here(home: str, name: str, host: str) -> None:
    """A plan that is run on a host reaches no other one."""
    known = find_registration(home)
    names = {os.uname().nodename, *([known.name] if known else [])}
    if host and host not in names:
        raise PlanScriptElsewhere(name=name, host=host)


def _listed(home: str) -> list[str]:
    try:
        return os.listdir(Path(home, FOLDER))
    except OSError:
        return []


def _is_fit(home: str, name: str) -> bool:
    try:
        script_at(home, name)
    except HoldfastError:
        return False
    return True


def _require_closed(path: Path) -> None:
    about = path.lstat()
    if about.st_uid not in {0, os.geteuid()}:
        raise PlanScriptOpen(path=path, reason=_("it does not belong to root"))
    if about.st_mode & _OTHERS_WRITE and not stat.S_ISLNK(about.st_mode):
        raise PlanScriptOpen(path=path, reason=_("others can write to it"))
