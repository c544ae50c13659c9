"""Help texts that are translated when they are read, not when they are written down."""

from typing import Any

import click

from holdfast.base.texts import _


class Spoken:
    """Mixed into click's classes: `help` is set as a message and read as a translation."""

    _message: str | None = None

    @property
    def help(self) -> Any:
        return self._message and _(self._message)

    @help.setter  # noqa: A003  the property's own setter
    def help(self, message: Any) -> None:
        self._message = message


class Option(Spoken, click.Option):
    pass
