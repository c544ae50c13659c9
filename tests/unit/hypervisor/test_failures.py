import pytest

from holdfast.base.errors import HoldfastError, Retry
from holdfast.hypervisor import errors
from holdfast.hypervisor.failures import Failure, error_of, opening_error_of

QEMU, RPC, DOMAIN = 10, 7, 20

# In the words of libvirt 9.0.
SEEN = [
    (42, QEMU, "Domain not found: no domain with matching name 'web'", errors.VmMissing),
    (55, DOMAIN, "Requested operation is not valid: domain is not running", errors.VmNotRunning),
    (84, QEMU, "Operation not supported: cannot create checkpoint for inactive domain",
     errors.VmNotRunning),
    (55, QEMU, "Requested operation is not valid: no screens to take screenshot from",
     errors.VmInWrongState),
    (55, QEMU, "Requested operation is not valid: cannot delete inactive domain with 2 checkpoints",
     errors.VmHasCheckpoints),
    (68, QEMU, ("Timed out during operation: cannot acquire state change lock (held by "
     "monitor=remoteDispatchDomainBackupBegin)"), errors.VmBusy),
    (55, QEMU, "Requested operation is not valid: disk 'vda' has a blockjob assigned",
     errors.VmBusy),
    (67, QEMU, "unsupported configuration: block device 'vda' has a blockjob assigned",
     errors.VmBusy),
    (8, QEMU, "invalid argument: invalid path vdq not assigned to domain", errors.VmDiskMissing),
    (67, DOMAIN, "unsupported configuration: no disk named 'vdq'", errors.VmDiskMissing),
    (67, QEMU, ("unsupported configuration: checkpoint for disk vda unsupported for storage type "
     "raw"), errors.HypervisorIncapable),
    (103, QEMU, ("Domain checkpoint not found: Checkpoint 'a' for incremental backup of disk 'vda' "
     "not found"), errors.CheckpointMissing),
    (109, QEMU, "checkpoint inconsistent: missing or broken bitmap 'a' for disk 'vda'",
     errors.TrackingLost),
    (1, QEMU, "internal error: bitmap 'a' not found in backing chain of 'vda'",
     errors.TrackingLost),
    (1, QEMU, ("internal error: unable to execute QEMU command 'transaction': Bitmap already "
     "exists: a"), errors.CheckpointExists),
    (9, DOMAIN, "operation failed: domain moment a already exists", errors.CheckpointExists),
    (86, QEMU, "Guest agent is not responding: Guest agent not available for now",
     errors.AgentSilent),
    (86, QEMU, "Guest agent is not responding: QEMU guest agent is not connected",
     errors.AgentSilent),
    (74, QEMU, "argument unsupported: QEMU guest agent is not configured",
     errors.AgentChannelMissing),
    (1, QEMU, ("internal error: unable to execute QEMU command 'transaction': Cannot store dirty "
     "bitmaps in qcow2 v2 files"), errors.HypervisorIncapable),
    (38, QEMU, "cannot create file '/s/vda': No space left on device", errors.HypervisorFull),
    (1, QEMU, ("internal error: process exited while connecting to monitor: Could not open "
     "'/s/vda': Permission denied"), errors.HypervisorDenied),
    (104, QEMU, "Domain backup job id not found: no domain backup job present",
     errors.NoBackupRunning),
    (21, DOMAIN, "missing name information", errors.VmDescriptionBroken),
    (92, 5, "XML document failed to validate against schema", errors.VmDescriptionBroken),
    (38, RPC, "Cannot recv data: Connection reset by peer", errors.HostLost),
    (1, RPC, "internal error: client socket is closed", errors.HostLost),
    (39, RPC, "Cannot write data: Broken pipe", errors.HostLost),
    (12345, QEMU, "something new", errors.HypervisorFailed),
]  # fmt: skip


@pytest.mark.parametrize(("number", "origin", "message", "kind"), SEEN)
def test_error_of_libvirt_becomes_the_one_that_tells_what_to_do(
    number: int, origin: int, message: str, kind: type[HoldfastError]
) -> None:
    failure = Failure(number=number, origin=origin, message=message)

    error = error_of(failure, about="web")

    assert type(error) is kind
    assert "<" not in str(error)
    assert "<" not in error.advice
    assert "web" in str(error)


@pytest.mark.parametrize(
    ("number", "message", "kind"),
    [
        (38, "Failed to connect socket to '/run/libvirt/libvirt-sock': No such file or directory",
         errors.HostUnreachable),
        (38, "Failed to connect socket to '/run/libvirt/libvirt-sock': Permission denied",
         errors.HostRefused),
        (45, "authentication failed: access denied by policy", errors.HostRefused),
        (5, "no connection driver available for abc:///", errors.HostUnreachable),
    ],
)  # fmt: skip
def test_connection_that_cannot_be_opened_says_why(
    number: int, message: str, kind: type[HoldfastError]
) -> None:
    error = opening_error_of(Failure(number=number, message=message), uri="qemu:///system")

    assert type(error) is kind
    assert "qemu:///system" in str(error)


def test_busy_and_lost_are_worth_another_try() -> None:
    for kind in (errors.VmBusy, errors.HostLost, errors.HostUnreachable, errors.BackupRunning):
        assert kind.retry is Retry.LATER
