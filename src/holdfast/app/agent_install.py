"""The units systemd runs the agent by, and timers for those who want no daemon."""

import contextlib
import glob
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.app.config import Settings
from holdfast.base.errors import HoldfastError
from holdfast.base.programs import has_tool, last_words, run_tool
from holdfast.base.texts import N_
from holdfast.storage.durable import sync_folder

AGENT = "holdfast-agent.service"
_BACKUP, _TIMER = "holdfast-backup@.service", "holdfast-backup@.timer"
_TIMEOUT = 60.0
_SYSTEM = "etc/systemd/system"
# Files of every owner are read and, by a restore, written: what would hide them is left out here.
_AGENT_UNIT = """\
[Unit]
Description=Holdfast agent: backups by schedule, results to the server
Documentation=man:systemd.unit(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart={program} agent run
ExecReload=/bin/kill -HUP $MAINPID
Environment=HOLDFAST_HOME={home} LC_ALL=C.UTF-8
Restart=on-failure
RestartSec=5
WatchdogSec=180
# Jobs are told to stop by the agent, which notes that they are to go on later.
KillMode=mixed
TimeoutStopSec=60
UMask=0077
Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
LockPersonality=yes
ProtectHostname=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictRealtime=yes
SystemCallArchitectures=native

[Install]
WantedBy={target}
"""
_BACKUP_UNIT = """\
[Unit]
Description=Holdfast backup of %f
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={program} backup --wait 1h -- %f
Environment=HOLDFAST_HOME={home} LC_ALL=C.UTF-8
# Some items were left out; each is named in the log.
SuccessExitStatus=3
UMask=0077
Nice=10
IOSchedulingClass=best-effort
IOSchedulingPriority=7
"""
_TIMER_UNIT = """\
[Unit]
Description=Holdfast backup of %f, once a day

[Timer]
OnCalendar=*-*-* 02:00:00
RandomizedDelaySec=1h
# What was missed while the machine was off is made up for.
Persistent=true

[Install]
WantedBy=timers.target
"""


class UnitsNotWritten(HoldfastError):
    code = "units-not-written"
    sentence = N_("The unit {file} cannot be written: {reason}")
    remedy = N_("Run it as root, or for yourself alone with --user.")


class ServiceManagerRefused(HoldfastError):
    code = "service-manager-refused"
    sentence = N_("`{command}` ended with status {status}: {said}")
    remedy = N_("The units are in place. See `systemctl status holdfast-agent`, then try it again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Where the units go. With a `root` they are for another system, and nothing is started."""

    folder: str
    units: Mapping[str, str]
    is_users: bool
    is_elsewhere: bool
    # What is to run, now and at every boot.
    services: tuple[str, ...] = (AGENT,)

    @property
    def files(self) -> list[str]:
        return [os.path.join(self.folder, name) for name in self.units]


def plan(settings: Settings, *, is_users: bool = False, root: str = "/") -> Installation:
    target = "default.target" if is_users else "multi-user.target"
    folder = _users_folder(settings) if is_users else _SYSTEM
    return Installation(
        folder=os.path.join(root, folder.lstrip("/")),
        units=units(program=program(), home=settings.home, target=target),
        is_users=is_users,
        is_elsewhere=root != "/",
    )


def units(*, program: str, home: str, target: str = "multi-user.target") -> dict[str, str]:
    """By name; also for a package, which installs them for everybody."""
    words = {"program": program, "home": home.replace("%", "%%"), "target": target}
    templates = {AGENT: _AGENT_UNIT, _BACKUP: _BACKUP_UNIT, _TIMER: _TIMER_UNIT}
    return {name: template.format(**words) for name, template in templates.items()}


def install(settings: Settings, wanted: Installation) -> bool:
    """Write the units and start the agent; False where no systemd runs that could."""
    for file, content in zip(wanted.files, wanted.units.values(), strict=True):
        _write(file, content)
    if not can_be_told(wanted):
        return False
    _tell(settings, wanted, "daemon-reload")
    _tell(settings, wanted, "enable", "--now", *wanted.services)
    return True


def uninstall(settings: Settings, wanted: Installation) -> list[str]:
    """Stop the agent, the timers too, and remove what is `installed`. Its state stays."""
    there = installed(wanted)
    if there and can_be_told(wanted):
        for unit in (*wanted.services, *map(os.path.basename, _enabled_timers(wanted))):
            with contextlib.suppress(ServiceManagerRefused):
                _tell(settings, wanted, "disable", "--now", unit)
    for file in there:
        _remove(file)
    if there and can_be_told(wanted):
        _tell(settings, wanted, "daemon-reload")
    return there


def installed(wanted: Installation) -> list[str]:
    """The units that are there, and before them the links of timers that somebody enabled."""
    return [*_enabled_timers(wanted), *filter(os.path.exists, wanted.files)]


def _enabled_timers(wanted: Installation) -> list[str]:
    """The links by which a person has enabled timers of ours, each for a folder of theirs."""
    if _TIMER not in wanted.units:
        return []
    pattern = os.path.join(glob.escape(wanted.folder), "*.wants", _TIMER.replace("@", "@*"))
    return sorted(glob.glob(pattern))


def _remove(file: str) -> None:
    try:
        os.remove(file)
    except FileNotFoundError:
        # A link, and systemd was faster.
        return
    except OSError as err:
        raise UnitsNotWritten(file=file, reason=err.strerror) from err


def program() -> str:
    """The very program that runs now: a service has another PATH than a person."""
    beside = os.path.join(os.path.dirname(sys.executable), "holdfast")
    found = beside if os.path.exists(beside) else shutil.which("holdfast")
    return (found or beside).replace("%", "%%")


def _users_folder(settings: Settings) -> str:
    return os.path.join(settings.harmless.get("HOME", "/root"), ".config/systemd/user")


def _write(file: str, content: str) -> None:
    fresh = f"{file}.new"
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(fresh, "w", encoding="utf-8") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(fresh, 0o644)
        os.replace(fresh, file)
        sync_folder(os.path.dirname(file))
    except OSError as err:
        raise UnitsNotWritten(file=file, reason=err.strerror) from err


def can_be_told(wanted: Installation) -> bool:
    """Containers and chroots often have the program but no manager behind it."""
    if wanted.is_elsewhere or not has_tool("systemctl"):
        return False
    return wanted.is_users or os.path.isdir("/run/systemd/system")


def _tell(settings: Settings, wanted: Installation, *words: str) -> None:
    command: Sequence[str] = ["systemctl", *(["--user"] if wanted.is_users else []), *words]
    done = run_tool(command, environment=settings.harmless, timeout=_TIMEOUT)
    if done.status:
        raise ServiceManagerRefused(
            command=" ".join(command), status=done.status, said=last_words(done.said)
        )
