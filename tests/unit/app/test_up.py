"""What `holdfast up` proposes, the units it writes, and the settings it keeps."""

import os
import subprocess
from pathlib import Path

import pytest

from holdfast.app import up_units
from holdfast.app.config import Settings, is_usual_home
from holdfast.app.up_errors import ServerSettingDiffers
from holdfast.app.up_processes import claim, is_locked, running_pid
from holdfast.app.up_proposal import make_proposal
from holdfast.app.up_server import prepare_server
from holdfast.base.clock import SystemClock


def settings(home: Path, **harmless: str) -> Settings:
    return Settings(home=str(home), harmless=harmless)


def test_own_folder_and_the_vault_are_left_out_of_what_holds_them(tmp_path: Path) -> None:
    vault = tmp_path / "back up"

    inside = make_proposal(settings(tmp_path / "home"), (str(tmp_path),), vault=str(vault))
    outside = make_proposal(settings(tmp_path / "home"), ("/etc",), vault="s3://bucket/x")

    assert inside.options["excludes"] == [f"{tmp_path}/home/", f"{tmp_path}/back\\ up/"]
    assert "excludes" not in outside.options


def test_without_paths_what_holds_something_is_proposed(tmp_path: Path) -> None:
    proposal = make_proposal(settings(tmp_path, HOME=str(tmp_path)), (), vault="/elsewhere")

    assert "/etc" in proposal.paths or os.geteuid() != 0
    assert all(os.listdir(path) for path in proposal.paths)
    assert ".cache/" in proposal.options["excludes"]


def test_server_keeps_its_address_and_takes_another_only_before_the_first_machine(
    tmp_path: Path,
) -> None:
    first = prepare_server(str(tmp_path), listen="127.0.0.1:9000", name=None)
    again = prepare_server(str(tmp_path), listen=None, name=None)
    other = prepare_server(str(tmp_path), listen="127.0.0.1:9001", name="backup.example.net")
    with (tmp_path / "server" / "config.toml").open("w") as config:
        config.write('listen = "127.0.0.1:9002"\n')

    with pytest.raises(ServerSettingDiffers, match=r"listen is 127\.0\.0\.1:9002"):
        prepare_server(str(tmp_path), listen="127.0.0.1:9000", name=None)

    assert first.address == again.address == "https://127.0.0.1:9000"
    assert other.address == "https://backup.example.net:9001"


def test_one_claims_a_home_and_the_other_knows_its_process(tmp_path: Path) -> None:
    home, clock = str(tmp_path), SystemClock()

    with claim(home, clock) as first, claim(home, clock) as second:
        seen = running_pid(home)

    assert first.children is not None
    assert second.children is None
    assert seen == os.getpid()
    assert running_pid(home) is None
    assert not is_locked(str(tmp_path / "up.lock"))


def test_units_of_the_server_are_good_for_systemd(tmp_path: Path) -> None:
    unit = up_units.plan_server(settings(tmp_path / "100%", HOME=str(tmp_path)))
    (content,) = unit.units.values()
    file = tmp_path / up_units.SERVER
    file.write_text(content)

    assert "100%%" in content
    assert unit.services == (up_units.SERVER,)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", file],
        capture_output=True,
        text=True,
        check=False,
    )
    assert up_units.SERVER not in done.stderr


def test_service_of_the_server_sees_the_same_folders_as_everybody(tmp_path: Path) -> None:
    """A vault below /tmp, given at first or later, would be lost with a /tmp of its own."""
    (content,) = up_units.plan_server(settings(tmp_path, HOME=str(tmp_path))).units.values()

    hiding = ("PrivateTmp", "ProtectHome", "ProtectSystem", "DynamicUser", "InaccessiblePaths")
    assert not [word for word in hiding if word in content]


def test_usual_home_is_found_without_being_told() -> None:
    seen = {"HOME": "/home/ada", "HOLDFAST_HOME": "/mnt/x"}

    usual = "/var/lib/holdfast" if os.geteuid() == 0 else "/home/ada/.local/share/holdfast"

    assert not is_usual_home("/mnt/x", seen) or usual == "/mnt/x"
