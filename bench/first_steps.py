"""Somebody who types what the README says, and how long each part of it kept them waiting."""

import os
import signal
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

from bench import bare_root
from holdfast.base.clock import SystemClock
from holdfast.testing.own_root import OwnRoot
from holdfast.testing.typed import MARK, Shell, Step, environment, read_page

README = Path(__file__).parent.parent / "README.md"
_SESSION = "A session, from an empty folder"
_PACKAGE = "Then have the command in your shell"
_HOSTS = "Another host follows them"
_PROOF = "--verify"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Everything that is fetched from far away is among it.
_PATIENCE = 3600.0
_WORK, _PACKAGES, _WHEELS = "work", "packages", "wheels"
_PROMPT, _RUN = "$ ", "run: "
# What `./run` says that it does now, and what of the waiting that is.
_KINDS = {
    "installing Debian packages": _PACKAGES,
    "making .venv": _WHEELS,
    "installing locks": _WHEELS,
    "installing what the Debian package": _WHEELS,
    "building libvirt": _WHEELS,
}
_clock = SystemClock()


def package_steps() -> list[Step]:
    steps = read_page(README, after=_PACKAGE)
    return steps[: next(at for at, one in enumerate(steps) if "umask" in one.typed)]


def install_steps(package: str) -> list[Step]:
    """Of a package that was built elsewhere and has come here."""
    lines = [one.typed.partition("&&")[2] or one.typed for one in package_steps()]
    return [
        Step(
            where="", typed=line.strip().replace("./dist/holdfast_*.deb", f"./{package}"), shown=()
        )
        for line in lines
        if "apt install" in line
    ]


def session_steps() -> list[Step]:
    """To the restore that is proven."""
    return _to(read_page(README, after=_SESSION), _PROOF)


def host_steps() -> list[Step]:
    """To the drill that has passed; each names its host."""
    steps = [step for step in read_page(README, after=_HOSTS) if step.where]
    return _to(steps, "drill run")


def _to(steps: list[Step], word: str) -> list[Step]:
    """With the first one in which that word is typed."""
    return steps[: next(at for at, one in enumerate(steps) if word in one.typed) + 1]


class TypedInVain(Exception):
    """What the README says did not do what it says; the message has what was answered."""


class Newcomer:
    def __init__(self, root: OwnRoot) -> None:
        given = {**bare_root.environment(), "HOME": "/root", "PATH": PATH}
        self._root = root
        self._shell = Shell(root.words(["bash"]), environment(**given), patience=_PATIENCE)
        self._typed: list[tuple[float, str]] = []

    def __enter__(self) -> Self:
        self._shell.__enter__()
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is not None:
            # What was typed last may go on for long, and nobody waits for it any more.
            os.kill(self._root.pid, signal.SIGKILL)
        self._shell.__exit__(kind, *error)

    def clone(self) -> None:
        """From here on it counts."""
        self.type(f"git clone --quiet {bare_root.ORIGIN} holdfast && cd holdfast")

    def play(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self.type(step.typed)

    def type(self, typed: str) -> None:
        self._typed.append((_clock.monotonic(), f"{_PROMPT}{typed}"))
        status, begin = self._shell.type(typed)
        if status:
            raise TypedInVain(f"{typed}: {status}\n" + "\n".join(self._shell.heard(begin)))

    def so_far(self) -> dict[str, float]:
        return parts(self._heard(), _clock.monotonic())

    def until(self, sentence: str) -> dict[str, float]:
        """To the first line in which it stood."""
        heard = self._heard()
        found = (at for at, (_when, line) in enumerate(heard) if sentence in line)
        if (last := next(found, None)) is None:
            raise TypedInVain(f"nobody said: {sentence}")
        return parts(heard[:last], heard[last][0])

    def _heard(self) -> list[tuple[float, str]]:
        return sorted([*self._typed, *self._shell.timed()], key=lambda one: one[0])


def parts(heard: Sequence[tuple[float, str]], ended: float) -> dict[str, float]:
    """The waiting by its kinds, from the first line on: each lasts until something else begins."""
    found: dict[str, float] = {}
    kind, since = _WORK, heard[0][0]
    for at, line in [*heard, (ended, _PROMPT)]:
        following = kind_of(line)
        if following is not None:
            found[kind] = found.get(kind, 0.0) + at - since
            kind, since = following, at
    return found


def kind_of(line: str) -> str | None:
    """None: it is what somebody else says, in the course of the same."""
    if line.startswith(MARK):
        return _WORK
    if line.startswith(_PROMPT):
        return _PACKAGES if line.startswith(f"{_PROMPT}apt ") else _WORK
    _before, is_run, doing = line.partition(_RUN)
    if not is_run:
        return None
    return next((kind for begin, kind in _KINDS.items() if doing.startswith(begin)), _WORK)
