"""Why a machine cannot go back to its old home, and what makes it possible."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.filling import filled
from holdfast.base.texts import N_, _


class HomeUnreachable(HoldfastError):
    """95226 of the original: the machine's new side does not get through to its old home."""

    code = "way-back-home-unreachable"
    sentence = N_("The old home of {about}, the site {site}, cannot be reached from here: {reason}")
    remedy = N_(
        "See that the network between the two hosts lets this one through to the port of that site "
        "(VPN, firewall), and that `holdfast replication serve` runs there; `holdfast doctor` tries "
        "each stage of the way. Then run the same command again."
    )
    retry = Retry.LATER
    source_codes = ("95226",)


class MachineNotRunning(HoldfastError):
    """78093 of the original: the machine is off, hangs or cannot be reached."""

    code = "way-back-machine-not-running"
    sentence = N_("{about} was failed over to this host and does not run here: {state}")
    remedy = N_(
        "Start it, or restart it if it hangs: `virsh start {about}`. Then run the same command again."
    )
    source_codes = ("78093",)


class HomeIsNoSite(HoldfastError):
    code = "way-back-home-is-no-site"
    sentence = N_("{about} cannot fail back because its old home takes nothing in from this host")
    remedy = N_(
        "On the old home: `holdfast replication serve --folder FOLDER`, and `holdfast replication "
        "admit {here}`; on this host: `holdfast replication join FILE` with the file that makes. "
        "Then run the same command again."
    )
    exit_status = Exit.DECIDE


class MachineMovedAway(HoldfastError):
    """It is looked for by its UUID, so a new name is no obstacle."""

    code = "way-back-machine-moved"
    sentence = N_(
        "{about} cannot fail back because it is not on this host any more: its disks are in "
        "{folder}, and no machine with the UUID {uuid} uses them"
    )
    remedy = N_(
        "Bring its definition back to this host with the same UUID and these disks: "
        "`virsh define FILE`, or migrate it back. Then run the same command again."
    )
    exit_status = Exit.DECIDE


class MachineDeleted(HoldfastError):
    code = "way-back-machine-deleted"
    sentence = N_(
        "{about} cannot fail back because it was deleted here, with what it wrote since the failover"
    )
    remedy = N_(
        "What was written here since is lost. Take the failover back: `holdfast failover undo "
        "{about}` gives the machine to its old home as it was there."
    )
    exit_status = Exit.DECIDE


class ReverseReplicaDeleted(HoldfastError):
    code = "way-back-replica-deleted"
    sentence = N_("{about} cannot fail back because its replica on this host was deleted")
    remedy = N_("Make it anew, at the host where it runs: `holdfast reprotect {about}`.")
    exit_status = Exit.DECIDE


class ProtectionOff(HoldfastError):
    code = "way-back-protection-off"
    sentence = N_(
        "{about} cannot fail back because its replication was switched off: its old home does not "
        "know any more what it had shipped"
    )
    remedy = N_(
        "Replicate it to there anew, with a full copy: `holdfast replication enable {about} "
        "--to {site}` on the host where it runs; then `holdfast failover {about} --planned` there."
    )
    exit_status = Exit.DECIDE


class TargetUnsupported(HoldfastError):
    code = "way-back-target-unsupported"
    sentence = N_("{about} cannot fail back because its old home cannot run it any more: {reason}")
    remedy = N_(
        "A machine goes back to a host with KVM or QEMU under libvirt. Make libvirt work there "
        "(`holdfast doctor` looks into it), then run the same command again."
    )


class HomeKnowsNewer(HoldfastError):
    code = "way-back-home-knows-newer"
    sentence = N_(
        "The old home of {about} lives by epoch {theirs}, and this host by epoch {ours} only"
    )
    remedy = N_(
        "Somebody has given the machine to another host since. `holdfast failover status {about}` "
        "on both hosts says where it may run; end what runs by the smaller epoch."
    )
    exit_status = Exit.DECIDE


class NotItsSite(HoldfastError):
    code = "way-back-not-its-site"
    sentence = N_("{about} was replicated to {site}, and another host asks for its disks")
    remedy = N_(
        "Run the command at that site. If it is the very same host, let it in under the name of "
        "the site: `holdfast replication admit {site}`, and join the file there."
    )
    exit_status = Exit.DECIDE


class StillRunsAtHome(HoldfastError):
    """Nothing is ended that runs: which of two is right only a person knows."""

    code = "way-back-runs-at-home"
    sentence = N_("{about} runs at its old home as well, and writes to its disks there")
    remedy = N_(
        "If the one at the site is right, shut the other one down; what it wrote since is replaced "
        "then. Run the same command again: everything is compared."
    )
    exit_status = Exit.DECIDE
    retry = Retry.LATER


class FoundThere(HoldfastError):
    """What another host would stop at, by the code it has there."""

    code = "recovery-found-there"
    sentence = N_("At {site}: {found}")
    remedy = N_("On that host: {advice}")

    def __init__(self, *, site: str, found: HoldfastError) -> None:
        super().__init__(site=site, found=found)
        # Of this one event, in the place of what the class has.
        self.__dict__.update(
            code=found.code,
            exit_status=found.exit_status,
            retry=found.retry,
            source_codes=found.source_codes,
        )

    @property
    def advice(self) -> str:
        return filled(_(self.remedy), {"advice": self.found.advice})

    @property
    def found(self) -> HoldfastError:
        found = self.fields["found"]
        assert isinstance(found, HoldfastError)
        return found


class WayBackMissing(HoldfastError):
    """Found when the way there is made: on the day it is needed it is too late."""

    code = "way-back-missing"
    sentence = N_("{about} could not come back from {site}: {reason}")
    remedy = N_(
        "Make this host a site for the other one: `holdfast replication serve --folder FOLDER` and "
        "`holdfast replication admit {site}` here, then `holdfast replication join FILE` there. Or "
        "agree to do without a way back: --one-way."
    )
    exit_status = Exit.DECIDE
