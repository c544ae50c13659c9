"""What an agent tells of its host's virtual machines."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from holdfast.agent.inventory import Inventory
from holdfast.agent.protected import ProtectedVms
from holdfast.agent.running import Program
from holdfast.app.vm_records import LastPoint, Protection, save, save_last
from holdfast.recovery.record import Fence, RecoveryRecord
from holdfast.recovery.record_folder import RecordFolder

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_VM: dict[str, Any] = {
    "event": "vm",
    "name": "web",
    "uuid": "u1",
    "state": "running",
    "protectable": "partly",
    "consistency": "application",
    "disks": [
        {"remarks": [{"code": "shared", "weight": "not"}, {"code": "raw", "weight": "note"}]}
    ],
    "remarks": [{"code": "no-channel", "weight": "less"}],
    "protected_since": NOON.isoformat(),
    "error": None,
}


def _inventory(folder: Path, *events: dict[str, Any], here: bool = True) -> Inventory:
    """Of a host where `vm list --json` says these."""
    said = folder / "said"
    said.write_text("".join(f"{json.dumps(one)}\n" for one in events))
    script = (
        "import sys; assert sys.argv[1:] == ['vm', 'list', '--json']; "
        f"sys.stdout.write(open({str(said)!r}).read())"
    )
    plain = (sys.executable, "-c", script)
    program = Program(words=plain, plain=plain, environment={})
    return Inventory(str(folder), program, is_here=lambda: here, on_news=lambda: None)


def test_machine_is_told_with_what_is_against_it_and_its_newest_point(tmp_path: Path) -> None:
    save_last(str(tmp_path), "u1", LastPoint(at=NOON, consistency="filesystem"))
    inventory = _inventory(tmp_path, _VM)

    inventory.look()

    assert inventory.now is not None
    (vm,) = inventory.now.vms
    assert (vm.name, vm.state, vm.protectable) == ("web", "running", "partly")
    assert vm.remarks == ["shared", "no-channel"]
    assert (vm.protected_since, vm.point_at, vm.point_class) == (NOON, NOON, "filesystem")


def test_machine_that_is_gone_is_told_by_its_error(tmp_path: Path) -> None:
    gone = {**_VM, "state": None, "protectable": None, "error": "vm-missing"}
    inventory = _inventory(tmp_path, gone)

    inventory.look()

    assert inventory.now is not None
    assert inventory.now.vms[0].remarks == ["vm-missing"]


def test_machine_that_was_migrated_away_is_not_told_though_its_definition_stayed(
    tmp_path: Path,
) -> None:
    left = {**_VM, "state": "off", "state_reason": "migrated"}
    inventory = _inventory(tmp_path, left)

    inventory.look()

    assert inventory.now is not None
    assert inventory.now.vms == []


def test_machine_that_was_failed_over_while_it_ran_is_told_by_its_home(tmp_path: Path) -> None:
    fence = Fence(act="a1", epoch=1, since=NOON)
    RecordFolder(str(tmp_path), "u1").save(RecoveryRecord(vm="u1", name="web", fence=fence))
    left = {**_VM, "state": "off", "state_reason": "migrated"}
    inventory = _inventory(tmp_path, left)

    inventory.look()

    assert inventory.now is not None
    assert [vm.name for vm in inventory.now.vms] == ["web"]


def test_host_without_machines_is_not_asked(tmp_path: Path) -> None:
    inventory = _inventory(tmp_path, _VM, here=False)

    inventory.look()

    assert inventory.now is None


def test_protected_are_those_whose_protection_is_complete(tmp_path: Path) -> None:
    home, warnings = str(tmp_path), list[str]()
    for name, since in (("web", NOON), ("db", NOON), ("begun", None)):
        record = Protection(uuid=f"of-{name}", name=name, host=f"test:///{name}", since=since)
        save(home, record)
    (tmp_path / "vms" / "torn.json").write_text("{")
    protected = ProtectedVms(home, warn=warnings.append)

    names = [protected.names(), protected.names()]

    assert names == [["db", "web"]] * 2
    assert protected.host_of("of-web") == protected.host_of("web") == "test:///web"
    assert protected.host_of("other") == ""
    assert len(warnings) == 1
