"""Plan how to mend a proven cause; carrying it out is the application's.

Three kinds of acts are enough: start a service, set a key in a configuration file, run a command
that is safe to run again. A remedy of the catalogue names one and says on what it works.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from holdfast.doctor.catalogue_types import Remedy
from holdfast.doctor.model import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class StartService:
    """Start it, by the service manager or, where there is none, by its own command."""

    # Its names, the likeliest first; distributions differ.
    unit: str
    fallback: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        return f"service {self.unit.split()[0]} start"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetKey:
    """Give a key of a `key=value` file another value; a copy of the file is kept beside it."""

    file: str
    key: str
    value: str
    # The names of the service that reads the file only when it starts.
    restart: str = ""

    @property
    def shown(self) -> str:
        then = f"; service {self.restart.split()[0]} restart" if self.restart else ""
        return f"{self.file}: {self.key}={self.value}{then}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    arguments: tuple[str, ...]

    @property
    def shown(self) -> str:
        return shlex.join(self.arguments)


Act = StartService | SetKey | RunCommand


def _start_service(given: Mapping[str, str]) -> Act:
    return StartService(unit=given["unit"], fallback=tuple(shlex.split(given.get("fallback", ""))))


def _set_key(given: Mapping[str, str]) -> Act:
    wanted = {name: given[name] for name in ("file", "key", "value")}
    return SetKey(**wanted, restart=given.get("restart", ""))


def _run(given: Mapping[str, str]) -> Act:
    return RunCommand(arguments=tuple(shlex.split(given["command"])))


ACTIONS: dict[str, Callable[[Mapping[str, str]], Act]] = {
    "start-service": _start_service,
    "set-key": _set_key,
    "run": _run,
}


_COMMAND_LINES = ("command", "fallback")


def plan_act(remedy: Remedy, verdict: Verdict) -> Act | None:
    """The act of a remedy for this very verdict; None when only a person can do it."""
    if remedy.action not in ACTIONS:
        return None
    raw = {name: str(value) for name, value in verdict.values.items()}
    # What stood in a log must not become more than one word of a command line.
    quoted = {name: shlex.quote(value) for name, value in raw.items()}
    try:
        given = {
            name: text.format(**(quoted if name in _COMMAND_LINES else raw))
            for name, text in remedy.given.items()
        }
        return ACTIONS[remedy.action](given)
    except (KeyError, ValueError):
        return None


def with_key(text: str, key: str, value: str) -> str:
    """The file with the key set where it stands, commented out or not, else at the end."""
    line = re.compile(rf"(?m)^[ \t]*(?:#[ \t]*)?{re.escape(key)}[ \t]*=.*$")
    wanted = f"{key}={value}"
    live = re.compile(rf"(?m)^[ \t]*{re.escape(key)}[ \t]*=.*$")
    for pattern in (live, line):
        if pattern.search(text):
            return pattern.sub(lambda _: wanted, text)
    return f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{wanted}\n"
