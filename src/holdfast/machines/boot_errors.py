"""What can go wrong with a machine that runs straight off a vault."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class BootMissing(HoldfastError):
    code = "boot-missing"
    sentence = N_("No machine {name} was booted from a recovery point here")
    remedy = N_("`holdfast vm boots` lists those there are; correct the name.")
    exit_status = Exit.USAGE


class BootNameTaken(HoldfastError):
    code = "boot-name-taken"
    sentence = N_("A machine {name} was booted from a recovery point already")
    remedy = N_("Choose another with --name, or end that one: `holdfast vm boot --end {name}`.")
    exit_status = Exit.USAGE


class BootRecordBroken(HoldfastError):
    code = "boot-record-broken"
    sentence = N_("What is known of a booted machine cannot be read: {file}: {reason}")
    remedy = N_(
        "See with `virsh list --all` whether the machine is still there; if not, remove the "
        "folder of that file."
    )


class BootFolderTaken(HoldfastError):
    code = "boot-folder-taken"
    sentence = N_("There already is something at {folder}")
    remedy = N_("Choose another name with --name or another place with --pool.")
    exit_status = Exit.USAGE


class BootFolderUnusable(HoldfastError):
    code = "boot-folder-unusable"
    sentence = N_("The new disks cannot be put into {folder}: {reason}")
    remedy = N_("Name a folder on this host with room for what the machine writes: --pool FOLDER.")


class BootHostElsewhere(HoldfastError):
    """The disks are served over a socket of this machine, which another host cannot reach."""

    code = "boot-host-elsewhere"
    sentence = N_("The hypervisor {uri} is another machine: it cannot read the vault from here")
    remedy = N_(
        "Run the same command on that machine, or restore there with `holdfast vm restore`."
    )
    exit_status = Exit.USAGE


class PointWithoutDescription(HoldfastError):
    code = "point-without-description"
    sentence = N_("The recovery point {point} has no description of the machine: {reason}")
    remedy = N_(
        "Bring back its disks with `holdfast vm restore {point} --only-disks`, and define the "
        "machine by hand."
    )


class ServerNotReady(HoldfastError):
    code = "boot-server-not-ready"
    sentence = N_("The process that serves the disks of {name} did not begin: {reason}")
    remedy = N_("Its log is {log}; correct what it says, then run the same command again.")


class ServerRuns(HoldfastError):
    code = "boot-server-runs"
    sentence = N_("The disks of {name} are served already, by process {pid}")
    remedy = N_("Nothing needs to be done; `holdfast vm boots` shows it.")
    exit_status = Exit.USAGE


class ServerStuck(HoldfastError):
    """Killed, it is still there: the kernel lets it wait for a disk or a network of the vault."""

    code = "boot-server-stuck"
    sentence = N_("The process {pid}, which serves the disks of {name}, does not end")
    remedy = N_(
        "See with `cat /proc/{pid}/stack` what it waits for, bring the vault's disk or network "
        "back, then run the same command again."
    )
    retry = Retry.LATER


class ServerAbsent(HoldfastError):
    code = "boot-server-absent"
    sentence = N_("Nobody serves the disks of {name}")
    remedy = N_("Start it: `holdfast vm serve {name} &`, then run the same command again.")
    retry = Retry.LATER


class MoveOffUnfinished(HoldfastError):
    """The machine goes on as it did; what was moved so far need not be moved again."""

    code = "move-off-unfinished"
    sentence = N_("The disk {disk} of {name} could not be moved off the vault to its end")
    remedy = N_(
        "See with `holdfast vm boots` whether its disks are served; if not, run "
        "`holdfast vm serve {name} &`. Then run the same command again."
    )
    retry = Retry.LATER


class BootStopped(HoldfastError):
    code = "boot-stopped"
    sentence = N_("{name} stopped before it was up: {reason}")
    remedy = N_("Look at its log below /var/log/libvirt/qemu and at what its console says.")


class BootNotProven(HoldfastError):
    code = "boot-not-proven"
    sentence = N_("The recovery point {point} was booted and is not proven: {reason}")
    remedy = N_(
        "Look at the picture and the console in {folder}; where the guest is only slow, allow it "
        "more with --within. Otherwise check an older point."
    )


class ConsolePatternBroken(HoldfastError):
    code = "console-pattern-broken"
    sentence = N_("{pattern} is no pattern: {reason}")
    remedy = N_("Write a regular expression, as in --console 'login:'.")
    exit_status = Exit.USAGE
