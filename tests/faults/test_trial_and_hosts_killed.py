"""A test failover as it is typed, while what works for it dies after each of its parts, on either host.

What it does not need costs it nothing. What it needs costs it at most the test: it is cleaned up by
the site, the machine goes on at home, and the same command passes afterwards. What dies within the
process of a test: see test_trials_killed.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from holdfast.base.clock import SystemClock
from holdfast.hypervisor.domains import list_domains
from holdfast.recovery.record import Stage
from holdfast.recovery.trial import Trial
from holdfast.recovery.trial_folder import TrialFolder
from holdfast.replication.pins import pins
from holdfast.replication.replica_folder import open_folder
from holdfast.testing.host_commands import Begun
from holdfast.testing.hosts import KvmHost
from holdfast.testing.replicated import Working
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.circle_acts import NAME
from tests.circle_bench import WITHIN, Circle, CircleAct, Victim, circle, gated

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
TEST = CircleAct(
    name="test",
    words=("failover", NAME, "--test", "--check", "runs"),
    at="south",
    source="north",
    runs_at="north",
    stage=Stage.PROTECTED,
)
# All there are, in their order; the command waits when it has told of one.
MAKING = ("prepared", "attached", "furnished", "described")
RUNNING = ("started", "recorded", "resumed", "checked")
PARTS = (*MAKING, *RUNNING, "cleaned")
NOT_NEEDED = (
    *(Victim.RUN, Victim.SERVE, Victim.OTHER_DAEMON, Victim.OTHER_QEMU),
    Victim.OTHER_HOST,
)
NEEDED = {
    Victim.COMMAND: PARTS,
    Victim.DAEMON: PARTS,
    Victim.QEMU: RUNNING,
    Victim.HOST: PARTS,
}
_ENDINGS = (Victim.COMMAND, Victim.HOST)


@dataclass(slots=True)
class Tried:
    """What came of one command."""

    status: int = -1
    parts: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Trying:
    going: Circle

    def typed(self, victim: Victim | None = None, parts: tuple[str, ...] = ()) -> Tried:
        """With that death after each of those parts, if it comes to them."""
        station, tried = self.going.station(TEST.at), Tried()
        with gated(station, TEST.words) as process:
            assert process.stdin is not None
            for said in _said(process):
                if said["event"] == "error":
                    tried.errors.append(said)
                if said["event"] != "test-part":
                    continue
                tried.parts.append(said["part"])
                if victim is not None and said["part"] in parts and self._die(victim, process):
                    break
                process.stdin.write(b"\n")
                process.stdin.flush()
            tried.status = process.wait(WITHIN)
        self._revive()
        return tried

    def _die(self, victim: Victim, process: Begun) -> bool:
        """Whether the command did."""
        if victim is Victim.QEMU:
            self._end_test()
        elif victim is not Victim.COMMAND:
            self.going.kill(TEST, victim)
        if victim in _ENDINGS:
            Working(process, self.going.home.folder / "firmware").kill()
            return True
        self._revive()
        return False

    def _revive(self) -> None:
        """All of it; a machine whose host was lost is started by its owner."""
        self.going.revive()
        if not self.going.is_on("north"):
            self.going.home.start()

    def _end_test(self) -> None:
        south = self.going.sites.south.host
        (domain,) = [one for one in list_domains(self._hypervisor) if one.is_active()]
        south.kill_guest(domain.name)
        wait_until(lambda: not domain.is_active(), within=WITHIN)

    @property
    def _hypervisor(self) -> Any:
        return self.going.machines["south"].hypervisor

    @property
    def folder(self) -> TrialFolder:
        return TrialFolder(str(self.going.sites.south.home), self.going.uuid)

    def cleaned(self) -> list[Trial]:
        """All that there were, the oldest first; the site does that by itself."""
        wait_until(lambda: not self.folder.left(), within=WITHIN)
        going = self.going
        assert list_domains(self._hypervisor) == []
        replica = going.sites.south.replicas / going.uuid
        assert list((replica / "running").glob("**/*")) == []
        assert pins(open_folder(replica.parent, going.uuid), SystemClock().now()) == []
        going.assert_runs_once()
        going.assert_runs_on("north")
        assert going.record("south").act is None
        return self.folder.all()


def _said(process: Begun) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


@pytest.fixture(scope="module")
def trying(own_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Trying]:
    with circle(own_hosts, NAME) as made:
        yield Trying(made)


@pytest.mark.parametrize("victim", NOT_NEEDED, ids=lambda one: one.replace(" ", "-"))
def test_what_dies_after_each_part_and_is_not_needed_costs_nothing(
    trying: Trying, victim: Victim
) -> None:
    tried = trying.typed(victim, PARTS)

    assert (tried.status, tried.errors) == (0, [])
    assert tuple(tried.parts) == PARTS
    assert trying.cleaned()[-1].counts


@pytest.mark.parametrize("victim", NEEDED, ids=lambda one: one.replace(" ", "-"))
def test_what_dies_after_a_part_and_is_needed_costs_at_most_the_test(
    trying: Trying, victim: Victim
) -> None:
    tries = {part: trying.typed(victim, (part,)) for part in NEEDED[victim]}
    again = trying.typed()

    *known, last = trying.cleaned()[-len(tries) - 1 :]
    for (part, tried), trial in zip(tries.items(), known, strict=True):
        assert part in tried.parts
        assert all(one["remedy"] and one["code"] != "unexpected" for one in tried.errors)
        # What had been looked at before counts.
        assert trial.counts or part in (*MAKING, *RUNNING), (part, trial)
        if victim in _ENDINGS:
            assert trial.counts or trial.message
        else:
            assert (tried.status == 0) is trial.counts, (part, tried.errors)
    assert (again.status, again.errors, tuple(again.parts)) == (0, [], PARTS)
    assert last.counts
