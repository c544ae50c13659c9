"""The commands of a page, typed into shells one after the other, and what it says they answer.

page = read_page(Path("docs/tutorials/files.md"))
with Shell(root.words(["bash"])) as here:
    play(page, {"": here})

A line of a console block that begins with `$ ` is typed; `south$ ` is typed at the host south.
What stands below it must be among what is answered, but for numbers, names of points and times.
"""

import contextlib
import os
import re
import subprocess  # noqa: TID251  a shell is a process
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from holdfast.base.clock import SystemClock
from holdfast.base.errors import Exit
from holdfast.testing.waiting import wait_until

_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
_PROMPT = re.compile(r"^(?P<where>\w*)[$#] (?P<typed>.*)$")
_REMARK = re.compile(r"\s{2,}# .*$")
# What is different each time.
_CHANGING = (
    (re.compile(r"\d{4}-\d\d-\d\d"), "DATE"),
    (re.compile(r"\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*…?"), "ID"),
    (re.compile(r"\d[\d.:,]*(?:[  ](?:[KMGT]iB|B|ms|s|%))?(?:/s)?"), "N"),
    (re.compile(r"[─═]{3,}"), "--"),
    (re.compile(r"\s+"), " "),
)
# The line that follows the last one of a command's answer begins so.
MARK = "holdfast-typed-done"
_PATIENCE = 300.0
_clock = SystemClock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    where: str
    typed: str
    shown: tuple[str, ...]


def read_page(file: Path, *, after: str = "") -> list[Step]:
    """From the heading or the sentence `after` on."""
    text = file.read_text(encoding="utf-8")
    assert after in text
    return [
        step
        for block in _BLOCK.findall(text[text.index(after) :])
        for step in _steps(block.splitlines())
    ]


def _steps(lines: Sequence[str]) -> Iterator[Step]:
    where, typed, shown = "", "", []
    for line in [*lines, "$ "]:
        found = _PROMPT.match(line)
        if found is None:
            shown.append(line)
            continue
        if typed:
            yield Step(where=where, typed=typed, shown=tuple(filter(None, shown)))
        where, typed, shown = found["where"], _REMARK.sub("", found["typed"]).strip(), []


def shape(line: str) -> str:
    """What of a line is the same each time."""
    for changing, name in _CHANGING:
        line = changing.sub(name, line)
    return line.strip()


@dataclass(slots=True)
class Shell:
    """One that stays: what is exported or begun in it is there for the next command."""

    words: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    patience: float = _PATIENCE
    _process: subprocess.Popen[str] = field(init=False)
    _heard: list[str] = field(default_factory=list, init=False)
    _times: list[float] = field(default_factory=list, init=False)
    _ear: threading.Thread = field(init=False)

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603  a test's own command
            self.words,
            env={**self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._ear = threading.Thread(target=self._listen, daemon=True)
        self._ear.start()
        return self

    def __exit__(self, *_: object) -> None:
        """What still runs in the background is ended in order."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write("kill $(jobs -p) 2>/dev/null; wait\n")
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE)
        finally:
            self._process.kill()
            self._ear.join(_PATIENCE)
            self._process.stdout.close()

    def type(self, typed: str) -> tuple[int, int]:
        """Type it and wait for its end; its status, and where its answer begins."""
        assert self._process.stdin is not None
        begin = len(self._heard)
        # Nothing it starts may read what is typed next.
        self._process.stdin.write(f"{{ {typed}\n}} </dev/null\necho {MARK} $?\n")
        self._process.stdin.flush()
        wait_until(lambda: self._ended(begin) is not None, within=self.patience)
        status = self._ended(begin)
        assert status is not None
        return status, begin

    def heard(self, begin: int) -> list[str]:
        return [line for line in self._heard[begin:] if not line.startswith(MARK)]

    def timed(self) -> list[tuple[float, str]]:
        """All lines since the beginning, each with when it came."""
        return list(zip(self._times, self._heard, strict=False))

    def _ended(self, begin: int) -> int | None:
        for line in self._heard[begin:]:
            if line.startswith(MARK):
                return int(line.split()[1])
        return None if self._process.poll() is None else -1

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._times.append(_clock.monotonic())
            self._heard.append(line.rstrip("\n"))


def play(
    steps: Sequence[Step],
    shells: Mapping[str, Shell],
    *,
    warned: Sequence[str] = (),
    passing: Sequence[str] = (),
) -> None:
    """Each command must end well, and what is shown below it must have been answered.

    Commands that begin like one of `warned` may end with a warning: what they tell of is such.
    Lines that begin like one of `passing` are of a moment, and need not come as they are shown.
    """
    for step in steps:
        shell = shells[step.where]
        status, begin = shell.type(step.typed)
        if step.typed.endswith("&"):
            # It goes on, and says in its own time what it says.
            wait_until(lambda s=step, h=shell, b=begin: not _missing(s, h, b))  # type: ignore[misc]  # bound now
        missing = [
            one for one in _missing(step, shell, begin) if not one.startswith(tuple(passing))
        ]
        said = "\n".join(shell.heard(begin))
        fine = (Exit.FINE, Exit.WARNINGS) if step.typed.startswith(tuple(warned)) else (Exit.FINE,)
        assert status in fine, f"{step.where}$ {step.typed}: {status}\n{said}"
        assert missing == [], f"{step.where}$ {step.typed}: {missing} is not in\n{said}"


def _missing(step: Step, shell: Shell, begin: int) -> list[str]:
    said = {shape(line) for line in shell.heard(begin)}
    return [line for line in step.shown if shape(line) not in said and line.strip() != "…"]


def environment(**more: str) -> dict[str, str]:
    """What a person's shell has, and what this program is found by."""
    place = os.path.dirname(sys.executable)
    path = f"{place}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "LC_ALL": "C.UTF-8", **more}
