"""Whether a plan that reads makes sense: names, needs, and guests that run when they are wanted."""

from holdfast.base.texts import _
from holdfast.recovery.checks.wishes import CheckNotUnderstood, parse_check
from holdfast.recovery.plans.plan import Action, ActionKind, Group, Machine, Plan
from holdfast.recovery.plans.reading_values import Found


def sense(plan: Plan, found: Found) -> None:
    _names(found)
    before: set[str] = set()
    for group in plan.groups:
        _needs(group, found)
        names = {machine.vm for machine in group.machines}
        line = found.groups[group.name][0]
        _guests(group.pre, before, found, line=line)
        for machine in group.machines:
            _guests_of_machine(machine, before, found)
            _checks(machine, found)
        before |= names
        _guests(group.post, before, found, line=line)


def _line(found: Found, vm: str) -> int:
    return found.machines[vm][0]


def _names(found: Found) -> None:
    for name, lines in found.groups.items():
        for line in lines[1:]:
            problem = _("two groups are called {name}").format(name=name)
            found.add(line, problem, _("Give each a name of its own."))
    for name, lines in found.machines.items():
        for line in lines[1:]:
            problem = _("the machine {name} stands there twice").format(name=name)
            found.add(line, problem, _("A machine is in one group, once."))


def _needs(group: Group, found: Found) -> None:
    names = [machine.vm for machine in group.machines]
    for machine in group.machines:
        for need in machine.needs:
            if need not in names:
                problem = _("{vm} needs {need}, which is not in its group").format(
                    vm=machine.vm, need=need
                )
                cure = _("Earlier groups are up by then anyway; take '{need}' out.").format(
                    need=need
                )
                found.add(_line(found, machine.vm), problem, cure)
    if circle := _circle(group):
        problem = _("{vm} waits for itself: {circle}").format(
            vm=circle[0], circle=" → ".join((*circle, circle[0]))
        )
        found.add(_line(found, circle[0]), problem, _("Break the circle of `needs`."))


def _circle(group: Group) -> list[str]:
    """Each needs the next, and the last one the first."""
    left = {machine.vm: machine.needs for machine in group.machines}
    while ready := [name for name, needs in left.items() if left.keys().isdisjoint(needs)]:
        for name in ready:
            del left[name]
    # Each that is left needs another one: whoever follows that comes round.
    way: list[str] = []
    name = next(iter(left), "")
    while name and name not in way:
        way.append(name)
        name = next(need for need in left[name] if need in left)
    return way[way.index(name) :] if name else []


def _guests(actions: tuple[Action, ...], up: set[str], found: Found, *, line: int) -> None:
    for action in actions:
        is_inside = action.kind is ActionKind.GUEST_SCRIPT
        if is_inside and not action.machine:
            problem = _("'{name}' does not say in whose guest it runs").format(name=action.name)
            found.add(line, problem, _("Add `in: MACHINE`."))
        elif action.machine and not is_inside:
            problem = _("'{name}' runs in no guest, and says in which").format(name=action.name)
            found.add(line, problem, _("Take `in:` out, or make it a guest-script."))
        elif is_inside and action.machine not in up:
            problem = _("'{name}' runs in {vm}, which is not up by then").format(
                name=action.name, vm=action.machine
            )
            found.add(line, problem, _("Put it behind the start of that machine."))


def _guests_of_machine(machine: Machine, before: set[str], found: Found) -> None:
    line, up = _line(found, machine.vm), before | set(machine.needs)
    _guests(_inside(machine.pre, machine.vm), up, found, line=line)
    _guests(_inside(machine.post, machine.vm), up | {machine.vm}, found, line=line)


def _inside(actions: tuple[Action, ...], vm: str) -> tuple[Action, ...]:
    """Other actions have the machine they belong to, which says nothing of a guest."""
    return tuple(
        a for a in actions if a.kind is ActionKind.GUEST_SCRIPT or a.machine not in {"", vm}
    )


def _checks(machine: Machine, found: Found) -> None:
    for check in machine.checks:
        try:
            parse_check(check)
        except CheckNotUnderstood as err:
            found.add(_line(found, machine.vm), str(err), err.advice)
