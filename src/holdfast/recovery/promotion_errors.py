"""What can keep a machine from being started from a point, each with its own way on."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class NetworksUnreadable(HoldfastError):
    code = "networks-unreadable"
    sentence = N_("Which network takes the place of which does not read: {path}: {reason}")
    remedy = N_(
        "Correct the file, or remove it and say it anew: `holdfast failover networks --set OLD=NEW`."
    )


class FenceWithoutDisks(HoldfastError):
    """The bar takes its disks out of reach; what has none cannot be held back so."""

    code = "fence-without-disks"
    sentence = N_("{about} has no disk of this host, so it cannot be kept from being started")
    remedy = N_(
        "Move its definition away: `virsh dumpxml {about} >{about}.xml`, then "
        "`virsh undefine {about}`."
    )


class PromotionNameTaken(HoldfastError):
    """78052 of the original: the name is taken on the host that shall take the machine in."""

    code = "failover-name-taken"
    sentence = N_("This host already has another machine {name}, with the UUID {other}")
    remedy = N_(
        "Start it under another name with `--name`; or move one of the two to another host; or, "
        "if the machine that is here is a leftover, shut it down and let it make room with "
        "`--replace {name}`: it is renamed, and nothing else of it is touched."
    )
    exit_status = Exit.DECIDE
    source_codes = ("78052",)


class PromotionUuidTaken(HoldfastError):
    code = "failover-uuid-taken"
    sentence = N_("The machine {name} on this host has the UUID of {about} already")
    remedy = N_(
        "It would be overwritten. If it is {about} itself, it need not be brought here; if it is a "
        "copy, give it a UUID of its own with `virsh edit {name}`, or remove its definition with "
        "`virsh undefine {name}`, which leaves its disks."
    )
    exit_status = Exit.DECIDE
    source_codes = ("78052",)


class PromotionMacTaken(HoldfastError):
    code = "failover-mac-taken"
    sentence = N_("{other} on this host runs with the network address {mac} of {about}")
    remedy = N_(
        "Two machines with one address disturb each other. Shut {other} down, or give it another "
        "address with `virsh edit {other}`, then run the same command again."
    )
    exit_status = Exit.DECIDE


class PromotionMemoryShort(HoldfastError):
    """8038 of the original: the host lacks the memory to start the machine."""

    code = "failover-memory-short"
    sentence = N_("{about} needs {needed} of memory, and this host has {free} free")
    remedy = N_(
        "Shut down or move machines of this host until there is enough, fit more memory, or fail "
        "over to a host that has it; then run the same command again."
    )
    retry = Retry.LATER
    source_codes = ("8038",)


class PromotionHugePagesShort(HoldfastError):
    code = "failover-huge-pages-short"
    sentence = N_("{about} needs {needed} huge pages of {size}, and this host has {free} free")
    remedy = N_(
        "Reserve them with `sysctl vm.nr_hugepages=…`, which works best soon after a boot of the "
        "host; then run the same command again."
    )
    retry = Retry.LATER
    source_codes = ("8038",)


class PromotionFolderClosed(HoldfastError):
    """8061 of the original: the target host cannot get at the storage."""

    code = "failover-folder-closed"
    sentence = N_("{path} cannot be used for the disks of {about}: {reason}")
    remedy = N_(
        "Mount what belongs there, or mend its permissions: QEMU's user must be able to go through "
        "each folder of the path (`chmod o+x`). Then run the same command again."
    )
    source_codes = ("8061",)


class PromotionPoolClosed(HoldfastError):
    """8061 of the original, for a pool of libvirt's."""

    code = "failover-pool-closed"
    sentence = N_("The storage pool {pool}, where disks of {about} lie, cannot be used: {reason}")
    remedy = N_(
        "`virsh pool-list --all` shows the pools of this host; start it with "
        "`virsh pool-start {pool}`, then run the same command again."
    )
    source_codes = ("8061",)


class PromotionAccountReadsOnly(HoldfastError):
    """The original's list of datastores stays empty when its account may only read."""

    code = "failover-account-reads-only"
    sentence = N_(
        "This account may only look at the hypervisor, not define or start machines: {reason}"
    )
    remedy = N_(
        "With such an account the list of storage pools is empty as well. Run the command as root "
        "or as a member of the group libvirt, over the socket that allows changes."
    )


class PromotionSpaceShort(HoldfastError):
    code = "failover-space-short"
    sentence = N_("{path} has {free} free, and {about} needs {needed} there to run")
    remedy = N_("Make room there, then run the same command again.")
    retry = Retry.LATER


