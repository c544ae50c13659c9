"""The trash of machines: seen, brought back, purged; stored files verified without a key."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from holdfast.app.control import gateway, purging, scrubbing, trash
from holdfast.app.control.errors import NotAllowed
from holdfast.app.control.plane import Plane
from holdfast.app.control.quotas import Usage
from holdfast.app.control.recounting import recount, recount_all
from holdfast.app.control.sweeping import sweep_vaults
from holdfast.base.errors import HoldfastError
from holdfast.catalog.tables import Machine, Trashed
from holdfast.catalog.trash import Filter
from holdfast.fleet.paging import Window
from holdfast.fleet.roles import Role
from holdfast.storage.protocol import Storage
from holdfast.storage.rest_errors import BeingPurged
from holdfast.testing.clock import FakeClock
from holdfast.testing.planes import add_admin, add_machine, add_person, add_vault, make_plane


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    plane: Plane
    clock: FakeClock
    vault_id: str
    machine_id: str
    storage: Storage

    def put(self, content: bytes, folder: str = "data") -> str:
        digest = hashlib.sha256(content).hexdigest()
        name = f"{folder}/{digest[:2]}/{digest}" if folder == "data" else f"{folder}/{digest}"
        self.storage.put(name, content)
        return name

    def trash(self, *names: str, days: float = 14) -> None:
        now = self.clock.now()
        with self.plane.database.write() as db:
            for name in names:
                row = Trashed(
                    machine_id=self.machine_id,
                    name=name,
                    size=self.storage.size(name),
                    deleted_at=now,
                    purge_at=now + timedelta(days=days),
                )
                db.add(row)

    def machine(self) -> Machine:
        with self.plane.database.read() as db:
            row = db.get(Machine, self.machine_id)
        assert row is not None
        return row


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    clock = FakeClock()
    plane = make_plane(tmp_path, clock=clock)
    vault_id = add_vault(plane)
    machine = add_machine(plane, vault_id)
    with plane.database.read() as db:
        repository = gateway.repository_of(db, machine.id)
    yield Setting(
        plane=plane,
        clock=clock,
        vault_id=vault_id,
        machine_id=machine.id,
        storage=gateway.storage_of(plane, repository),
    )
    plane.database.close()


def test_the_trash_is_listed_by_name_in_pages(setting: Setting) -> None:
    names = sorted(setting.put(bytes([number])) for number in range(5))
    setting.trash(*names)
    person = add_person(setting.plane, role=Role.READER, vault_id=setting.vault_id).actor

    first = trash.list_trash(setting.plane, person, setting.machine_id, Window(limit=3))
    rest = trash.list_trash(
        setting.plane, person, setting.machine_id, Window(limit=3, after=first.next)
    )

    assert [item.name for item in (*first.items, *rest.items)] == names
    assert rest.next is None
    (total,) = trash.trash_totals(setting.plane, person, setting.vault_id)
    assert (total.files, total.size) == (5, 5)


def test_undelete_brings_back_what_is_named(setting: Setting) -> None:
    one, other = setting.put(b"one"), setting.put(b"other")
    setting.trash(one, other)
    operator = add_person(setting.plane, role=Role.OPERATOR, vault_id=setting.vault_id).actor
    wanted = Filter(machine_id=setting.machine_id)

    done = trash.undelete(setting.plane, operator, wanted, [one, "data/unknown"])

    assert done.files == 1
    left = trash.list_trash(setting.plane, operator, setting.machine_id, Window())
    assert [item.name for item in left.items] == [other]


def test_undelete_brings_back_all_since_a_moment(setting: Setting) -> None:
    early, late = setting.put(b"early"), setting.put(b"late")
    setting.trash(early)
    setting.clock.sleep(3600)
    setting.trash(late)
    admin = add_admin(setting.plane).actor
    since = setting.clock.now() - timedelta(minutes=1)

    done = trash.undelete(setting.plane, admin, Filter(machine_id=setting.machine_id, since=since))

    assert done.files == 1
    with setting.plane.database.read() as db:
        assert db.get(Trashed, (setting.machine_id, early)) is not None


def test_a_reader_brings_nothing_back(setting: Setting) -> None:
    person = add_person(setting.plane, role=Role.READER, vault_id=setting.vault_id).actor

    with pytest.raises(NotAllowed):
        trash.undelete(setting.plane, person, Filter(machine_id=setting.machine_id))


def test_purge_removes_what_is_due_and_counts_it(setting: Setting) -> None:
    due, young, live = setting.put(b"due"), setting.put(b"young"), setting.put(b"live")
    recount(setting.plane, setting.machine_id)
    setting.trash(due, days=1)
    setting.trash(young, days=30)
    setting.clock.jump(timedelta(days=2))

    count = purging.purge_trash(setting.plane, setting.clock.now(), 100)
    again = purging.purge_trash(setting.plane, setting.clock.now(), 100)

    assert (count, again) == (1, 0)
    assert {entry.name for entry in setting.storage.list("")} == {young, live}
    assert setting.machine().bytes_stored == len(b"young") + len(b"live")


def test_purge_keeps_to_its_limit(setting: Setting) -> None:
    setting.trash(*(setting.put(bytes([number])) for number in range(10)), days=0)

    counts = [purging.purge_trash(setting.plane, setting.clock.now(), 4) for _ in range(4)]

    assert counts == [4, 4, 2, 0]


def test_a_purge_that_died_is_finished_by_another(setting: Setting) -> None:
    name = setting.put(b"due")
    setting.trash(name, days=0)
    with setting.plane.database.write() as db:
        row = db.get(Trashed, (setting.machine_id, name))
        assert row is not None
        row.purging_at = setting.clock.now()

    at_once = purging.purge_trash(setting.plane, setting.clock.now(), 100)
    setting.clock.jump(timedelta(minutes=4))
    later = purging.purge_trash(setting.plane, setting.clock.now(), 100)

    assert (at_once, later) == (0, 1)


def test_a_file_that_is_being_purged_does_not_come_back(setting: Setting) -> None:
    name = setting.put(b"due")
    setting.trash(name)
    with setting.plane.database.write() as db:
        row = db.get(Trashed, (setting.machine_id, name))
        assert row is not None
        row.purging_at = setting.clock.now()
    with setting.plane.database.read() as db:
        repository = gateway.repository_of(db, setting.machine_id)

    with pytest.raises(BeingPurged):
        gateway.bring_back(setting.plane, repository, setting.storage, name)
    admin = add_admin(setting.plane).actor
    assert trash.undelete(setting.plane, admin, Filter(machine_id=setting.machine_id)).files == 0


def test_a_storage_that_is_gone_does_not_keep_others_from_being_purged(
    setting: Setting, tmp_path: Path
) -> None:
    gone = add_vault(setting.plane, "gone", str(tmp_path / "nowhere"))
    lost = add_machine(setting.plane, gone, "lost")
    with setting.plane.database.write() as db:
        now = setting.clock.now()
        row = Trashed(machine_id=lost.id, name="data/x", size=1, deleted_at=now, purge_at=now)
        db.add(row)
    setting.trash(setting.put(b"due"), days=1)
    setting.clock.jump(timedelta(days=2))

    with pytest.raises(HoldfastError):
        purging.purge_trash(setting.plane, setting.clock.now(), 100)

    assert list(setting.storage.list("")) == []
    with setting.plane.database.read() as db:
        kept = db.get(Trashed, (lost.id, "data/x"))
    assert kept is not None
    assert kept.purging_at is None


def test_the_repository_of_a_deleted_machine_goes_when_its_days_are_over(
    setting: Setting,
) -> None:
    setting.put(b"data")
    with setting.plane.database.write() as db:
        row = db.get(Machine, setting.machine_id)
        assert row is not None
        row.state, row.purge_at = "deleted", setting.clock.now() + timedelta(days=14)

    early = purging.purge_repositories(setting.plane, setting.clock.now())
    setting.clock.jump(timedelta(days=15))
    due = purging.purge_repositories(setting.plane, setting.clock.now())
    again = purging.purge_repositories(setting.plane, setting.clock.now())

    assert (early, due, again) == (0, 1, 0)
    assert list(setting.storage.list("")) == []
    assert setting.machine().state == "purged"


def test_scrub_finds_damage_and_goes_on_where_it_stopped(setting: Setting) -> None:
    asked_at = setting.clock.now()
    names = sorted(setting.put(bytes([number]) * 100) for number in range(10))
    setting.put(b"snapshot", "snapshots")
    setting.storage.put("config", b"not named by its hash")
    setting.storage.delete(names[3])
    setting.storage.put(names[3], b"rotten")
    progress: list[scrubbing.ScrubProgress] = []

    while not progress or not progress[-1].is_done:
        progress.append(
            scrubbing.scrub_repository(
                setting.plane, setting.machine_id, asked_at=asked_at, budget=250
            )
        )
    again = scrubbing.scrub_repository(setting.plane, setting.machine_id, asked_at=asked_at)

    assert len(progress) > 3
    assert progress[-1].files == 11
    assert progress[-1].damaged == [names[3]]
    assert again == progress[-1]


def test_a_scrub_asked_for_anew_begins_anew(setting: Setting) -> None:
    setting.put(b"data")
    first = scrubbing.scrub_repository(
        setting.plane, setting.machine_id, asked_at=setting.clock.now()
    )
    setting.clock.sleep(60)

    second = scrubbing.scrub_repository(
        setting.plane, setting.machine_id, asked_at=setting.clock.now()
    )

    assert first.is_done
    assert second.is_done
    assert second.started_at > first.started_at
    assert second.files == 1


def test_a_recount_puts_right_what_a_crash_left_uncounted(setting: Setting) -> None:
    setting.put(b"12345")

    recount(setting.plane, setting.machine_id)

    assert (setting.machine().bytes_stored, setting.machine().files_stored) == (5, 1)


def test_a_machine_that_stores_while_it_is_counted_keeps_its_count(setting: Setting) -> None:
    setting.put(b"12345")
    usage = Usage(setting.plane)

    class Busy(FakeClock):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            usage.add(setting.machine_id, size=7, files=1)
            usage.tell()

    is_counted = recount(replace(setting.plane, clock=Busy()), setting.machine_id)

    assert not is_counted
    assert (setting.machine().bytes_stored, setting.machine().files_stored) == (7, 1)


def test_a_machine_whose_trash_is_being_purged_keeps_its_count(setting: Setting) -> None:
    setting.trash(setting.put(b"12345"))
    with setting.plane.database.write() as db:
        row = db.scalars(select(Trashed)).one()
        row.purging_at = setting.clock.now()

    is_counted = recount(setting.plane, setting.machine_id)

    assert not is_counted
    assert setting.machine().files_stored == 0


def test_a_place_that_is_gone_leaves_the_others_counted(setting: Setting, tmp_path: Path) -> None:
    gone = add_vault(setting.plane, "gone", str(tmp_path / "not mounted"))
    add_machine(setting.plane, gone, "beta")
    setting.put(b"12345")

    count = recount_all(setting.plane)

    assert count == 1
    assert setting.machine().bytes_stored == 5


def test_old_halves_of_files_are_swept_and_young_ones_left(
    setting: Setting, tmp_path: Path
) -> None:
    folder = tmp_path / "disk" / "machine" / "data" / "ab"
    folder.mkdir(parents=True)
    add_vault(setting.plane, "disk", str(tmp_path / "disk"))
    add_vault(setting.plane, "gone", str(tmp_path / "not mounted"))
    for name, age in (("old-tmp-1", timedelta(hours=30)), ("young-tmp-2", timedelta(hours=1))):
        (folder / name).write_bytes(b"half")
        written = (setting.clock.now() - age).timestamp()
        os.utime(folder / name, (written, written))

    count = sweep_vaults(setting.plane)

    assert count == 1
    assert [path.name for path in folder.iterdir()] == ["young-tmp-2"]
