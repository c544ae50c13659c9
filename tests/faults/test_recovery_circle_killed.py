"""A machine goes there and back again twice, and at each step of each act something is killed.

The same command, typed again, brings it to its end; it never runs twice, no byte is lost that was
to be kept, its epoch grows by one however often an act is begun, and nothing is left of any of it.
"""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.checkpoints import list_checkpoints
from holdfast.recovery.record import Stage
from holdfast.testing.hosts import KvmHost
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.circle_bench import WITHIN, Circle, CircleAct, Victim, circle

pytestmark = [*machines_bench.MARKS, pytest.mark.faults]
NAME = "circling"
COMMAND, RUN, SERVE = Victim.COMMAND, Victim.RUN, Victim.SERVE
DAEMON, OTHER_DAEMON = Victim.DAEMON, Victim.OTHER_DAEMON
QEMU, OTHER_QEMU = Victim.QEMU, Victim.OTHER_QEMU
FORCED = ("--force", "--shutdown-within", "1s")

PLANNED = CircleAct(
    name="planned",
    words=("failover", NAME, "--planned", *FORCED),
    at="south",
    source="north",
    runs_at="south",
    stage=Stage.FAILED_OVER,
    epochs=1,
    deaths=(
        ("room", OTHER_DAEMON),
        ("catch-up", RUN),
        ("hand-over", SERVE),
        ("hand-over", OTHER_QEMU),
        ("point", COMMAND),
        ("epoch", SERVE),
        ("promote", DAEMON),
        ("agent", QEMU),
    ),
)
UNPLANNED = CircleAct(
    name="unplanned",
    words=("failover", NAME, "--unplanned", "--source-is-down"),
    at="south",
    # Dead before it begins, with its machine.
    source="north",
    runs_at="south",
    stage=Stage.FAILED_OVER,
    epochs=1,
    is_disaster=True,
    deaths=(
        ("source", SERVE),
        ("point", DAEMON),
        ("room", SERVE),
        ("epoch", COMMAND),
        ("promote", DAEMON),
        ("agent", QEMU),
    ),
)
COMMIT = CircleAct(
    name="commit",
    words=("commit", NAME),
    at="south",
    source="north",
    runs_at="south",
    stage=Stage.COMMITTED,
    deaths=(
        ("points", RUN),
        ("points", SERVE),
        ("points", OTHER_DAEMON),
        ("points", DAEMON),
        ("points", QEMU),
        ("points", COMMAND),
    ),
)
REPROTECT = CircleAct(
    name="reprotect",
    words=("reprotect", NAME),
    at="south",
    source="south",
    runs_at="south",
    stage=Stage.PROTECTED_IN_REVERSE,
    deaths=(
        ("machine", DAEMON),
        ("way-back", SERVE),
        ("adopt", OTHER_DAEMON),
        ("adopt", QEMU),
        ("union", COMMAND),
        ("reverse-copy", SERVE),
        ("reverse-copy", RUN),
    ),
)
FAILBACK = CircleAct(
    name="failback",
    words=("failback", NAME, *FORCED),
    at="north",
    source="south",
    runs_at="north",
    stage=Stage.COMMITTED,
    epochs=1,
    deaths=(
        ("home", OTHER_DAEMON),
        ("room", SERVE),
        ("catch-up", RUN),
        ("hand-over", OTHER_QEMU),
        ("point", DAEMON),
        ("epoch", COMMAND),
        ("promote", SERVE),
        ("agent", DAEMON),
        ("settle", COMMAND),
        ("settle", QEMU),
        ("forget", SERVE),
    ),
)
HOME_AGAIN = CircleAct(
    name="reprotect-home",
    words=("reprotect", NAME),
    at="north",
    source="north",
    runs_at="north",
    stage=Stage.PROTECTED,
    deaths=(
        ("machine", OTHER_DAEMON),
        ("way-back", SERVE),
        ("adopt", DAEMON),
        ("union", RUN),
        ("union", QEMU),
        ("reverse-copy", COMMAND),
    ),
)
# After a disaster: other victims at the same steps.
REPROTECT_AFTER = replace(
    REPROTECT,
    name="reprotect-after-a-disaster",
    deaths=(
        ("machine", SERVE),
        ("way-back", OTHER_DAEMON),
        ("adopt", RUN),
        ("union", DAEMON),
        ("reverse-copy", COMMAND),
    ),
)
FAILBACK_AFTER = replace(
    FAILBACK,
    name="failback-after-a-disaster",
    deaths=(
        ("home", COMMAND),
        ("room", OTHER_DAEMON),
        ("catch-up", DAEMON),
        ("hand-over", RUN),
        ("point", SERVE),
        ("epoch", DAEMON),
        ("promote", COMMAND),
        ("agent", QEMU),
        ("settle", DAEMON),
        ("forget", COMMAND),
    ),
)
ACTS = (
    UNPLANNED,
    replace(COMMIT, name="commit-after-a-disaster", deaths=()),
    REPROTECT_AFTER,
    FAILBACK_AFTER,
    replace(HOME_AGAIN, name="reprotect-home-after-a-disaster", deaths=()),
    PLANNED,
    COMMIT,
    REPROTECT,
    FAILBACK,
    HOME_AGAIN,
)
DEADLY = tuple(act for act in ACTS if act.deaths)


