"""Load the catalogue, and refuse it at the smallest doubt.

A rule that silently never fires is worse than none: unknown keys, dangling ids, cycles, causes
that no symptom reaches and functions without an entry are all errors, found at build and test time.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from importlib.resources import files
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

import msgspec
import re2

from holdfast.doctor import checks, logs, readers
from holdfast.doctor.catalogue_types import (
    Cause,
    Component,
    Event,
    File,
    Note,
    Probe,
    Remedy,
    Symptom,
)
from holdfast.doctor.checking import CHECKS
from holdfast.doctor.mending import ACTIONS

SEVERITIES = ("info", "warning", "error", "critical")
RISKS = ("safe", "disruptive", "destructive")
FAMILIES = ("ours", "linux-guest", "original")


class CatalogueBroken(Exception):
    """The catalogue contradicts itself; the text lists every place."""


@dataclass(slots=True, kw_only=True)
class Catalogue:
    """All components' entries by their ids."""

    components: dict[str, Component] = field(default_factory=dict)
    probes: dict[str, Probe] = field(default_factory=dict)
    events: dict[str, Event] = field(default_factory=dict)
    causes: dict[str, Cause] = field(default_factory=dict)
    symptoms: dict[str, Symptom] = field(default_factory=dict)
    remedies: dict[str, Remedy] = field(default_factory=dict)
    notes: dict[str, Note] = field(default_factory=dict)
    # The component that owns a cause, symptom, remedy, note, event or probe: kind + id -> component.
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    # What is looked for in each stream, compiled once for all readings; `Interests` by stream.
    compiled: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def owner(self, kind: str, name: str) -> Component:
        return self.components[self.owners[kind, name]]


KINDS = ("probe", "event", "cause", "symptom", "remedy", "note")


@cache
def load() -> Catalogue:
    """The catalogue that ships with the product, with its readers, logs and checks."""
    for package in (readers, logs, checks):
        _import_all(package)
    return assemble(_shipped(), functions=frozenset(CHECKS))


def _import_all(package: ModuleType) -> None:
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")


def _shipped() -> Iterator[tuple[str, str]]:
    folder = files("holdfast.doctor") / "catalogue"
    yield from (
        (entry.name, entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda one: one.name)
        if entry.name.endswith(".toml")
    )


def assemble(
    sources: Iterable[tuple[str, str]], *, functions: frozenset[str] | None = None
) -> Catalogue:
    """Join files into one catalogue; `functions` are the causes that Python decides."""
    catalogue, problems = Catalogue(), list[str]()
    for name, text in sources:
        try:
            file = msgspec.convert(tomllib.loads(text), File)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            problems.append(f"{name}: {error}")
            continue
        problems.extend(f"{name}: {problem}" for problem in _add(catalogue, file))
    problems.extend(_dangling(catalogue))
    problems.extend(_malformed(catalogue))
    problems.extend(_cycles(catalogue.causes))
    problems.extend(_unreached(catalogue))
    if functions is not None:
        problems.extend(_functions(catalogue, functions))
    if problems:
        raise CatalogueBroken("\n".join(problems))
    return catalogue


def _add(catalogue: Catalogue, file: File) -> Iterator[str]:
    component = file.component
    known = catalogue.components.setdefault(component.id, component)
    if known is not component:
        yield f"component {component.id} is defined twice"
    if component.family not in FAMILIES:
        yield f"component {component.id}: family {component.family}"
    for kind in KINDS:
        entries: dict[str, Any] = getattr(file, kind)
        everywhere: dict[str, Any] = getattr(catalogue, _plural(kind))
        for name, entry in entries.items():
            if name in everywhere:
                yield f"{kind} {name} is defined twice"
            if kind in {"cause", "symptom", "note"} and not name.startswith(f"{component.id}."):
                yield f"{kind} {name} does not begin with {component.id}."
            everywhere[name] = entry
            catalogue.owners[kind, name] = component.id


def _plural(kind: str) -> str:
    return "remedies" if kind == "remedy" else f"{kind}s"


def _dangling(catalogue: Catalogue) -> Iterator[str]:
    for name, cause in catalogue.causes.items():
        yield from _absent(f"cause {name}: probe", cause.probes, catalogue.probes)
        yield from _absent(f"cause {name}: remedy", cause.remedies, catalogue.remedies)
        yield from _absent(f"cause {name}: explains", cause.explains, catalogue.causes)
        yield from _absent(f"cause {name}: event", cause.check.event, catalogue.events)
        yield from _absent(f"cause {name}: event", cause.check.unless_after, catalogue.events)
        limits = [limit for limit in (cause.check.below, cause.check.above) if limit]
        yield from _absent(f"cause {name}: param", limits, cause.param)
    for name, symptom in catalogue.symptoms.items():
        yield from _absent(f"symptom {name}: cause", symptom.causes, catalogue.causes)


def _absent(what: str, wanted: Iterable[str], known: Mapping[str, object]) -> Iterator[str]:
    return (f"{what} {name} does not exist" for name in wanted if name not in known)


def _malformed(catalogue: Catalogue) -> Iterator[str]:
    codes: dict[str, str] = {}
    for name, cause in catalogue.causes.items():
        yield from (f"cause {name}: {problem}" for problem in _bad_cause(cause))
        if codes.setdefault(cause.code, name) != name:
            yield f"cause {name}: code {cause.code} belongs to {codes[cause.code]}"
    for name, remedy in catalogue.remedies.items():
        if remedy.risk not in RISKS or not remedy.steps:
            yield f"remedy {name}: risk {remedy.risk}, {len(remedy.steps)} steps"
        if remedy.action and remedy.action not in ACTIONS:
            yield f"remedy {name}: nobody can do {remedy.action}"
    for name, symptom in catalogue.symptoms.items():
        yield from _patterns(f"symptom {name}", symptom.match.message)
    for name, event in catalogue.events.items():
        yield from _patterns(f"event {name}", event.match)


def _bad_cause(cause: Cause) -> Iterator[str]:
    if cause.severity not in SEVERITIES:
        yield f"severity {cause.severity}"
    if not cause.remedies or not cause.probes:
        yield "no remedy or no probe"
    if sum((cause.check.code, bool(cause.check.event), bool(cause.check.fact))) != 1:
        yield "exactly one of code, event, fact decides"


def _patterns(what: str, patterns: Iterable[str]) -> Iterator[str]:
    options = re2.Options()
    options.log_errors = False
    for pattern in patterns:
        try:
            re2.compile(pattern, options)
        except re2.error as error:
            yield f"{what}: {pattern!r}: {error}"


def _cycles(causes: Mapping[str, Cause]) -> Iterator[str]:
    try:
        TopologicalSorter({name: cause.explains for name, cause in causes.items()}).prepare()
    except CycleError as error:
        yield f"causes explain each other in a circle: {' -> '.join(error.args[1])}"


def _unreached(catalogue: Catalogue) -> Iterator[str]:
    reached = {name for symptom in catalogue.symptoms.values() for name in symptom.causes}
    return (f"cause {name}: no symptom leads to it" for name in catalogue.causes.keys() - reached)


def _functions(catalogue: Catalogue, functions: frozenset[str]) -> Iterator[str]:
    wanted = {name for name, cause in catalogue.causes.items() if cause.check.code}
    yield from (f"cause {name}: no function decides it" for name in wanted - functions)
    yield from (
        f"function for {name}: no such cause in the catalogue" for name in functions - wanted
    )
