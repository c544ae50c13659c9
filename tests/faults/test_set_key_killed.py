"""A configuration file is changed as a whole or not at all, whenever the doctor dies."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from holdfast.app.doctor_acts import BEFORE, set_key
from holdfast.doctor.mending import SetKey
from tests.faults.conftest import Faults

pytestmark = [pytest.mark.faults]

OLD = "# the agent\nExtensions.Enabled=n\n" + "# filler\n" * 4000
NEW = OLD.replace("Enabled=n", "Enabled=y")
# Everything that changes something, in the order of need.
_CALLS = ((os, "open"), (os, "fchmod"), (os, "fchown"), (os, "fsync"), (shutil, "copystat"))
_LAST = ((os, "replace"), (os, "close"))


class _Deadly:
    """Counts calls, and kills this process at one of them."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    def around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            self.seen += 1
            if self.seen == self.at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given, **named)

        return called


def _ends_at(call: int, conf: Path) -> bool:
    """Whether a process that dies at this call came to its end."""
    pid = os.fork()
    if pid == 0:
        deadly = _Deadly(call)
        for module, name in (*_CALLS, *_LAST):
            setattr(module, name, deadly.around(getattr(module, name)))
        set_key(SetKey(file=str(conf), key="Extensions.Enabled", value="y"))
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == 0


def test_a_killed_change_leaves_the_old_file_or_the_new_one(tmp_path: Path, faults: Faults) -> None:
    conf = tmp_path / "waagent.conf"
    found = []
    for call in range(1, 100):
        conf.write_text(OLD, encoding="utf-8")

        done = _ends_at(call, conf)

        if done:
            break
        faults.inject()
        found.append(conf.read_text(encoding="utf-8"))
        assert found[-1] in {OLD, NEW}
        faults.survive()
    assert len(found) > 8
    assert conf.read_text(encoding="utf-8") == NEW
    assert (tmp_path / f"waagent.conf{BEFORE}").read_text(encoding="utf-8") == OLD


def test_a_changed_file_keeps_its_rights(tmp_path: Path) -> None:
    conf = tmp_path / "real.conf"
    conf.write_text("Key=1\n", encoding="utf-8")
    conf.chmod(0o640)
    link = tmp_path / "link.conf"
    link.symlink_to(conf)

    set_key(SetKey(file=str(link), key="Key", value="2"))

    assert link.is_symlink()
    assert conf.read_text(encoding="utf-8") == "Key=2\n"
    assert conf.stat().st_mode & 0o777 == 0o640
    assert Path(f"{conf}{BEFORE}").stat().st_mode & 0o777 == 0o640
