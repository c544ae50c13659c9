"""What can go wrong with a hypervisor and the agent in a guest, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class LibvirtMissing(HoldfastError):
    code = "libvirt-missing"
    sentence = N_("Python's binding to libvirt is not installed here: {reason}")
    remedy = N_(
        "Install it where Holdfast runs: `apt install python3-libvirt`, "
        "or gcc, pkg-config and libvirt-dev followed by `pip install 'holdfast[machines]'`."
    )


class HostUnreachable(HoldfastError):
    code = "host-unreachable"
    sentence = N_("The hypervisor at {uri} does not answer: {reason}")
    remedy = N_(
        "Look at `systemctl status libvirtd virtqemud` there and try "
        "`virsh --connect {uri} list`, then run the same command again."
    )
    retry = Retry.LATER


class HostRefused(HoldfastError):
    code = "host-refused"
    sentence = N_("The hypervisor at {uri} refuses access: {reason}")
    remedy = N_(
        "Run as root, or add the user to the group libvirt: `usermod -aG libvirt USER`, "
        "then log in again."
    )


class HostLost(HoldfastError):
    """The daemon went away in the middle of a call; what it was doing may well go on."""

    code = "host-lost"
    sentence = N_("The connection to the hypervisor broke while it worked on {about}: {reason}")
    remedy = N_("Look at `journalctl -u libvirtd -u virtqemud`, then run the same command again.")
    retry = Retry.LATER


class VmMissing(HoldfastError):
    code = "vm-missing"
    sentence = N_("The hypervisor knows no virtual machine {about}")
    remedy = N_("`virsh list --all` shows the names; correct the name.")


class VmExists(HoldfastError):
    code = "vm-exists"
    sentence = N_("There is already a virtual machine {about}: {reason}")
    remedy = N_("Choose another name, or remove the old one first with `virsh undefine {about}`.")


class VmDiskMissing(HoldfastError):
    code = "vm-disk-missing"
    sentence = N_("{about} has no such disk: {reason}")
    remedy = N_("`virsh domblklist {about}` shows its disks; a disk may have been unplugged.")


class VmInWrongState(HoldfastError):
    code = "vm-wrong-state"
    sentence = N_("{about} is not in a state that allows this: {reason}")
    remedy = N_("`virsh domstate {about}` shows its state; start or stop it first.")


class VmNotRunning(HoldfastError):
    code = "vm-not-running"
    sentence = N_("{about} is not running")
    remedy = N_("Start it with `virsh start {about}`, then run the same command again.")


class VmBusy(HoldfastError):
    """Another change of the domain holds libvirt's lock, or a disk has a job already."""

    code = "vm-busy"
    sentence = N_("{about} is busy with other work: {reason}")
    remedy = N_(
        "`virsh domjobinfo {about}` and `virsh blockjob {about} vda --info` show it; "
        "wait for its end, then run the same command again."
    )
    retry = Retry.LATER


class VmHasCheckpoints(HoldfastError):
    code = "vm-has-checkpoints"
    sentence = N_("{about} cannot be removed while it has checkpoints: {reason}")
    remedy = N_(
        "Remove them first: `virsh checkpoint-list {about}`, `virsh checkpoint-delete {about} NAME`."
    )


class BackupRunning(HoldfastError):
    code = "vm-backup-running"
    sentence = N_("{about} is being backed up already")
    remedy = N_(
        "Wait for it; if nothing reads it any more, end it with `virsh domjobabort {about}`."
    )
    retry = Retry.LATER


class NoBackupRunning(HoldfastError):
    code = "vm-no-backup-running"
    sentence = N_("{about} is not being backed up")
    remedy = N_("Nothing is left to end; begin a new backup.")


class BackupNotEnding(HoldfastError):
    code = "vm-backup-not-ending"
    sentence = N_("The backup of {about} was told to end and still runs after {seconds:g} s")
    remedy = N_(
        "Look at `virsh domjobinfo {about}` and the health of the disks; run "
        "`virsh domjobabort {about}` again once they answer."
    )
    retry = Retry.LATER


class TrackingLost(HoldfastError):
    """A checkpoint's bitmap is gone or was not closed properly: what changed is unknown."""

    code = "vm-tracking-lost"
    sentence = N_("The record of what changed on {about} cannot be used: {reason}")
    remedy = N_(
        "Nothing needs to be done: the next backup compares instead of trusting it. It happens "
        "when a host loses power, a disk is replaced, or a snapshot is reverted."
    )


class CheckpointMissing(HoldfastError):
    code = "vm-checkpoint-missing"
    sentence = N_("{about} has no such checkpoint: {reason}")
    remedy = N_("Nothing needs to be done: the next backup makes a new one.")


