"""What can go wrong with a test failover."""

from holdfast.base.errors import Exit, HoldfastError, Retry
from holdfast.base.texts import N_


class TrialRunning(HoldfastError):
    code = "test-failover-running"
    sentence = N_("A test failover of {name} is under way in process {pid}, since {since:%H:%M:%S}")
    remedy = N_("Let it end, or end that process: what it has begun is cleaned up then.")
    exit_status = Exit.LOCKED
    retry = Retry.LATER


class TrialNotPassed(HoldfastError):
    code = "test-failover-failed"
    sentence = N_("The test failover of {name} did not pass: {reason}")
    remedy = N_(
        "Its checks, its parts and the picture of its screen are in {folder}. With `--keep 2h` the "
        "machine stays to be looked at; `holdfast failover cleanup {vm}` ends it."
    )


class TrialNotCleaned(HoldfastError):
    code = "test-failover-not-cleaned"
    sentence = N_("What the test failover of {name} has made is not gone: {reason}")
    remedy = N_(
        "The site tries again by itself. Remove the cause, then `holdfast failover cleanup {vm}`; a "
        "test counts only when nothing of it is left."
    )
    retry = Retry.LATER


class TrialRecordUnreadable(HoldfastError):
    code = "test-failover-unreadable"
    sentence = N_("The record of a test failover does not read: {path}: {reason}")
    remedy = N_(
        "It names the machine and the files that were made for the test. Look for a machine with "
        "'-test-' in its name, remove it and its folder, then the record."
    )


class NetworkHasWayOut(HoldfastError):
    code = "test-network-not-isolated"
    sentence = N_("The network {network} is no place for a test: {reason}")
    remedy = N_(
        "A test needs a network of libvirt's without <forward>, with no other host on it. Define "
        "one, or leave out `--network`: the links of the machine are down then."
    )
    exit_status = Exit.USAGE
