"""This host as a source: the files and commands the catalogue's probes name, all at once."""

import glob
import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import BinaryIO

from holdfast.app.deadlines import Late, within
from holdfast.base.clock import Clock
from holdfast.base.programs import ToolMissing, administrators_path, ask_tool
from holdfast.base.texts import _
from holdfast.doctor.artefacts import Artefact, Missing
from holdfast.doctor.bundle.manifest import MISSING, REFUSED, TIMED_OUT
from holdfast.doctor.catalogue_types import Component, Probe
from holdfast.doctor.loading import Catalogue

_AT_ONCE = 8
# Up to this size a file is kept in memory, above it by its descriptor.
_SMALL = 1 << 18
# Whatever language the host speaks, its programs answer in the one the readers know best.
_NEUTRAL = {"LC_ALL": "C.UTF-8", "LANGUAGE": "C"}


def _silent(_probe: str) -> None:
    """Nothing is known of ourselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSource:
    """Asks this host; what is not installed or forbidden is missing with its reason."""

    probes: Mapping[str, Probe]
    environment: Mapping[str, str]
    clock: Clock
    # Tells what Holdfast knows of itself, for probes that ask by name.
    own: Callable[[str], bytes | None] = _silent
    # Probes about what this host does not have.
    elsewhere: Container[str] = ()

    @property
    def now(self) -> datetime:
        return self.clock.now().astimezone(UTC).replace(tzinfo=None)

    def gather(self) -> Iterator[Artefact | Missing]:
        """In the catalogue's order, however long each takes."""
        wanted = [
            (name, probe)
            for name, probe in self.probes.items()
            if probe.platform in {"linux", "any"}
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for found in pool.map(self._take, wanted):
                yield from found

    def _take(self, wanted: tuple[str, Probe]) -> list[Artefact | Missing]:
        name, probe = wanted
        if name in self.elsewhere:
            return [Missing(probe=name, reason=_("what it is about is not on this host"))]
        if probe.asks:
            return [self._tell(name, probe)]
        if probe.command:
            return [self._ask(name, probe)]
        return _files(name, probe)

    def _tell(self, name: str, probe: Probe) -> Artefact | Missing:
        try:
            said = within(probe.seconds, lambda: self.own(probe.asks))
        except Late:
            return _late(name, probe)
        except OSError as err:
            return _refused(name, err)
        if said is None:
            return Missing(probe=name, reason=_("there is nothing to tell"))
        return Artefact(name=name, opened=lambda: BytesIO(said), probe=name, whole=True)

    def _ask(self, name: str, probe: Probe) -> Artefact | Missing:
        environment = {
            **self.environment,
            **_NEUTRAL,
            "PATH": administrators_path(self.environment),
        }
        try:
            done = ask_tool(probe.command, environment=environment, timeout=probe.seconds)
        except ToolMissing:
            return Missing(probe=name, reason=_("not installed"))
        except OSError as err:
            return _refused(name, err)
        if done is None:
            return _late(name, probe)
        if done.status and not probe.any_status:
            return Missing(probe=name, reason=_("status {status}").format(status=done.status))
        said = done.said
        command = " ".join(probe.command)
        return Artefact(name=command, opened=lambda: BytesIO(said), probe=name, whole=True)


def _late(name: str, probe: Probe) -> Missing:
    reason = _("no answer within {seconds:g} seconds").format(seconds=probe.seconds)
    return Missing(probe=name, reason=reason, status=TIMED_OUT)


def _files(name: str, probe: Probe) -> list[Artefact | Missing]:
    paths = [path for pattern in probe.files for path in sorted(glob.glob(pattern))]
    if not paths:
        return [Missing(probe=name, reason=_("no such file"))]
    return [_file(name, path) for path in dict.fromkeys(paths) if os.path.isfile(path)]


def _file(name: str, path: str) -> Artefact | Missing:
    """Take hold of it now: files of a living host come and go while they are looked at."""
    try:
        with open(path, "rb") as stream:
            said = stream.read(_SMALL + 1)
            held = _Held(os.dup(stream.fileno())) if len(said) > _SMALL else None
    except OSError as err:
        return _refused(name, err, path)
    opened = held or (lambda: BytesIO(said))
    return Artefact(name=path, opened=opened, probe=name, whole=True)


class _Held:
    """A file that stays readable from its start, even when it is moved away or removed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __call__(self) -> BinaryIO:
        return open(f"/proc/self/fd/{self._descriptor}", "rb")

    def __del__(self) -> None:
        os.close(self._descriptor)


def _refused(name: str, err: OSError, path: str = "") -> Missing:
    reason = ": ".join(filter(None, (path, err.strerror or type(err).__name__)))
    is_forbidden = isinstance(err, PermissionError)
    return Missing(probe=name, reason=reason, status=REFUSED if is_forbidden else MISSING)


def elsewhere(catalogue: Catalogue) -> frozenset[str]:
    """The probes that only causes of components need whose signs this host does not show."""
    here = {name for name, one in catalogue.components.items() if _may_be_here(one)}
    wanted = {
        probe
        for name, cause in catalogue.causes.items()
        if catalogue.owners["cause", name] in here
        for probe in cause.probes
    }
    own = {probe for probe in catalogue.probes if catalogue.owners["probe", probe] in here}
    return frozenset(catalogue.probes) - wanted - own


def _may_be_here(component: Component) -> bool:
    return not component.signs or any(map(glob.glob, component.signs))


def _is_of_use(component: Component) -> bool:
    """A program of a cloud's images may be installed on a host that is not in that cloud."""
    if not component.used and not component.used_text:
        return True
    return any(map(glob.glob, component.used)) or any(
        text in _start_of(file) for file, text in component.used_text.items()
    )


def _start_of(file: str) -> str:
    try:
        with open(file, "rb") as stream:
            return stream.read(_SMALL).decode(errors="replace")
    except OSError:
        return ""


def present(
    catalogue: Catalogue, brought: Iterable[Artefact | Missing], *, is_asked: bool = True
) -> frozenset[str]:
    """The components this host has; without a question only those that are of use on it."""
    own = {
        catalogue.owners["probe", one.probe]
        for one in brought
        if isinstance(one, Artefact) and one.probe
    }
    return frozenset(
        name
        for name, component in catalogue.components.items()
        if (_may_be_here(component) if component.signs else name in own)
        and (is_asked or _is_of_use(component))
    )
