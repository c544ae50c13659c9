"""The catalogue's texts in the language in use.

English stands in the TOML files, other languages in one message catalogue per component, keyed by
the entry's id and field: an edited English sentence leaves its translation behind, and the build
says so.
"""

import gettext
import string
from collections.abc import Iterator, Mapping
from functools import cache

from holdfast.base.korean import with_particles
from holdfast.base.texts import LOCALE_DIR, language
from holdfast.doctor.catalogue_types import File
from holdfast.doctor.loading import KINDS

FIELDS: dict[str, tuple[str, ...]] = {
    "probe": ("title", "obtain"),
    "event": (),
    "cause": ("title", "why", "found"),
    "symptom": ("title", "meaning"),
    "remedy": ("title", "verify", "undo"),
    "note": ("title", "text"),
}


def texts_of(file: File) -> Iterator[tuple[str, str]]:
    """Every text of one file of the catalogue with its context, in the file's order."""
    yield f"component.{file.component.id}.title", file.component.title
    for kind in KINDS:
        for name, entry in getattr(file, kind).items():
            for field in FIELDS[kind]:
                if text := getattr(entry, field):
                    yield f"{kind}.{name}.{field}", text
            for number, step in enumerate(getattr(entry, "steps", ()), 1):
                yield f"{kind}.{name}.step{number}", step.text


def say(component: str, context: str, text: str, values: Mapping[str, object] | None = None) -> str:
    """One text of the catalogue, with the values of a verdict filled in."""
    spoken = _translations(component, language()).pgettext(context, text)
    filled = _Lenient().vformat(spoken, (), values or {}) if values is not None else spoken
    return with_particles(filled) if language() == "ko" else filled


@cache
def _translations(component: str, wanted: str) -> gettext.NullTranslations:
    if wanted == "en":
        return gettext.NullTranslations()
    return gettext.translation(domain(component), LOCALE_DIR, [wanted], fallback=True)


def domain(component: str) -> str:
    return f"doctor-{component}"


class _Lenient(string.Formatter):
    """A value that a verdict did not give shows as a question mark, never as a crash."""

    def get_value(self, key: int | str, args: object, kwargs: object) -> object:  # noqa: ARG002  the signature is the base class's
        assert isinstance(kwargs, Mapping)
        return kwargs.get(key, "?")

    def format_field(self, value: object, format_spec: str) -> str:
        try:
            return str(super().format_field(value, format_spec))
        except (TypeError, ValueError):
            return str(value)
