"""What can be wrong with a profile."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class ProfileRunning(HoldfastError):
    code = "planner-profile-running"
    sentence = N_("{vm} is being profiled already, by process {pid}")
    remedy = N_("Wait for its end, or end it with Ctrl-C where it runs: what it has seen is kept.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class ProfileUnwritable(HoldfastError):
    code = "planner-profile-unwritable"
    sentence = N_("the profile of {vm} cannot be written: {reason}")
    remedy = N_("See to it that {path} has room and belongs to you; then run it again.")
    retry = Retry.LATER


class ProfileUnreadable(HoldfastError):
    code = "planner-profile-unreadable"
    sentence = N_("the profile in {path} cannot be read: {reason}")
    remedy = N_("Remove that folder if the file is damaged, and profile the machine again.")


class NothingProfiled(HoldfastError):
    code = "planner-nothing-profiled"
    sentence = N_("there is no profile to report on in the time asked for")
    remedy = N_("Run `holdfast planner profile --all --for 7d` on the host of the machines.")


class NothingToProfile(HoldfastError):
    code = "planner-nothing-to-profile"
    sentence = N_("there is no virtual machine on {host} to profile")
    remedy = N_("Say which host is meant with --host; `holdfast vm list` shows its machines.")