@pytest.fixture(scope="module")
def going(kvm_hosts: tuple[KvmHost, KvmHost]) -> Iterator[Circle]:
    with circle(kvm_hosts, NAME, ACTS) as made:
        yield made


@pytest.mark.parametrize("act", DEADLY, ids=lambda act: act.name)
def test_whatever_is_killed_at_a_step_the_same_command_goes_on(
    going: Circle, act: CircleAct
) -> None:
    going.stand_before(act)
    epoch = going.record(act.at).epoch

    seen = going.go_through(act)

    assert seen.steps == {step for step, _victim in act.deaths}
    # Each time it stopped it said what to do.
    assert all(one["remedy"] and one["code"] != "unexpected" for one in seen.errors)
    has_ended = "recovery-machine-ended" in [one["code"] for one in seen.errors]
    assert has_ended is (("agent", QEMU) in act.deaths)
    record = going.record(act.at)
    assert (record.stage, record.act) == (act.stage, None)
    assert record.epoch == epoch + act.epochs
    going.assert_runs_once()
    going.assert_runs_on(act.runs_at)
    _AT_REST[act.words[0], act.runs_at](going, act)


def _away(going: Circle, act: CircleAct) -> None:
    """Its home cannot start it, and has all of it where nothing was lost."""
    wait_until(lambda: going.record("north").fence is not None, within=WITHIN)
    with pytest.raises(HoldfastError):
        going.home.start()
    if not act.is_disaster:
        for target, disk in going.home.disks.items():
            going.assert_is(disk.path, target)


def _committed(going: Circle, _act: CircleAct) -> None:
    facts = going.sites.south.facts(going.uuid)
    assert facts is not None
    assert len(facts.points) == 1


def _followed(going: Circle, act: CircleAct) -> None:
    other = "south" if act.runs_at == "north" else "north"
    going.assert_is_at_site(other)
    assert going.station(act.runs_at).facts(going.uuid) is None or other == "north"


def _at_home(going: Circle, _act: CircleAct) -> None:
    """Upon its own images, and nothing else."""
    for target, disk in going.home.disks.items():
        assert going.home.image(target)[0] == disk.path
    assert going.record("north").promoted is None


_AT_REST = {
    ("failover", "south"): _away,
    ("commit", "south"): _committed,
    ("reprotect", "south"): _followed,
    ("failback", "north"): _at_home,
    ("reprotect", "north"): _followed,
}


def test_everybody_dies_in_every_act_in_which_he_lives() -> None:
    missing = {
        act.name: set(Victim) - {victim for _step, victim in act.deaths}
        for act in (PLANNED, UNPLANNED, COMMIT, REPROTECT, FAILBACK, HOME_AGAIN)
    }

    assert missing == {
        "planned": set(),
        # Its source is dead before.
        "unplanned": {RUN, OTHER_DAEMON, OTHER_QEMU},
        # It runs at one host from beginning to end.
        "commit": {OTHER_QEMU},
        "reprotect": {OTHER_QEMU},
        "failback": set(),
        "reprotect-home": {OTHER_QEMU},
    }


def test_nothing_is_left_of_any_of_it(going: Circle) -> None:
    going.come_to_the_end()
    sites = going.sites

    sites.north.run("replication", "disable", NAME)

    wait_until(lambda: sites.south.facts(going.uuid) is None, within=WITHIN)
    sites.rest()
    for station in (sites.north, sites.south):
        assert "qemu-nbd" not in station.host.run("ps", "-e", "-o", "comm=")
        assert not (station.replicas / going.uuid).exists()
    assert list_checkpoints(going.home.domain) == []
    going.home.stop()
    for target, disk in going.home.disks.items():
        assert going.home.read(target) == bytes(disk.content)
