"""The console, on what the demonstration has made: server and agent for as long as it is looked at."""

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from holdfast.app.config import Settings
from holdfast.app.control.server_settings import load_server_settings
from holdfast.app.demo_child import environment
from holdfast.app.jobs_server import ServerJobs
from holdfast.app.processes import Conversation, converse
from holdfast.app.setup_errors import DemoFailed
from holdfast.app.up_server import OwnServer, client_of
from holdfast.app.wiring import Session
from holdfast.base.texts import _
from holdfast.fleet.jobs import State

_PORTS = (8443, 18443, 28443, 38443)
_PATIENCE = 120.0
_TICK = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleShown:
    address: str
    account: str
    password: str


@contextlib.contextmanager
def console_on(session: Session, folder: Path) -> Iterator[ConsoleShown]:
    """Below the demonstration's folder; its source is protected, backed up and restored once."""
    own = replace(session, settings=_settings(session.settings, folder))
    process = converse(_words(folder), environment=_environment(own))
    try:
        told = _told(own, process)
        _work(own, told, folder)
        yield ConsoleShown(
            address=f"{told['server']}/",
            account=told["account"],
            password=told["password"],
        )
    finally:
        process.end()


def _settings(known: Settings, folder: Path) -> Settings:
    return replace(
        known,
        home=str(folder / "console"),
        vault=None,
        passphrase_file=None,
        passphrase_command=None,
        credentials={},
    )


def _words(folder: Path) -> list[str]:
    source = str(folder / "source")
    listen = f"127.0.0.1:{_free_port()}"
    command = [sys.executable, "-m", "holdfast.cli.up_child", str(os.getpid()), "up", "--json"]
    return [*command, "--lab", "--yes", "--listen", listen, "--paths", source]


def _environment(session: Session) -> dict[str, str]:
    return {**environment(session), "HOLDFAST_HOME": session.settings.home}


def _free_port() -> int:
    """The usual one, if nobody has it."""
    for port in _PORTS:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _told(session: Session, process: Conversation) -> dict[str, Any]:
    line = process.hear(clock=session.clock, within=_PATIENCE)
    told: dict[str, Any] = msgspec.json.decode(line) if line else {}
    if told.get("event") != "up":
        seen = str(told.get("message", _("it said nothing")))
        raise DemoFailed(what=_("the console"), seen=seen)
    return told


def _work(session: Session, told: dict[str, Any], folder: Path) -> None:
    """One recovery point and one proven restore, so that there is something to look at."""
    server = OwnServer(settings=load_server_settings(session.settings.home))
    client = client_of(session, server)
    if client is None:
        raise DemoFailed(what=_("the console"), seen=_("nobody could log in"))
    jobs, machine = ServerJobs(client), told["machine"]
    source, beside = str(folder / "source"), str(folder / "restored-by-the-console")
    _run(session, jobs, machine, kind="backup", arguments={"paths": [source]})
    latest = {"point": "latest", "to": beside}
    _run(session, jobs, machine, kind="restore", arguments=latest)


def _run(
    session: Session, jobs: ServerJobs, machine: str, *, kind: str, arguments: dict[str, Any]
) -> None:
    job = jobs.order(machine, kind, arguments, hours=1)
    deadline = session.clock.monotonic() + _PATIENCE
    while not State(job.state).is_over and session.clock.monotonic() < deadline:
        session.clock.sleep(_TICK)
        job = jobs.show(job.id).job
    if job.state not in (State.DONE, State.WARNINGS):
        raise DemoFailed(what=kind, seen=job.state)