class PromotionNetworkMissing(HoldfastError):
    code = "failover-network-missing"
    sentence = N_("The network card {mac} of {about} was connected to {old}; here {reason}")
    remedy = N_(
        "Name a network of this host: `--network {old}=NEW`, `--network {old}=bridge:NEW`, or "
        "`--network {old}=none` to start it unplugged. For good: "
        "`holdfast failover networks --set {old}=NEW`."
    )
    exit_status = Exit.DECIDE


class PromotionFilterMissing(HoldfastError):
    code = "failover-filter-missing"
    sentence = N_("A network card of {about} goes through the filter {name}, which this host lacks")
    remedy = N_(
        "Bring it here: `virsh nwfilter-dumpxml {name}` on the other host, then "
        "`virsh nwfilter-define` on this one. Or start it with that card unplugged."
    )
    exit_status = Exit.DECIDE


class PromotionHardwareUnknown(HoldfastError):
    code = "failover-hardware-unknown"
    sentence = N_("This host cannot run the kind of machine {about} is ({what}): {reason}")
    remedy = N_(
        "Install the emulator or a newer QEMU here, allow virtualisation in the firmware of the "
        "host, or choose a machine type and a processor that both hosts have (`virsh edit`), "
        "while it still runs at its home."
    )


class PromotionFirmwareMissing(HoldfastError):
    code = "failover-file-missing"
    sentence = N_("{about} starts with a file that this host does not have: {path}")
    remedy = N_(
        "Install the firmware package here that the other host has, or put the file there; then "
        "run the same command again."
    )


class PromotionPointIncomplete(HoldfastError):
    code = "failover-point-incomplete"
    sentence = N_("The point {generation} of {about} cannot be started: {reason}")
    remedy = N_("Choose another point: `holdfast failover points {about}` lists them.")


class PromotionPointChanged(HoldfastError):
    """Somebody merged or removed layers between the plan and the first step."""

    code = "failover-point-changed"
    sentence = N_("The layers of the point {generation} of {about} are not those that were planned")
    remedy = N_("Run the same command again: it looks at the replica as it is now.")
    retry = Retry.NOW


class ShutDownTooSlow(HoldfastError):
    code = "vm-shut-down-too-slow"
    sentence = N_("{about} was asked to shut down and still runs after {seconds:g} s")
    remedy = N_(
        "Shut it down from within, then run the same command again; or pull its plug with "
        "`--force`, as a power cut would."
    )
    exit_status = Exit.DECIDE


class PromotionNotStarted(HoldfastError):
    """Something ended it between two of our steps."""

    code = "failover-machine-gone"
    sentence = N_("{about} was started and is off again: {reason}")
    remedy = N_("Look at its log in /var/log/libvirt/qemu, then run the same command again.")
    retry = Retry.LATER


class SettlingStuck(HoldfastError):
    """The machine reads what it wrote, from the images above, as before."""

    code = "failback-settling-stuck"
    sentence = N_("Disk {disk} of {about} could not be folded into {image}: {reason}")
    remedy = N_(
        "Nothing is lost, and the machine goes on as it is. Look at the free space there, at "
        "`virsh blockjob {about} {disk} --info`, and at its log in /var/log/libvirt/qemu; then run "
        "the same command again."
    )
    retry = Retry.LATER


class SettlingWithoutRoom(HoldfastError):
    code = "failback-settling-no-room"
    sentence = N_(
        "{folder} has {free} free; to fold {about} into its original images takes {needed}"
    )
    remedy = N_(
        "Make room there, then run the same command again. Until then the machine runs on the "
        "images of its replica, and nothing is lost."
    )
    retry = Retry.LATER


class SettlingNotBelow(HoldfastError):
    code = "failback-original-elsewhere"
    sentence = N_("Disk {disk} of {about} does not stand on its original image {image}")
    remedy = N_(
        "`virsh domblklist {about}` and `qemu-img info --backing-chain` show what it stands on. If "
        "the disk was moved by hand, its place now is its place: nothing is left to be folded."
    )
    exit_status = Exit.DECIDE


class SettlingWithoutOriginal(HoldfastError):
    """A disk that was added while the machine was away: nothing here can be what it becomes."""

    code = "failback-disk-without-original"
    sentence = N_(
        "Disk {disk} of {about} came with the replica and has no image of its own on this host"
    )
    remedy = N_(
        "The machine runs on, and nothing of it is lost or folded. Give the disk an image while it "
        "runs: `virsh blockcopy {about} {disk} /PATH/{about}-{disk}.qcow2 --format qcow2 "
        "--transient-job --wait --pivot`; then run the same command again."
    )
    exit_status = Exit.DECIDE
