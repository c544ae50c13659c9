"""A random walk of a machine and its backups, and what has to be true after each of its steps.

The walk keeps a model: what each disk holds now, and what it held at the instant of each point.
The machine is backed up to two vaults in turn, which must not spoil each other's records.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.vm_walk_vault import VaultActs


@dataclass(slots=True)
class Walk(VaultActs):
    def go(self, steps: int) -> None:
        for line in self.lines:
            self._back_up(line)
        for number in range(steps):
            step = self._choose()
            self.told.append(f"{number} {step.__name__}")
            if step.__name__ in _FAULTS:
                self.faults.inject()
            step()
        if not self.machine.is_on():
            self.machine.start()
        for line in self.lines:
            self._back_up(line)

    def _choose(self) -> Callable[[], None]:
        on = self.machine.is_on()
        steps = {**_ALWAYS, **(_WHEN_ON if on else _WHEN_OFF)}
        name = self.dice.choices(list(steps), weights=list(steps.values()))[0]
        step: Callable[[], None] = getattr(self, name)
        return step


_ALWAYS = {
    "write": 10,
    "write_same": 3,
    "zero": 3,
    "discard": 3,
    "back_up": 7,
    "back_up_killed": 4,
    "delete_newest": 2,
    "retain_and_prune": 2,
    "check_vault": 1,
    "lose_notes": 1,
    "kill_libvirtd": 1,
}
_WHEN_ON = {"stop": 3, "cut_power": 2, "plug_or_unplug": 2, "grow_online": 2}
_WHEN_OFF = {
    "start": 6,
    "remove_bitmap": 1,
    "clear_bitmap": 1,
    "add_foreign_bitmap": 1,
    "grow": 1,
    "shrink": 1,
    "shrink_and_grow": 2,
    "copy_image": 2,
    "roll_back": 2,
    "restore_in_place": 2,
}


# The others are what a healthy machine and its owner do.
_FAULTS = frozenset(
    {
        "add_foreign_bitmap",
        "back_up_killed",
        "clear_bitmap",
        "cut_power",
        "delete_newest",
        "kill_libvirtd",
        "lose_notes",
        "remove_bitmap",
        "roll_back",
        "shrink_and_grow",
    }
)
