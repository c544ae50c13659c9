"""Test failovers of the bench's machine, here and in processes that can be killed."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from holdfast.base.clock import Clock
from holdfast.hypervisor.connection import Host
from holdfast.hypervisor.domains import list_domains
from holdfast.recovery.promoting import Place
from holdfast.recovery.trial import Trial, TrialWish
from holdfast.recovery.trial_folder import TrialFolder
from holdfast.recovery.trial_running import TrialTools, run_trial
from holdfast.replication.pins import pins
from holdfast.replication.replica_folder import open_folder
from holdfast.replication.site import Site
from tests.promotion_bench import CLOCK, Replicated

_PATIENCE = 240.0
Say = Callable[[str], None]


def _nobody_listens(_word: str) -> None:
    """Nothing is said."""


@dataclass(slots=True)
class TrialBench:
    """A site of its own, and a home for what is known of tests."""

    replicated: Replicated
    home: Path
    clock: Clock = CLOCK
    place: Place = field(init=False)
    numbers: int = 0

    def __post_init__(self) -> None:
        self.place = self.replicated.place()

    @property
    def vm(self) -> str:
        return self.replicated.machine.uuid

    @property
    def folder(self) -> TrialFolder:
        return TrialFolder(str(self.home), self.vm)

    def tools(self, say: Say = _nobody_listens) -> TrialTools:
        return tools_of(self.place, self.home, self.vm, self.clock, say)

    def trial(self, *, generation: str = "", **wish: Any) -> Trial:
        self.numbers += 1
        return Trial(
            id=f"trial-{self.numbers}",
            vm=self.vm,
            name=self.replicated.machine.name,
            trial_name=f"still-test-{self.numbers}",
            who="tests",
            begun_at=self.clock.now(),
            wish=TrialWish(**wish),
            generation=generation or self.replicated.newest,
        )

    def run(self, **wish: Any) -> Trial:
        return run_trial(self.tools(), self.trial(**wish))

    def machines(self) -> list[str]:
        return [domain.name for domain in list_domains(self.replicated.hypervisor)]

    def leftovers(self) -> list[str]:
        """Machines, disks and holds on points."""
        running = self.place.site.folder / self.vm / "running"
        held = pins(open_folder(self.place.site.folder, self.vm), self.clock.now())
        return [
            *self.machines(),
            *(str(path) for path in running.glob("**/*")),
            *(pin.who for pin in held),
        ]

    def was_killed(self, trial: Trial, word: str) -> bool:
        """Run it in a process that ends at that word; False where it was never said."""
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["__main__", __name__])
        told = (self.replicated.hypervisor.uri, self.place.site.folder, self.place.tpm_folder)
        process = context.Process(
            target=_run_until, args=(told, self.home, msgspec.json.encode(trial), word)
        )
        process.start()
        process.join(_PATIENCE)
        status = process.exitcode
        assert status in (0, -signal.SIGKILL), f"the test ended with {status}"
        process.close()
        return status != 0


def tools_of(place: Place, home: Path, vm: str, clock: Clock, say: Say) -> TrialTools:
    """`say` hears every word there is on the way."""

    def on_trial(trial: Trial) -> None:
        say("gone" if trial.cleaned_at else trial.state.value)

    return TrialTools(
        place=Place(
            host=place.host,
            site=place.site,
            clock=clock,
            tpm_folder=place.tpm_folder,
            on_step=say,
        ),
        folder=TrialFolder(str(home), vm),
        environment={"PATH": "/usr/bin:/bin"},
        on_trial=on_trial,
        on_part=lambda part: say(part.name),
    )


def _run_until(told: tuple[str, Path, Path], home: Path, encoded: bytes, word: str) -> None:
    uri, folder, tpm = told

    def say(now: str) -> None:
        if now == word:
            os.kill(os.getpid(), signal.SIGKILL)

    with Host.open(uri) as host:
        trial = msgspec.json.decode(encoded, type=Trial)
        place = Place(host=host, site=Site(folder, CLOCK), clock=CLOCK, tpm_folder=tpm)
        run_trial(tools_of(place, home, trial.vm, CLOCK, say), trial)
