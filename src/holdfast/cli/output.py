"""What a command says, as text for people or as JSON lines for programs."""

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from holdfast.base.clock import Clock
from holdfast.base.errors import Hint, HoldfastError
from holdfast.base.texts import _, language
from holdfast.cli import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from rich.console import Console

    from holdfast.cli.json_base import Event
    from holdfast.files.report import OnProgress, Progress, Skipped

_MOST_SKIPPED = 500
_JSON_EVERY = 1.0
_PACKAGED = "/usr/lib/holdfast/"
_PACKAGED_DOCS = "/usr/share/doc/holdfast"


class Output(Protocol):
    def show(self, event: "Event", *lines: str) -> None:
        """What was asked to be seen."""

    def done(self, event: "Event", *lines: str) -> None:
        """What was achieved; quiet keeps it to itself."""

    def remark(self, line: str) -> None:
        """A line for people only."""

    def warning(self, message: str) -> None: ...

    def skipped(self, items: "Iterable[Skipped]", *, listed_in: str | None = None) -> None: ...

    def error(self, err: HoldfastError) -> None: ...

    def progress(self) -> "AbstractContextManager[OnProgress]":
        """Tell about long work while it runs."""


class TextOutput:
    """Results on standard output; warnings, errors and progress beside it."""

    def __init__(self, clock: Clock, *, quiet: bool = False) -> None:
        self._clock = clock
        self._quiet = quiet
        self._console: Console | None = None

    def show(self, event: "Event", *lines: str) -> None:  # noqa: ARG002  JSON prints the event
        for line in lines:
            sys.stdout.write(_said(line) + "\n")

    def done(self, event: "Event", *lines: str) -> None:
        if not self._quiet:
            self.show(event, *lines)
            # A mount says that it is ready, and then stays.
            sys.stdout.flush()

    def remark(self, line: str) -> None:
        if not self._quiet:
            sys.stdout.write(_said(line) + "\n")
            sys.stdout.flush()

    def warning(self, message: str) -> None:
        self._aside(_("warning: {message}").format(message=shown.line(message)))

    def skipped(self, items: "Iterable[Skipped]", *, listed_in: str | None = None) -> None:
        rest = 0
        for count, item in enumerate(items):
            if count < _MOST_SKIPPED:
                self._aside(_skipped_line(item))
            else:
                rest += 1
        if rest:
            self._aside(_("… and {count} more").format(count=rest))
        if listed_in:
            self._aside(_("All items left out are listed in {file}").format(file=listed_in))

    def error(self, err: HoldfastError) -> None:
        codes = ", ".join((err.code, *err.source_codes))
        self._aside(f"holdfast: {shown.line(str(err))}")
        self._aside(f"  → {shown.line(err.advice)}")
        if err.hint:
            self._aside(_hint_line(err.hint))
        self._aside(f"  {codes} · {_page_here(err)}")

    @contextmanager
    def progress(self) -> "Iterator[OnProgress]":
        if self._quiet or not sys.stderr.isatty():
            yield _nobody
            return
        from rich.console import Console

        from holdfast.cli.progress import bar

        self._console = Console(stderr=True, highlight=False)
        try:
            with bar(self._console, self._clock) as on_progress:
                yield on_progress
        finally:
            self._console = None

    def _aside(self, line: str) -> None:
        line = _said(line)
        if self._console is None:
            sys.stderr.write(line + "\n")
        else:
            # The bar has to step aside for it.
            self._console.print(line, markup=False, soft_wrap=True)


class JsonOutput:
    """One JSON object per line, all on standard output; holdfast.cli.json_events describes them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def show(self, event: "Event", *lines: str) -> None:  # noqa: ARG002  text prints the lines
        import msgspec

        sys.stdout.write(msgspec.json.encode(event).decode() + "\n")
        sys.stdout.flush()

    def done(self, event: "Event", *lines: str) -> None:
        self.show(event, *lines)

    def remark(self, line: str) -> None:
        """Programs need none."""

    def warning(self, message: str) -> None:
        from holdfast.cli import json_events

        self.show(json_events.Warning(message=encodable(message)))

    def skipped(self, items: "Iterable[Skipped]", *, listed_in: str | None = None) -> None:  # noqa: ARG002  the result names the list
        from holdfast.cli.json_reports import skipped_event

        for item in items:
            self.show(skipped_event(item))

    def error(self, err: HoldfastError) -> None:
        from holdfast.cli.json_reports import error_event

        self.show(error_event(err))

    @contextmanager
    def progress(self) -> "Iterator[OnProgress]":
        from holdfast.cli.json_reports import progress_event
        from holdfast.cli.progress import throttled

        start = self._clock.monotonic()

        def tell(now: "Progress") -> None:
            self.show(progress_event(now, self._clock.monotonic() - start))

        yield throttled(tell, self._clock, every=_JSON_EVERY)


def _said(line: str) -> str:
    """Korean particles follow the sound of the word before them, which may be a name."""
    if language() != "ko":
        return line
    from holdfast.base.korean import with_particles

    return with_particles(line)


def _hint_line(hint: Hint) -> str:
    text = _("doctor: {sentence} ({code}); `holdfast doctor {job}` says more")
    return "  " + text.format(sentence=shown.line(hint.sentence), code=hint.code, job=hint.job)


def page_of(err: HoldfastError) -> str:
    return f"docs/errors/{err.code}.md"


def _page_here(err: HoldfastError) -> str:
    """As a person can open it: the package has it far from where anybody works."""
    page = page_of(err)
    packaged = f"{_PACKAGED_DOCS}/{page}"
    is_there = __file__.startswith(_PACKAGED) and os.path.exists(packaged)
    return packaged if is_there else page


def encodable(text: str) -> str:
    """A lone surrogate, from a name that is no text, cannot stand in JSON."""
    return text.encode("utf-8", "backslashreplace").decode()


def _skipped_line(item: "Skipped") -> str:
    import errno

    from holdfast.files.report import SKIP_SENTENCES

    name = errno.errorcode.get(item.errno, "")
    detail = shown.line(item.detail)
    notes = ", ".join(note for note in (item.reason.value, name, detail) if note)
    return f"{shown.path(item.path)}: {_(SKIP_SENTENCES[item.reason])} ({notes})"


def _nobody(now: "Progress") -> None:
    """Tell nobody."""
