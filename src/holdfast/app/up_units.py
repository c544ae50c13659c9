"""The unit systemd runs the server of `holdfast up --install` by."""

import os
from dataclasses import replace

from holdfast.app import agent_install
from holdfast.app.agent_install import Installation
from holdfast.app.config import Settings
from holdfast.app.up_errors import NoServiceManager

SERVER = "holdfast-server.service"
# Its folder, and any vault that it is given later, may lie below /tmp: in a /tmp of the service's
# own they would be hidden from everybody else, and gone when it ends.
_SERVER_UNIT = """\
[Unit]
Description=Holdfast server: vaults, policies and jobs of many machines
Documentation=man:systemd.unit(5)
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
ExecStart={program} server run
ExecReload=/bin/kill -HUP $MAINPID
Environment=HOLDFAST_HOME={home} LC_ALL=C.UTF-8
Restart=on-failure
RestartSec=5
TimeoutStartSec=120
TimeoutStopSec=60
UMask=0077
LimitNOFILE=65536
LockPersonality=yes
NoNewPrivileges=yes
ProtectHostname=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictRealtime=yes
SystemCallArchitectures=native

[Install]
WantedBy={target}
"""


def plan_server(settings: Settings) -> Installation:
    """Of the system as root, else of the user alone."""
    like_agent = plan_agent(settings)
    target = "default.target" if like_agent.is_users else "multi-user.target"
    own = units(program=agent_install.program(), home=settings.home, target=target)
    return replace(like_agent, units=own, services=(SERVER,))


def units(*, program: str, home: str, target: str = "multi-user.target") -> dict[str, str]:
    """By name; also for a package, which installs it for everybody."""
    words = {"program": program, "home": home.replace("%", "%%"), "target": target}
    return {SERVER: _SERVER_UNIT.format(**words)}


def plan_agent(settings: Settings) -> Installation:
    return agent_install.plan(settings, is_users=os.geteuid() != 0)


def require_service_manager(settings: Settings) -> None:
    if not agent_install.can_be_told(plan_agent(settings)):
        raise NoServiceManager


def uninstall(settings: Settings) -> list[str]:
    """Stop the agent and then its server, and remove the units that were there."""
    wanted = (plan_agent(settings), plan_server(settings))
    return [file for one in wanted for file in agent_install.uninstall(settings, one)]


def is_installed(settings: Settings) -> bool:
    return os.path.exists(plan_server(settings).files[0])
