"""What the agent's probes make of systemd's, cron's and the kernel's words."""

import fcntl
import os
from pathlib import Path

import pytest

from holdfast.agent.place import Place
from holdfast.app.agent_machine_probe import tell_machine
from holdfast.app.agent_service_probe import cron_line, tell_service, times
from holdfast.app.config import Settings
from holdfast.app.systemd_units import moment, program_line, service_line
from holdfast.app.wiring import Session

AGENT = """\
Id=holdfast-agent.service
LoadState=loaded
ActiveState=activating
SubState=auto-restart
UnitFileState=enabled
Result=exit-code
ExecMainStatus=203
NRestarts=17
ActiveEnterTimestamp=Fri 2026-11-20 10:00:00 UTC
User=
NeedDaemonReload=yes
ExecStart={ path=PROGRAM ; argv[]=PROGRAM agent run ; ignore_errors=no ; start_time=[n/a] ; pid=0 }
Environment=HOLDFAST_HOME=/var/lib/holdfast "HTTPS_PROXY=http://ada:secret@127.0.0.1:1"
MainPID=0
"""
TIMERS = """\
Id=restic-home.timer
ActiveState=active
NextElapseUSecRealtime=Sat 2026-11-21 02:00:00 UTC

Id=apt-daily.timer
ActiveState=active
NextElapseUSecRealtime=Sat 2026-11-21 02:00:00 UTC
"""
KERNEL = """\
2026-11-20T10:00:00+0000 db1 kernel: audit: type=1400 audit(1763632800.1:9): apparmor="DENIED" \
operation="open" profile="holdfast" name="/var/lib/holdfast/agent/agent.db" pid=9 comm="holdfast"
2026-11-20T10:00:01+0000 db1 kernel: audit: apparmor="DENIED" operation="open" profile="cupsd"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Programs of the host in the places of those that this machine may not have."""
    return {"PATH": str(tmp_path / "bin"), "LANG": "ko_KR.UTF-8"}


def _program(folder: Path, name: str, text: str, status: int = 0) -> None:
    script = folder / "bin" / name
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"#!/bin/sh\n/bin/cat <<'EOT'\n{text}EOT\nexit {status}\n")
    script.chmod(0o755)


def _session(home: Path, environment: dict[str, str]) -> Session:
    return Session(settings=Settings(home=str(home), harmless=environment), warn=print)


def test_a_unit_is_told_with_its_program_and_its_own_proxy(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    program = tmp_path / "venv" / "holdfast"
    program.parent.mkdir()
    program.write_text(f"#!{tmp_path}/venv/python3 -I\n")
    (tmp_path / "venv" / "python3").symlink_to("/usr/bin/python3.1")
    _program(tmp_path, "systemctl", AGENT.replace("PROGRAM", str(program)))

    line = service_line("agent-service", "holdfast-agent.service", environment)

    assert line is not None
    assert (line["sub"], line["restarts"], line["status"]) == ("auto-restart", 17, 203)
    assert (line["needs_reload"], line["since"]) == (True, "2026-11-20T10:00:00+00:00")
    assert line["program_state"] == "no-interpreter"
    assert line["interpreter"] == "/usr/bin/python3.1"
    assert line["proxies"] == {"HTTPS_PROXY": "http://127.0.0.1:1"}
    assert line["silent_proxies"] == {"HTTPS_PROXY": os.strerror(111)}


def test_without_systemd_nothing_is_told_of_units(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    absent = service_line("agent-service", "holdfast-agent.service", environment)
    _program(tmp_path, "systemctl", "System has not been booted with systemd\n", status=1)
    refused = service_line("agent-service", "holdfast-agent.service", environment)

    assert (absent, refused) == (None, None)


def test_an_agent_without_a_unit_is_known_by_the_lock_it_holds(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    place = Place(str(tmp_path))
    place.prepare()
    session = _session(tmp_path, environment)
    told = []

    told.append(_is_running(session))
    with open(place.lock, "w", encoding="ascii") as held:
        told.append(_is_running(session))
        fcntl.flock(held, fcntl.LOCK_EX)
        told.append(_is_running(session))
    told.append(_is_running(session))

    assert told == [False, False, True, False]


def _is_running(session: Session) -> object:
    (line,) = (one for one in tell_service(session) if one["holdfast"] == "agent-process")
    assert line["home"] == session.settings.home
    return line["is_running"]


def test_timers_of_other_backup_programs_are_told_and_no_others(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    _program(tmp_path, "systemctl", TIMERS)

    lines = [*tell_service(_session(tmp_path, environment))]

    tools = [one for one in lines if one["holdfast"] == "other-backup"]
    assert [one["tool"] for one in tools if one["where"] == "restic-home.timer"] == ["restic"]
    assert not any("apt" in str(one["where"]) for one in tools)


@pytest.mark.parametrize(
    ("line", "tool", "at"),
    [
        ("50 1 * * * root /usr/bin/restic backup /srv\n", "restic", ["01:50"]),
        ("0 */12 * * 1-5 borg create ::x /home\n", "borg", ["00:00", "12:00"]),
        ("@daily root holdfast backup /etc\n", "holdfast backup", ["00:00"]),
        ("9 2 * * * root holdfast agent run --once\n", "holdfast agent run", ["02:09"]),
    ],
)
def test_a_line_of_cron_tells_when_it_runs(line: str, tool: str, at: list[str]) -> None:
    (told,) = cron_line("/etc/crontab:1", line)

    assert (told["tool"], told["at"]) == (tool, at)


def test_comments_and_other_programs_in_cron_are_passed_over() -> None:
    assert [*cron_line("c:1", "# 50 1 * * * root restic backup /srv\n")] == []
    assert [*cron_line("c:2", "17 * * * * root run-parts /etc/cron.hourly\n")] == []
    assert [*cron_line("c:3", "PATH=/usr/local/restic/bin\n")] == []


def test_times_of_cron_that_nobody_understands_are_left_out() -> None:
    assert times("x", "0") == []
    assert times("99", "0") == []
    assert times("1-2", "5,35") == ["01:05", "01:35", "02:05", "02:35"]


def test_a_program_that_is_gone_or_whole(tmp_path: Path) -> None:
    script = tmp_path / "holdfast"
    script.write_text("#!/bin/sh\n")

    assert program_line(str(script))["program_state"] == "good"
    assert program_line(str(tmp_path / "gone"))["program_state"] == "missing"


def test_moments_of_systemd_that_name_none_are_none() -> None:
    assert moment("n/a") is None
    assert moment("") is None


def test_denials_of_our_program_are_told_and_others_counted_as_none(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    _program(tmp_path, "journalctl", KERNEL)

    lines = [*tell_machine(_session(tmp_path, environment))]

    (denial,) = (one for one in lines if one["holdfast"] == "agent-denial")
    (count,) = (one for one in lines if one["holdfast"] == "agent-denials")
    assert (denial["module"], denial["path"]) == ("AppArmor", "/var/lib/holdfast/agent/agent.db")
    assert (denial["when"], count["count"]) == ("2026-11-20T10:00:00+00:00", 1)
