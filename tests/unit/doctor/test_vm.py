"""Virtual machines: the documented orders in their form here, and lines that survive anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.doctor.loading import load
from holdfast.doctor.matching import is_ours, of_what_is_here, symptoms_for
from holdfast.doctor.vm_facts import VM_KINDS
from tests.unit.doctor.hostile_lines import examined

# What the documents call no network, agent unresponsive, agent outdated, no snapshot, extension.
NET = ["vault.name-unresolved", "vault.unreachable", "vault.proxy-refuses"]
SILENT = ["qemu-ga.absent", "qemu-ga.silent", "qemu-ga.not-kept-running"]
OLD = ["qemu-ga.outdated", "qemu-ga.blocked"]
# Another program's backup, the machine's state, many at once, load, no way to the guest.
SNAPSHOT = [
    "freeze.other-tool",
    *("vm.saved-state", "vm.crashed", "vm.stuck-on-io", "vm.powered-off"),
    "vm.many-jobs",
    *("freeze.guest-loaded", "vm.host-loaded"),
    "qemu-ga.no-channel",
]
EXTENSION = [
    *("extension.absent", "extension.not-ready", "extension.busy"),
    *("extension.failed", "extension.outdated"),
]
ORDERS = {
    "UserErrorGuestAgentStatusUnavailable": [*NET, *SILENT, *OLD, *SNAPSHOT, *EXTENSION],
    "ExtensionSnapshotFailedNoNetwork": [*NET, *SNAPSHOT, *EXTENSION],
    "ExtensionOperationFailed": [*SNAPSHOT, *EXTENSION, *NET, *SILENT, *OLD],
    "GuestAgentSnapshotTaskStatusError": [*SILENT, *OLD, *NET],
    "BackUpOperationFailed": [*NET, *SILENT, *OLD, *SNAPSHOT, *EXTENSION],
    "UserErrorUnsupportedDiskSize": [
        *("vm.disk-too-large", "vm.disk-shared", "vm.disk-passthrough"),
    ],
    "151076": ["qemu-ga.absent", "qemu-ga.silent", *OLD, *EXTENSION],
    "151099": ["qemu-ga.absent", "qemu-ga.silent", *OLD],
    "151095": OLD,
}
INSIDE = [
    *("qemu-ga.no-channel", "qemu-ga.absent", "qemu-ga.silent", "qemu-ga.outdated"),
    *("freeze.still-frozen", "freeze.hook-failed", "freeze.failed"),
    *("extension.absent", "extension.failed"),
    "freeze.spanning",
    "freeze.remote-mounts",
    *("qemu-ga.blocked", "freeze.switched-off"),
    *("freeze.other-tool", "vm.foreign-job"),
    "freeze.churn",
]
HERE = frozenset(("vm", "qemu-ga", "extension", "freeze", "vm-scratch"))


def _ours(asked: str) -> list[str]:
    return [name for name in symptoms_for(load(), asked) if is_ours(load(), name)]


@pytest.mark.parametrize("asked", sorted(ORDERS))
def test_the_original_key_finds_ours_with_causes_in_the_documented_order(asked: str) -> None:
    found = _ours(asked)

    assert list(load().symptoms[found[0]].causes) == ORDERS[asked]


@pytest.mark.parametrize("asked", [*sorted(ORDERS), "150066"])
def test_on_a_host_of_ours_the_key_means_ours_and_elsewhere_the_original(asked: str) -> None:
    found = symptoms_for(load(), asked)

    here = of_what_is_here(load(), found, HERE)
    elsewhere = of_what_is_here(load(), found, frozenset(("azure-vm",)))

    assert here
    assert all(is_ours(load(), name) for name in here)
    assert elsewhere
    assert not any(is_ours(load(), name) for name in elsewhere)


def test_less_consistent_points_are_looked_into_in_the_documented_order() -> None:
    assert list(load().symptoms["freeze.in-guest"].causes) == INSIDE


@pytest.mark.parametrize(
    "code",
    [
        *("libvirt-missing", "host-unreachable", "host-refused", "vm-not-protectable"),
        *("vm-partly-protectable", "vm-disk-too-large", "vm-less-consistent", "vm-scratch-full"),
        *("vm-operation-running", "guest-agent-silent", "guest-agent-channel-missing"),
        *("extension-busy", "extension-broken", "extension-start-timed-out"),
        *("extension-agent-not-ready", "extension-agent-too-old"),
    ],
)
def test_our_own_errors_lead_to_a_symptom_of_ours(code: str) -> None:
    assert _ours(code)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_lines_of_any_content_crash_nothing(data: st.DataObject) -> None:
    assert not examined(data, VM_KINDS).crashes
