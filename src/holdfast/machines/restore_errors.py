"""What can keep a virtual machine from being restored, each with a remedy."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class VmNotOff(HoldfastError):
    code = "vm-not-off"
    sentence = N_("{about} is {state}: its disks cannot be replaced under it")
    remedy = N_(
        "Switch it off with `virsh shutdown {about}`, then run the same command again; or restore "
        "it as a new machine with --name."
    )
    retry = Retry.LATER


class VmMemorySaved(HoldfastError):
    """Its next start would go on with a memory that knows other disks."""

    code = "vm-memory-saved"
    sentence = N_("{about} was put to sleep with its memory saved, which does not fit older disks")
    remedy = N_(
        "Start it and shut it down, or give its memory up with `virsh managedsave-remove {about}`, "
        "then run the same command again."
    )


class VmIsAnother(HoldfastError):
    code = "vm-is-another"
    sentence = N_(
        "The machine {about} on the host is not the one of the recovery point: its UUID is {found}, "
        "not {wanted}"
    )
    remedy = N_("Restore it as a new machine with --name, which harms no other.")
    exit_status = Exit.DECIDE


class VmDiskElsewhere(HoldfastError):
    code = "vm-disk-elsewhere"
    sentence = N_("The disk {disk} of {about} cannot be replaced in place: {reason}")
    remedy = N_("Restore it as a new machine with --name, or choose other disks with --disk.")


class VmChangedMeanwhile(HoldfastError):
    code = "vm-changed-meanwhile"
    sentence = N_("{about} was started, or {image} was written, while it was compared")
    remedy = N_("Nothing was changed. Let it be switched off, then run the same command again.")
    retry = Retry.LATER


class HostElsewhere(HoldfastError):
    code = "host-elsewhere"
    sentence = N_("{uri} is another machine: its folders cannot be written from here")
    remedy = N_(
        "Run the same command on that host, which can read the vault as well as this one: "
        "`holdfast vm restore` with --machine, or with the same --vault and passphrase."
    )
    exit_status = Exit.USAGE


class RestoreRunning(HoldfastError):
    code = "vm-restore-running"
    sentence = N_("Another restore is writing to {folder}")
    remedy = N_("Wait for its end, or give this one another --name.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class ReplacementPending(HoldfastError):
    """Its note is on the disk; which images it is about is not readable."""

    code = "vm-replacement-broken"
    sentence = N_("The note of an unfinished restore, {file}, cannot be read: {reason}")
    remedy = N_(
        "The disks may be half old, half new: remove that file, then restore in place again."
    )
    exit_status = Exit.DAMAGE


class PoolTooSmall(HoldfastError):
    code = "vm-restore-no-room"
    sentence = N_("{folder} has {free} free, and what the disks of {about} hold takes {needed}")
    remedy = N_("Free space there, or name a folder elsewhere with --pool.")
    retry = Retry.LATER


class NetworkNotHere(HoldfastError):
    """libvirt defines such a machine all the same."""

    code = "vm-network-not-here"
    sentence = N_("This host has no network or bridge {network}: so {about} would not start")
    remedy = N_(
        "Connect its cards to another one with `--network {network}=NEW`, to a bridge with "
        "`--network {network}=bridge:NEW`, or take them out with `--network {network}=none`."
    )


class NetworkNotStarted(HoldfastError):
    code = "vm-network-not-started"
    sentence = N_("The network {network} of this host is not started: so {about} would not start")
    remedy = N_("Start it with `virsh net-start {network}` before the machine.")
    retry = Retry.LATER