class CheckpointExists(HoldfastError):
    code = "vm-checkpoint-exists"
    sentence = N_("{about} already has a checkpoint or bitmap of that name: {reason}")
    remedy = N_("Run the same command again; each run chooses a name of its own.")
    retry = Retry.NOW


class HypervisorIncapable(HoldfastError):
    code = "hypervisor-incapable"
    sentence = N_("The hypervisor or a disk's format cannot do this for {about}: {reason}")
    remedy = N_(
        "Changes are recorded in qcow2 images of format version 3; with the machine off: "
        "`qemu-img amend -f qcow2 -o compat=1.1 IMAGE`. A raw image or an old hypervisor cannot "
        "record them; `holdfast vm list` shows which it is."
    )


class HypervisorFailed(HoldfastError):
    code = "hypervisor-failed"
    sentence = N_("The hypervisor reports about {about}: {reason} (libvirt error {number})")
    remedy = N_("Look at `journalctl -u libvirtd -u virtqemud` and /var/log/libvirt/qemu.")


class HypervisorDenied(HoldfastError):
    code = "hypervisor-denied"
    sentence = N_("The hypervisor may not use a file or device of {about}: {reason}")
    remedy = N_(
        "Check owner and permissions of the path for the user of QEMU (libvirt-qemu or qemu), "
        "and AppArmor's or SELinux's log: `journalctl -k | grep -i denied`."
    )


class HypervisorFull(HoldfastError):
    code = "hypervisor-full"
    sentence = N_("There is no room left on the hypervisor for {about}: {reason}")
    remedy = N_("Free space where the images and scratch files lie (`df -h`), then try again.")


class VmDescriptionBroken(HoldfastError):
    code = "vm-description-broken"
    sentence = N_("The description of {about} cannot be used: {reason}")
    remedy = N_(
        "Compare it with `virsh dumpxml --inactive` of a machine that works; a description from "
        "a vault that does not read is damage: run `holdfast check`."
    )
    exit_status = Exit.DAMAGE


class AgentSilent(HoldfastError):
    """Not installed, not started, or too busy to answer: from outside they look alike."""

    code = "guest-agent-silent"
    sentence = N_("The guest agent of {about} does not answer: {reason}")
    remedy = N_(
        "In the guest install and start it: `apt install qemu-guest-agent`, "
        "`systemctl start qemu-guest-agent`."
    )
    retry = Retry.LATER
    source_codes = ("UserErrorGuestAgentStatusUnavailable",)


class AgentChannelMissing(HoldfastError):
    code = "guest-agent-channel-missing"
    sentence = N_("{about} has no channel for a guest agent")
    remedy = N_(
        "Add a channel of type unix with the target name org.qemu.guest_agent.0 with "
        "`virsh edit {about}`, stop and start the machine, then start qemu-guest-agent in it."
    )


class AgentRefused(HoldfastError):
    code = "guest-agent-refused"
    sentence = N_("The guest agent of {about} refuses {command}: {reason}")
    remedy = N_(
        "Allow the command in the guest's /etc/qemu/qemu-ga.conf or "
        "/etc/sysconfig/qemu-ga, then restart qemu-guest-agent there."
    )


class AgentAnswerBroken(HoldfastError):
    code = "guest-agent-answer-broken"
    sentence = N_(
        "The guest agent of {about} answered {command} with what cannot be read: {reason}"
    )
    remedy = N_("Update qemu-guest-agent in the guest and restart it.")


class AgentAnswerTooLong(HoldfastError):
    code = "guest-agent-answer-too-long"
    sentence = N_("The answer of {about}'s guest agent to {command} is too long for libvirt")
    remedy = N_(
        "A program may write up to 2 MiB here: let it write to a file in the guest instead."
    )


class GuestFrozen(HoldfastError):
    """A frozen guest's agent refuses nearly everything but to thaw."""

    code = "guest-frozen"
    sentence = N_("The file systems of {about} are frozen: {command} must wait")
    remedy = N_(
        "They thaw at the end of the work that froze them. If it is gone: `virsh domfsthaw {about}`."
    )
    retry = Retry.LATER


class GuestFileUnavailable(HoldfastError):
    code = "guest-file-unavailable"
    sentence = N_("The guest agent of {about} cannot open a file: {reason}")
    remedy = N_("Look in the guest whether the folder exists and has room, and is not read-only.")


class GuestProgramMissing(HoldfastError):
    code = "guest-program-missing"
    sentence = N_("The guest agent of {about} cannot start a program: {reason}")
    remedy = N_("Install the program in the guest, or correct its path.")


class GuestProgramUnfinished(HoldfastError):
    code = "guest-program-unfinished"
    sentence = N_("{program} in {about} has not ended after {seconds:g} s and was killed")
    remedy = N_("Look in the guest for what it waits for, or allow it more time.")
    retry = Retry.LATER
