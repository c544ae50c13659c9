"""The values of a plan's file, each with its line where it is not what it should be."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from holdfast.base.texts import _
from holdfast.base.units import parse_duration
from holdfast.recovery.plans.plan import LONGEST_SECONDS
from holdfast.recovery.plans.yaml_nodes import Items, Names, Node, Text

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_E = TypeVar("_E", bound=StrEnum)
_LONGEST_SAID = 200
_MOST_DIGITS = 9
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    line: int
    problem: str
    cure: str


def problem_at(line: int, problem: str, cure: str) -> Problem:
    """Of a file that is full of something else a person wants to see the beginning."""
    return Problem(line=line, problem=_beginning(problem), cure=_beginning(cure))


@dataclass(slots=True)
class Found:
    """What is wrong so far, and where what was read stands."""

    problems: list[Problem] = field(default_factory=list)
    # Each time a group or a machine is named.
    groups: dict[str, list[int]] = field(default_factory=dict)
    machines: dict[str, list[int]] = field(default_factory=dict)

    def add(self, line: int, problem: str, cure: str) -> None:
        self.problems.append(problem_at(line, problem, cure))


class Fields:
    """The names of one place; what is not `known` there is wrong at once.

    With `short_for` a mere text stands for a place that has but that one name.
    """

    def __init__(
        self, node: Node, found: Found, *, known: Sequence[str], short_for: str = ""
    ) -> None:
        self.found = found
        self.line = node.line
        self._node = _as_names(node, short_for)
        if self._node is None:
            self._node = Names(line=node.line, values={}, lines={})
            cure = _("Write one of: {names}.").format(names=", ".join(known))
            found.add(node.line, _("here must be names and values"), cure)
        for name in self._node.values:
            if name not in known:
                self._unknown(name, known)

    def has(self, name: str) -> bool:
        return self._named.values.get(name) is not None

    def get(self, name: str) -> Node | None:
        return self._named.values.get(name)

    def names(self) -> tuple[str, ...]:
        return tuple(self._named.values)

    def line_of(self, name: str) -> int:
        return self._named.lines.get(name, self.line)

    def wrong(self, name: str, problem: str, cure: str) -> None:
        self.found.add(self.line_of(name), problem, cure)

    def text(self, name: str, usual: str | None) -> str:
        """`usual` None: it must be there."""
        node = self.get(name)
        if node is None:
            if usual is None:
                problem = _("'{name}' is missing").format(name=name)
                self.wrong(name, problem, _("Add `{name}: …`.").format(name=name))
            return usual or ""
        if isinstance(node, Text) and not node.is_nothing and node.text.strip():
            return node.text
        problem = _("'{name}' must be a text").format(name=name)
        self.wrong(name, problem, _("Write `{name}: …` in one line.").format(name=name))
        return usual or ""

    def identifier(self, name: str) -> str:
        """Fit for a file's name and for a command line."""
        before = len(self.found.problems)
        said = self.text(name, None)
        if len(self.found.problems) == before and not _NAME.fullmatch(said):
            problem = _("'{said}' is not fit for a name").format(said=said)
            self.wrong(name, problem, _("Take letters, digits, '.', '_' and '-', at most 63."))
        return said

    def machine(self, name: str) -> str:
        said = self.text(name, None)
        if "/" in said or "\n" in said:
            problem = _("no machine is called '{said}'").format(said=said)
            self.wrong(
                name, problem, _("Take the name `holdfast failover status` shows, or its UUID.")
            )
        return said

    def seconds(self, name: str, usual: int | None) -> int | None:
        if not self.has(name):
            return usual
        said = self.text(name, "")
        try:
            seconds = int(parse_duration(said).total_seconds())
        except (ValueError, OverflowError):
            seconds = 0
        if seconds > LONGEST_SECONDS:
            problem = _("'{said}' is too long").format(said=said)
            self.wrong(name, problem, _("Write at most a year, as 366d."))
        elif seconds > 0:
            return seconds
        elif said:
            problem = _("'{said}' is no length of time").format(said=said)
            self.wrong(name, problem, _("Write it as 90s, 15m or 1h30m."))
        return usual

    def count(self, name: str) -> int | None:
        if not self.has(name):
            return None
        said = self.text(name, "")
        is_number = said.isascii() and said.isdigit() and len(said) <= _MOST_DIGITS
        if is_number and int(said) > 0:
            return int(said)
        if said:
            problem = _("'{said}' is no number of machines").format(said=said)
            self.wrong(name, problem, _("Write a whole number from 1."))
        return None

    def truth(self, name: str) -> bool:
        if not self.has(name):
            return False
        said = self.text(name, "")
        if said in _TRUTH:
            return _TRUTH[said]
        if said:
            problem = _("'{said}' is neither true nor false").format(said=said)
            self.wrong(name, problem, _("Write true or false."))
        return False

    def choice(self, name: str, of: type[_E], usual: _E) -> _E:
        if not self.has(name):
            return usual
        return self.chosen(name, self.text(name, usual.value), of, usual)

    def chosen(self, name: str, said: str, of: type[_E], usual: _E) -> _E:
        try:
            return of(said)
        except ValueError:
            problem = _("'{said}' is not known for '{name}'").format(said=said, name=name)
            names = ", ".join(one.value for one in of)
            self.wrong(name, problem, _("Write one of: {names}.").format(names=names))
            return usual

    def list_of_texts(self, name: str, usual: tuple[str, ...]) -> tuple[str, ...]:
        node = self.get(name)
        if node is None:
            return usual
        items = node.items if isinstance(node, Items) else (node,)
        if all(isinstance(one, Text) and not one.is_nothing for one in items):
            return tuple(one.text for one in items if isinstance(one, Text))
        problem = _("'{name}' must be a list of texts").format(name=name)
        self.wrong(name, problem, _("Write `{name}: [one, two]`.").format(name=name))
        return usual

    def texts(self, name: str) -> dict[str, str]:
        node = self.get(name)
        if node is None:
            return {}
        if isinstance(node, Names) and all(
            isinstance(one, Text) and not one.is_nothing for one in node.values.values()
        ):
            return {key: one.text for key, one in node.values.items() if isinstance(one, Text)}
        problem = _("'{name}' must say a name for each name").format(name=name)
        self.wrong(name, problem, _("Write `{name}: {{old: new}}`.").format(name=name))
        return {}

    def inner(self, name: str, *, known: Sequence[str]) -> "Fields | None":
        node = self.get(name)
        return None if node is None else Fields(node, self.found, known=known)

    @property
    def _named(self) -> Names:
        assert self._node is not None
        return self._node

    def _unknown(self, name: str, known: Sequence[str]) -> None:
        near = difflib.get_close_matches(name, known, n=1)
        problem = _("'{name}' is not known here").format(name=name)
        if near:
            self.wrong(name, problem, _("Did you mean '{name}'?").format(name=near[0]))
        else:
            names = ", ".join(known)
            self.wrong(name, problem, _("Write one of: {names}.").format(names=names))


def _as_names(node: Node, short_for: str) -> Names | None:
    if isinstance(node, Names):
        return node
    if short_for and isinstance(node, Text) and not node.is_nothing:
        return Names(line=node.line, values={short_for: node}, lines={short_for: node.line})
    return None


def _beginning(said: str) -> str:
    return said if len(said) <= _LONGEST_SAID else f"{said[:_LONGEST_SAID]}…"
