"""Filling in what a sentence is about; in the commands it names, so that they can be typed."""

import re
import shlex
import string
from collections.abc import Mapping

_FIELD = re.compile(r"\{\w+\}")


def filled(template: str, fields: Mapping[str, object]) -> str:
    """A missing field shows as its name: an error about an error helps nobody."""
    return _Lenient().vformat(template, (), fields)


def filled_to_type(template: str, fields: Mapping[str, object]) -> str:
    """What stands between backticks is a command: there a name is quoted where it must be."""
    return "`".join(
        _filled_command(part, fields) if number % 2 else filled(part, fields)
        for number, part in enumerate(template.split("`"))
    )


def _filled_command(template: str, fields: Mapping[str, object]) -> str:
    # What is but a field is a command line already; in quotes it has to fit as it is.
    if _FIELD.fullmatch(template) or "'" in template:
        return filled(template, fields)
    return _Quoting().vformat(template, (), fields)


class _Lenient(string.Formatter):
    def get_value(self, key: int | str, args: object, kwargs: object) -> object:  # noqa: ARG002  the signature is the base class's
        assert isinstance(kwargs, Mapping)
        return kwargs.get(key, f"<{key}>")

    def format_field(self, value: object, format_spec: str) -> str:
        try:
            return str(super().format_field(value, format_spec))
        except (TypeError, ValueError):
            return str(value)


class _Quoting(_Lenient):
    def format_field(self, value: object, format_spec: str) -> str:
        return shlex.quote(super().format_field(value, format_spec))
