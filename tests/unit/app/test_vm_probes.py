"""What the doctor is told about machines where there are none, and what guests may print."""

import json
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.app import vm_records
from holdfast.app.config import Settings
from holdfast.app.own_probes import tell
from holdfast.app.vm_guest_probe import read_look
from holdfast.app.vm_records import Protection
from holdfast.app.wiring import Session
from holdfast.doctor.vm_facts import VM_KINDS

NOWHERE = "qemu+unix:///system?socket=/nonexistent/libvirt-sock"


def _session(home: Path) -> Session:
    return Session(settings=Settings(home=str(home), libvirt=NOWHERE), warn=print)


@pytest.mark.parametrize("probe", VM_KINDS)
def test_where_no_machine_was_ever_spoken_of_nothing_is_told(probe: str, tmp_path: Path) -> None:
    assert tell(probe, _session(tmp_path)) is None


def test_a_host_that_is_not_reached_is_told_with_the_error(tmp_path: Path) -> None:
    vm_records.save(str(tmp_path), Protection(uuid="u1", name="web", host=NOWHERE))

    told = tell("own.vm", _session(tmp_path))

    assert told is not None
    line = json.loads(told)
    # Without libvirt's binding that is what is wrong first.
    assert line["error"] in {"host-unreachable", "libvirt-missing"}
    assert line["uri"] == NOWHERE
    assert tell("own.vm.agent", _session(tmp_path)) is None


def test_a_failed_job_about_a_machine_is_enough_to_look(tmp_path: Path) -> None:
    record = {"holdfast": "job", "error": "vm-missing", "fields": {"about": "web"}}
    (tmp_path / "jobs.jsonl").write_text(json.dumps(record) + "\n")

    assert tell("own.vm", _session(tmp_path)) is not None


def test_only_folders_of_machines_were_left_in_the_scratch_folder(tmp_path: Path) -> None:
    vm_records.save(str(tmp_path), Protection(uuid="u1", name="web", host=NOWHERE))
    scratch, machine = tmp_path / "scratch", str(uuid.uuid4())
    for name in (machine, "photos", machine.upper().replace("-", "")):
        (scratch / name).mkdir(parents=True)
    settings = Settings(home=str(tmp_path), libvirt=NOWHERE, vm_scratch=str(scratch))

    told = tell("own.vm.scratch", Session(settings=settings, warn=print))

    assert told is not None
    assert json.loads(told)["left"] == [machine]


def test_a_look_into_a_guest_is_read() -> None:
    told = read_look(
        [
            "load 3.20 2",
            "MemTotal:        2000000 kB",
            "MemAvailable:     100000 kB",
            "mount /dev/vda1 / ext4",
            "mount /dev/mapper/vg-srv /srv xfs",
            "mount nas:/home /home nfs4",
            "mount tank/data /data zfs",
            "runs mysqldump",
            "runs sh",
        ]
    )

    assert told == {
        "load": 1.6,
        "memory_free": 0.05,
        "memory_free_mib": 97,
        "remote_mounts": ["/home"],
        "spanning_mounts": ["/srv", "/data"],
        "other_tools": ["mysqldump"],
    }


@given(st.lists(st.text(max_size=40), max_size=8))
def test_a_guest_may_print_anything(lines: list[str]) -> None:
    words = ["load x 0", "load 1 1e9", "MemTotal: 9 kB", "mount a", *lines]

    assert "remote_mounts" in read_look(words)
