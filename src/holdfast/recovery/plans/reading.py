"""Reads a plan from its file, strictly: what is not understood is named with its line and its cure.

All that is wrong is collected, so that one reading of the list is enough.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec

from holdfast.base.texts import _, ngettext
from holdfast.recovery.address_rules import AddressRule
from holdfast.recovery.plans.plan import (
    LATEST,
    MOST_GROUPS,
    MOST_MACHINES,
    START_SECONDS,
    VERSION,
    Group,
    Machine,
    OnFailure,
    Plan,
)
from holdfast.recovery.plans.plan_errors import PlanWrong
from holdfast.recovery.plans.reading_actions import read_actions
from holdfast.recovery.plans.reading_addresses import read_addresses
from holdfast.recovery.plans.reading_sense import sense
from holdfast.recovery.plans.reading_values import Fields, Found, Problem, problem_at
from holdfast.recovery.plans.yaml_nodes import Items, Names, Node, Unreadable, read_nodes

_PLAN = (
    *("version", "name", "description", "rto", "at-once", "groups"),
    *("point", "networks", "addresses", "test", "timeout", "on-failure"),
)
_GROUP = ("name", "rto", "at-once", "timeout", "on-failure", "pre", "machines", "post")
_MACHINE = (
    *("vm", "needs", "rto", "point", "networks", "addresses", "test", "timeout", "on-failure"),
    *("pre", "post", "shutdown-within", "force"),
)
_TEST = ("point", "networks", "addresses", "checks")
_T = TypeVar("_T")
# A file that is something else altogether is wrong in each of its lines.
_MOST_TOLD = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Usual:
    """What is said further out counts for everything inside that says nothing."""

    point: str = LATEST
    networks: dict[str, str] = field(default_factory=dict)
    addresses: dict[str, AddressRule] = field(default_factory=dict)
    test_point: str = LATEST
    test_networks: dict[str, str] = field(default_factory=dict)
    test_addresses: dict[str, AddressRule] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    timeout: int = START_SECONDS
    on_failure: OnFailure = OnFailure.STOP


def read_plan(content: bytes, file: str) -> Plan:
    """The plan, or the first of what is wrong as an error that says how much more there is."""
    plan, wrong = examine(content)
    if plan is not None:
        return plan
    problem = wrong[0].problem
    if len(wrong) > 1:
        problem = _("{problem} (and {count} more)").format(problem=problem, count=len(wrong) - 1)
    raise PlanWrong(file=file, line=wrong[0].line, problem=problem, cure=wrong[0].cure)


def examine(content: bytes) -> tuple[Plan | None, tuple[Problem, ...]]:
    """The plan, or all that is wrong, by line."""
    found = Found()
    try:
        root = read_nodes(content)
    except Unreadable as err:
        return None, (problem_at(err.line, err.problem, err.cure),)
    plan = _plan(root, found)
    if plan is not None and not found.problems:
        sense(plan, found)
    if found.problems or plan is None:
        return None, tuple(_told(sorted(found.problems, key=lambda problem: problem.line)))
    return plan, ()


def _told(problems: list[Problem]) -> Iterator[Problem]:
    yield from problems[:_MOST_TOLD]
    if left := problems[_MOST_TOLD:]:
        more = ngettext("{count} more mistake", "{count} more mistakes", len(left))
        cure = _("Put those before it right, and check again.")
        yield problem_at(left[0].line, more.format(count=len(left)), cure)


def _plan(node: Node, found: Found) -> Plan | None:
    if not isinstance(node, Names):
        found.add(node.line, _("a plan is a list of names and values"), _("Begin with `name: …`."))
        return None
    fields = Fields(node, found, known=_PLAN)
    _version(fields)
    usual = _usual(fields, _Usual(), is_machine=False)
    plan = Plan(
        name=fields.identifier("name"),
        description=fields.text("description", ""),
        rto=fields.seconds("rto", None),
        at_once=fields.count("at-once"),
        groups=_each(fields, "groups", lambda one: _group(one, found, usual), most=MOST_GROUPS),
    )
    if len(plan.machines) > MOST_MACHINES:
        problem = _("{count} machines are too many").format(count=len(plan.machines))
        found.add(
            node.line, problem, _("Divide the plan: {most} at most.").format(most=MOST_MACHINES)
        )
    return plan


def _version(fields: Fields) -> None:
    said = fields.text("version", str(VERSION))
    if said != str(VERSION):
        cure = _("Write `version: {version}`, or update Holdfast.").format(version=VERSION)
        fields.wrong("version", _("a plan of version {said} is not known").format(said=said), cure)


def _usual(fields: Fields, outer: _Usual, *, is_machine: bool) -> _Usual:
    point = fields.text("point", outer.point)
    test = fields.inner("test", known=_TEST)
    # A test begins with the same point as the real thing, unless something else was said of it.
    test_point = (
        point if fields.has("point") and not (test and test.has("point")) else outer.test_point
    )
    usual = replace(
        outer,
        point=point,
        networks={**outer.networks, **fields.texts("networks")},
        addresses={**outer.addresses, **read_addresses(fields, is_machine=is_machine)},
        test_point=test_point,
        timeout=fields.seconds("timeout", outer.timeout) or outer.timeout,
        on_failure=fields.choice("on-failure", OnFailure, outer.on_failure),
    )
    if test is None:
        return usual
    return replace(
        usual,
        test_point=test.text("point", usual.test_point),
        test_networks={**usual.test_networks, **test.texts("networks")},
        test_addresses={**usual.test_addresses, **read_addresses(test, is_machine=is_machine)},
        checks=test.list_of_texts("checks", usual.checks),
    )


def _group(node: Node, found: Found, outer: _Usual) -> Group:
    fields = Fields(node, found, known=_GROUP)
    name = fields.identifier("name")
    found.groups.setdefault(name, []).append(fields.line_of("name"))
    usual = replace(
        outer,
        timeout=fields.seconds("timeout", outer.timeout) or outer.timeout,
        on_failure=fields.choice("on-failure", OnFailure, outer.on_failure),
    )
    return Group(
        name=name,
        rto=fields.seconds("rto", None),
        at_once=fields.count("at-once"),
        pre=read_actions(fields, "pre", on_failure=usual.on_failure),
        post=read_actions(fields, "post", on_failure=usual.on_failure),
        machines=_each(fields, "machines", lambda one: _machine(one, found, usual)),
    )


def _machine(node: Node, found: Found, outer: _Usual) -> Machine:
    fields = Fields(node, found, known=_MACHINE, short_for="vm")
    usual = _usual(fields, outer, is_machine=True)
    vm = fields.machine("vm")
    found.machines.setdefault(vm, []).append(fields.line_of("vm"))
    pre = read_actions(fields, "pre", on_failure=usual.on_failure)
    post = read_actions(fields, "post", on_failure=usual.on_failure)
    return Machine(
        vm=vm,
        needs=fields.list_of_texts("needs", ()),
        rto=fields.seconds("rto", None),
        point=usual.point,
        networks=usual.networks,
        test_point=usual.test_point,
        test_networks=usual.test_networks,
        addresses=usual.addresses,
        test_addresses=usual.test_addresses,
        checks=usual.checks,
        timeout=usual.timeout,
        shutdown=fields.seconds("shutdown-within", None),
        is_forced=fields.truth("force"),
        on_failure=usual.on_failure,
        pre=tuple(msgspec.structs.replace(one, machine=one.machine or vm) for one in pre),
        post=tuple(msgspec.structs.replace(one, machine=one.machine or vm) for one in post),
    )


def _each(
    fields: Fields, name: str, read: Callable[[Node], _T], *, most: int = MOST_MACHINES
) -> tuple[_T, ...]:
    node = fields.get(name)
    if not isinstance(node, Items) or not node.items:
        problem = _("'{name}' must be a list with something in it").format(name=name)
        fields.wrong(name, problem, _("Begin each with `- `."))
        return ()
    if len(node.items) > most:
        problem = _("{count} are too many").format(count=len(node.items))
        fields.wrong(name, problem, _("Divide the plan: {most} at most.").format(most=most))
    return tuple(read(one) for one in node.items)
