"""A machine starts from any point of its replica, and killed anywhere the same call goes on."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.checkpoints import list_checkpoints, tracked_disks
from holdfast.hypervisor.domains import define_domain, find_by_uuid, find_domain, list_domains
from holdfast.hypervisor.states import State
from holdfast.machines.vm_state import packed
from holdfast.recovery.fencing import bar, give_autostart, is_fenced, unbar
from holdfast.recovery.promoting import (
    Place,
    domain_of,
    end,
    plan_promotion,
    promote,
)
from holdfast.recovery.promotion_errors import (
    PromotionNameTaken,
    PromotionUuidTaken,
)
from holdfast.recovery.record import Promoted
from holdfast.replication.pins import pins
from holdfast.replication.replica_folder import open_folder
from holdfast.replication.replica_record import with_facts
from holdfast.testing.still_machine import read_image
from holdfast.testing.waiting import wait_until
from tests import machines_bench
from tests.promotion_bench import CLOCK, FIRST, Replicated, replicated, was_killed

pytestmark = machines_bench.MARKS
__all__ = ["replicated"]
STEPS = ("attached", "furnished", "described", "started", "recorded", "resumed")


class Killed(Exception):
    """Instead of a SIGKILL."""


def killing(at: str, place: Place) -> Place:
    def on_step(step: str) -> None:
        if step == at:
            raise Killed

    return replace(place, on_step=on_step)


@pytest.fixture
def bench(replicated: Replicated) -> Iterator[Replicated]:
    yield replicated
    remove_all(replicated)


def remove_all(replicated: Replicated) -> None:
    for domain in list_domains(replicated.hypervisor):
        if domain.is_active():
            domain.destroy()
        domain.undefine(with_checkpoints=True)


def pinned(place: Place, vm: str) -> list[str]:
    return [each.who for each in pins(open_folder(place.site.folder, vm), CLOCK.now())]


def contents(bench: Replicated) -> dict[str, bytes]:
    """Of the machine at the other host, pulled from its power."""
    there = bench.there()
    there.domain.destroy(graceful=True)
    return {disk.target: there.read(disk.target) for disk in there.plugged}


def test_it_runs_with_the_disks_of_the_point_and_its_own_identity(bench: Replicated) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    plan = plan_promotion(place, vm, bench.wish(bench.oldest))

    promoted = promote(place, plan)

    domain = find_by_uuid(bench.hypervisor, vm)
    assert domain.name == bench.machine.name
    assert domain.standing().state is State.RUNNING
    assert not domain.starts_by_itself()
    assert tracked_disks(domain, promoted.checkpoint) == set(bench.machine.disks)
    assert promoted.started_at is not None
    assert pinned(place, vm) == [promoted.pin]
    assert contents(bench) == bench.points[bench.oldest]


def test_again_is_the_same_as_once(bench: Replicated) -> None:
    place = bench.place()
    plan = plan_promotion(place, bench.machine.uuid, bench.wish())
    once = promote(place, plan)
    there = bench.there()
    there.write(FIRST, 0, b"since then" * 100)

    again = promote(place, plan_promotion(place, bench.machine.uuid, bench.wish()))

    assert without_time(again) == without_time(once)
    assert contents(bench)[FIRST].startswith(b"since then")


def without_time(promoted: Promoted) -> Promoted:
    return msgspec.structs.replace(promoted, started_at=None)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_goes_on_and_ends_the_same(bench: Replicated, step: str) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    assert was_killed(place, vm, bench.wish(), step)

    promoted = promote(place, plan_promotion(place, vm, bench.wish()))

    domain = find_by_uuid(bench.hypervisor, vm)
    assert domain.standing().state is State.RUNNING
    assert tracked_disks(domain, promoted.checkpoint) == set(bench.machine.disks)
    assert [each.name for each in list_checkpoints(domain)] == [promoted.checkpoint]
    assert contents(bench) == bench.points[bench.newest]


def test_a_daemon_killed_in_between_changes_nothing(bench: Replicated) -> None:
    place = bench.place()
    plan = plan_promotion(place, bench.machine.uuid, bench.wish())
    with pytest.raises(Killed):
        promote(killing("started", place), plan)
    bench.there().restart_libvirtd()

    promoted = promote(place, plan)

    domain = find_by_uuid(bench.hypervisor, bench.machine.uuid)
    assert tracked_disks(domain, promoted.checkpoint) == set(bench.machine.disks)
    assert contents(bench) == bench.points[bench.newest]


@pytest.mark.parametrize("step", ["started", "recorded"])
def test_a_qemu_killed_before_it_ran_leaves_a_record_that_is_made_anew(
    bench: Replicated, step: str
) -> None:
    place = bench.place()
    plan = plan_promotion(place, bench.machine.uuid, bench.wish())
    with pytest.raises(Killed):
        promote(killing(step, place), plan)
    bench.there().cut_power()

    promoted = promote(place, plan)

    domain = find_by_uuid(bench.hypervisor, bench.machine.uuid)
    assert tracked_disks(domain, promoted.checkpoint) == set(bench.machine.disks)


def test_a_record_that_was_lost_after_it_ran_is_not_made_up(bench: Replicated) -> None:
    place = bench.place()
    plan = plan_promotion(place, bench.machine.uuid, bench.wish())
    promote(place, plan)
    there = bench.there()
    there.write(FIRST, 0, b"written" * 100)
    there.flush(FIRST)
    bench.south.kill_guest(bench.machine.name)
    wait_until(lambda: not there.is_on())

    promoted = promote(place, plan)

    domain = find_by_uuid(bench.hypervisor, bench.machine.uuid)
    assert domain.standing().state is State.RUNNING
    assert FIRST not in tracked_disks(domain, promoted.checkpoint)
    assert contents(bench)[FIRST].startswith(b"written")


def test_ended_nothing_of_it_is_left(bench: Replicated) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    promoted = promote(place, plan_promotion(place, vm, bench.wish()))
    facts = place.site.state(vm)

    end(place, vm, promoted)
    end(place, vm, promoted)

    assert list_domains(bench.hypervisor) == []
    assert not Path(promoted.folder).parent.exists()
    assert pinned(place, vm) == []
    assert place.site.state(vm) == facts
    again = promote(place, plan_promotion(place, vm, bench.wish(bench.oldest)))
    assert again.generation == bench.oldest
    assert contents(bench) == bench.points[bench.oldest]


@pytest.mark.parametrize("step", ["undefined", "removed"])
def test_an_end_that_was_killed_goes_on(bench: Replicated, step: str) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    promoted = promote(place, plan_promotion(place, vm, bench.wish()))
    with pytest.raises(Killed):
        end(killing(step, place), vm, promoted)

    end(place, vm, promoted)

    assert list_domains(bench.hypervisor) == []
    assert not Path(promoted.folder).exists()
    assert pinned(place, vm) == []


def test_a_copy_runs_beside_the_machine_and_another_copy(bench: Replicated) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    real = promote(place, plan_promotion(place, vm, bench.wish()))
    names = ("still-test-1", "still-test-2")

    copies = [
        promote(
            place,
            plan_promotion(
                place,
                vm,
                bench.wish(bench.oldest, act=name, name=name, is_copy=True, is_isolated=True),
            ),
        )
        for name in names
    ]

    assert len({real.uuid, *(each.uuid for each in copies)}) == 3
    assert {each.name for each in list_domains(bench.hypervisor)} == {"still", *names}
    for each in copies:
        end(place, vm, each)
    assert [each.name for each in list_domains(bench.hypervisor)] == ["still"]
    assert pinned(place, vm) == [real.pin]


def test_what_this_host_had_of_it_makes_way_and_comes_back(bench: Replicated) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    image = Path(place.site.folder, "old.qcow2")
    old = bench.machine.domain.xml(inactive=True).replace(
        str(bench.machine.disks[FIRST].path), str(image)
    )
    domain = define_domain(bench.hypervisor, old)
    plan = plan_promotion(place, vm, bench.wish())
    with pytest.raises(PromotionUuidTaken):
        promote(place, plan)
    bar(domain, CLOCK, act="earlier", epoch=1)
    barred = domain.xml(inactive=True)

    promoted = promote(place, plan)

    assert not is_fenced(find_by_uuid(bench.hypervisor, vm))
    end(place, vm, promoted)
    assert find_by_uuid(bench.hypervisor, vm).xml(inactive=True) == barred
    assert domain_of(place, promoted) is None


def test_what_this_host_had_under_another_name_makes_way_as_well(bench: Replicated) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    xml = bench.machine.domain.xml(inactive=True).replace("<name>still", "<name>renamed")
    bar(define_domain(bench.hypervisor, xml), CLOCK, act="earlier", epoch=1)
    barred = find_by_uuid(bench.hypervisor, vm).xml(inactive=True)
    with pytest.raises(Killed):
        promote(killing("furnished", place), plan_promotion(place, vm, bench.wish()))

    promoted = promote(place, plan_promotion(place, vm, bench.wish()))

    assert find_by_uuid(bench.hypervisor, vm).name == "still"
    with pytest.raises(Killed):
        end(killing("undefined", place), vm, promoted)
    end(place, vm, promoted)
    assert find_by_uuid(bench.hypervisor, vm).xml(inactive=True) == barred


def test_a_machine_of_the_same_name_makes_room_only_when_it_is_said(bench: Replicated) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    name = bench.machine.name
    other = "11111111-2222-4333-8444-555555555555"
    xml = bench.machine.domain.xml(inactive=True).replace(vm, other)
    define_domain(bench.hypervisor, xml)
    with pytest.raises(PromotionNameTaken) as refused:
        promote(place, plan_promotion(place, vm, bench.wish()))

    promote(place, plan_promotion(place, vm, bench.wish(replaces=name)))

    assert "--replace still" in refused.value.advice
    assert find_domain(bench.hypervisor, name).uuid == vm
    assert find_by_uuid(bench.hypervisor, other).name == f"{name}-{other[:8]}"


def test_under_another_name_it_is_the_same_machine(bench: Replicated) -> None:
    place = bench.place()
    vm = bench.machine.uuid

    promote(place, plan_promotion(place, vm, bench.wish(name="other-name")))

    assert find_by_uuid(bench.hypervisor, vm).name == "other-name"


def test_a_fenced_machine_cannot_be_started_by_anybody_until_it_is_let_go(
    bench: Replicated,
) -> None:
    place = bench.place()
    promote(place, plan_promotion(place, bench.machine.uuid, bench.wish()))
    domain = find_by_uuid(bench.hypervisor, bench.machine.uuid)
    give_autostart(domain)
    plain = domain.xml(inactive=True, secure=True)

    fence = bar(domain, CLOCK, act="act", epoch=3)

    assert domain.is_active()
    assert is_fenced(domain)
    assert not domain.starts_by_itself()
    domain.destroy(graceful=True)
    with pytest.raises(HoldfastError):
        domain.start()
    again = bar(domain, CLOCK, act="act", epoch=3)
    assert (again.definition, again.epoch) == (fence.definition, 3)
    unbar(domain, fence)
    unbar(domain, fence)
    assert domain.xml(inactive=True, secure=True) == plain
    domain.start()


def test_a_memory_that_was_saved_does_not_get_past_the_fence(bench: Replicated) -> None:
    place = bench.place()
    wish = bench.wish(without_record=True)
    promote(place, plan_promotion(place, bench.machine.uuid, wish))
    domain = find_by_uuid(bench.hypervisor, bench.machine.uuid)
    with domain.handle() as handle:
        handle.managedSave(0)

    fence = bar(domain, CLOCK, act="act", epoch=1)

    with pytest.raises(HoldfastError):
        domain.start()
    assert domain.has_saved_memory()
    unbar(domain, fence)
    domain.start()
    assert domain.standing().state is State.RUNNING


def test_a_memory_saved_before_it_went_away_is_not_what_it_comes_home_with(
    bench: Replicated,
) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    promote(place, plan_promotion(place, vm, bench.wish(act="before", without_record=True)))
    domain = find_by_uuid(bench.hypervisor, vm)
    with domain.handle() as handle:
        handle.managedSave(0)
    bar(domain, CLOCK, act="away", epoch=1)

    promote(place, plan_promotion(place, vm, bench.wish()))

    assert domain.standing().state is State.RUNNING
    assert not domain.has_saved_memory()
    assert contents(bench) == bench.points[bench.newest]


def test_layers_of_the_point_are_untouched_by_a_machine_that_writes(bench: Replicated) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    promoted = promote(place, plan_promotion(place, vm, bench.wish()))
    bench.there().write(FIRST, 0, b"new" * 5000)

    assert place.site.merge_one(vm) is False

    assert read_image(Path(promoted.disks[0].below)) == bench.points[bench.newest][FIRST]
    facts = place.site.state(vm)
    assert facts is not None
    assert not any(point.is_spoiled for point in facts.points)


FIRMWARE = """<os><loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE_4M.fd
</loader><nvram template='/usr/share/OVMF/OVMF_VARS_4M.fd'>/of/its/home.fd</nvram>"""
TPM = "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm></devices>"


def with_state(place: Place, bench: Replicated) -> dict[str, bytes]:
    """As if the machine had variables of its firmware and a TPM; the files of its point."""
    source = bench.place().site.folder / "state"
    source.mkdir()
    (source / "tpm2-00.permall").write_bytes(b"sealed")
    files = {"nvram": b"variables" * 100, "tpm.tar": packed(source)}
    folder = open_folder(place.site.folder, bench.machine.uuid)
    record = folder.read()
    points = [
        msgspec.structs.replace(point, files=(*point.files, *files))
        for point in record.facts.points
    ]
    folder.write(with_facts(record, points=tuple(points)))
    there = place.site.point_files(bench.machine.uuid, bench.newest)
    for name, content in files.items():
        (there / name).write_bytes(content)
    described = there / "domain.xml"
    xml = re.sub(r"<loader.*?</loader>", "", described.read_text())
    xml = xml.replace("</os>", "</os><features><acpi/></features>")
    xml = xml.replace("<os>", "<os>" + FIRMWARE.partition(">")[2]).replace("</devices>", TPM)
    described.write_text(xml)
    return files


def test_variables_of_the_firmware_and_the_state_of_the_tpm_come_with_it(
    bench: Replicated,
) -> None:
    place = bench.place()
    vm = bench.machine.uuid
    files = with_state(place, bench)
    copy = bench.wish(act="copy", name="copy", is_copy=True, is_isolated=True)
    original = define_domain(
        bench.hypervisor,
        place.site.point_files(vm, bench.newest).joinpath("domain.xml").read_text(),
    ).xml(inactive=True)
    bar(find_by_uuid(bench.hypervisor, vm), CLOCK, act="away", epoch=1)

    plans = [plan_promotion(place, vm, wish) for wish in (bench.wish(), copy)]

    for plan in plans:
        with pytest.raises(Killed):
            promote(killing("described", place), plan)
        assert Path(plan.promoted.folder, "nvram.fd").read_bytes() == files["nvram"]
        domain = find_by_uuid(bench.hypervisor, plan.promoted.uuid)
        assert domain.spec(inactive=True).firmware.nvram == f"{plan.promoted.folder}/nvram.fd"
        assert packed(place.tpm_folder / plan.promoted.uuid) == files["tpm.tar"]
        assert not any("nvram" in each or "TPM" in each for each in plan.warnings)
    home = plan_promotion(place, vm, bench.wish(act="home", original=original))
    assert home.nvram_path == "/of/its/home.fd"
    for plan in plans:
        end(place, vm, plan.promoted)
    assert not (place.tpm_folder / plans[1].promoted.uuid).exists()
    assert [each.uuid for each in list_domains(bench.hypervisor)] == [vm]
