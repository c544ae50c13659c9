"""The units say what they should, and systemd understands them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from holdfast.app import agent_install
from holdfast.app.config import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home="/var/lib/holdfast", harmless={"HOME": str(tmp_path), "PATH": "/usr/bin"})


def test_units_are_written_below_the_root(settings: Settings, tmp_path: Path) -> None:
    wanted = agent_install.plan(settings, root=str(tmp_path))

    started = agent_install.install(settings, wanted)

    folder = tmp_path / "etc/systemd/system"
    assert not started
    assert sorted(path.name for path in folder.iterdir()) == [
        "holdfast-agent.service",
        "holdfast-backup@.service",
        "holdfast-backup@.timer",
    ]
    unit = (folder / "holdfast-agent.service").read_text(encoding="utf-8")
    assert "HOLDFAST_HOME=/var/lib/holdfast" in unit
    assert "WantedBy=multi-user.target" in unit


def test_second_installation_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    wanted = agent_install.plan(settings, root=str(tmp_path))
    agent_install.install(settings, wanted)

    agent_install.install(settings, wanted)

    assert len(list((tmp_path / "etc/systemd/system").iterdir())) == 3


def test_users_units_lie_in_their_own_folder(settings: Settings, tmp_path: Path) -> None:
    wanted = agent_install.plan(settings, is_users=True)

    assert wanted.folder == str(tmp_path / ".config/systemd/user")
    assert "WantedBy=default.target" in wanted.units[agent_install.AGENT]


def test_uninstall_removes_what_was_written(settings: Settings, tmp_path: Path) -> None:
    wanted = agent_install.plan(settings, root=str(tmp_path))
    agent_install.install(settings, wanted)

    removed = agent_install.uninstall(settings, wanted)

    assert removed == wanted.files
    assert agent_install.uninstall(settings, wanted) == []


def test_uninstall_disables_timers_that_somebody_enabled(
    settings: Settings, tmp_path: Path
) -> None:
    wanted = agent_install.plan(settings, root=str(tmp_path))
    agent_install.install(settings, wanted)
    wants = Path(wanted.folder) / "timers.target.wants"
    wants.mkdir()
    link = wants / "holdfast-backup@etc.timer"
    link.symlink_to("../holdfast-backup@.timer")
    (wants / "other.timer").symlink_to("../other.timer")

    removed = agent_install.uninstall(settings, wanted)

    assert removed == [str(link), *wanted.files]
    assert [path.name for path in wants.iterdir()] == ["other.timer"]


def test_folder_nobody_may_write_to_is_said(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("a file", encoding="utf-8")
    wanted = agent_install.plan(settings, root=str(tmp_path))

    with pytest.raises(agent_install.UnitsNotWritten, match="cannot be written"):
        agent_install.install(settings, wanted)


@pytest.mark.parametrize("is_users", [False, True], ids=["system", "user"])
def test_systemd_understands_the_units(
    settings: Settings, tmp_path: Path, *, is_users: bool
) -> None:
    assert shutil.which("systemd-analyze"), "it comes with systemd, which ./run installs"
    wanted = agent_install.plan(settings, is_users=is_users, root=str(tmp_path))
    agent_install.install(settings, wanted)
    # A template is looked at through one of its instances.
    for name in ("service", "timer"):
        shutil.copy(
            Path(wanted.folder) / f"holdfast-backup@.{name}",
            Path(wanted.folder) / f"holdfast-backup@etc.{name}",
        )
    units = ["holdfast-agent.service", "holdfast-backup@etc.service", "holdfast-backup@etc.timer"]

    done = subprocess.run(
        [
            "systemd-analyze",
            *(["--user"] if is_users else []),
            "verify",
            "--man=no",
            *(str(Path(wanted.folder) / unit) for unit in units),
        ],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )

    complaints = [line for line in done.stderr.splitlines() if "holdfast" in line]
    assert complaints == []
