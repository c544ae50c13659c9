"""The reference of the JSON lines, from the types that make them."""

import importlib
import inspect
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass
from pkgutil import iter_modules

import msgspec

from holdfast import cli
from tools.error_pages import NOTE

_FIRST = "json_events"
# What all of them are made of, and what has a page of its own.
_OTHERS = frozenset(("json_base", "json_doctor"))


def page(*modules: str, title: str = "JSON lines") -> str:
    """The first module says what they all are."""
    types = [importlib.import_module(module) for module in modules or _modules()]
    head = [f"# {title}", "", *inspect.cleandoc(types[0].__doc__ or "").splitlines(), ""]
    kinds = (kind for each in types for kind in _kinds(each))
    return NOTE + "\n".join([*head, *(line for kind in kinds for line in _section(kind))])


def _modules() -> list[str]:
    """All that hold events: one that is added is in the page."""
    found = {one.name for one in iter_modules(cli.__path__) if one.name.startswith("json_")}
    names = sorted(found - _OTHERS, key=lambda name: (name != _FIRST, name))
    return [f"{cli.__name__}.{name}" for name in names]


def _kinds(module: object) -> Iterator[type]:
    """The module's own value types, in the order in which they are written down."""
    for kind in vars(module).values():
        ours = inspect.isclass(kind) and kind.__module__ == getattr(module, "__name__", "")
        if (
            ours
            and not kind.__name__.startswith("_")
            and (is_dataclass(kind) or issubclass(kind, msgspec.Struct))
        ):
            yield kind


def _section(kind: type) -> Iterator[str]:
    tag = getattr(getattr(kind, "__struct_config__", None), "tag", None)
    title = str(tag or kind.__name__)
    yield from (f"## {title}", "", *inspect.cleandoc(kind.__doc__ or "").splitlines(), "")
    yield from ("| field | type |", "|---|---|")
    if tag is not None:
        yield f'| `{kind.__struct_config__.tag_field}` | `"{tag}"` |'  # type: ignore[attr-defined]  # a tagged Struct has it
    for name, hint in typing.get_type_hints(kind).items():
        if typing.get_origin(hint) is not typing.ClassVar:
            yield f"| `{name}` | `{_type_name(hint)}` |"
    yield ""


def _type_name(hint: object) -> str:
    plain = hint.__name__ if inspect.isclass(hint) and not typing.get_args(hint) else str(hint)
    return plain.replace("typing.", "").replace("|", "\\|")
