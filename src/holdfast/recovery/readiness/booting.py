"""Whether a guest finds its disks by names that are theirs, and not by the order they come in. Pure.

UUIDs, labels and the names of LVM are on the disk itself; /dev/sdb is whichever disk was second.
"""

import re
from collections.abc import Iterator, Sequence

from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.recovery.readiness.facts import GuestFacts, Mount
from holdfast.recovery.readiness.findings import Finding, Weight, found

_BY_ORDER = re.compile(r"/dev/(?:[shv]d[a-z]+\d*|xvd[a-z]+\d*|nvme\d+n\d+(?:p\d+)?)")
_ROOT = re.compile(r"(?:^|\s|\")root=(\S+)")
_RESUME = re.compile(r"(?:^|\s)resume=(\S+)")
_REMOTE = re.compile(r"nfs4?|cifs|smb3|ceph|glusterfs|fuse\.(?:sshfs|glusterfs|s3fs|rclone)|9p")
# A start does not wait for these.
_NOT_NEEDED = frozenset(("noauto", "nofail", "x-systemd.automount"))


def judge_booting(spec: DomainSpec, facts: GuestFacts) -> Iterator[Finding]:
    yield from _about_root(spec, facts)
    if facts.mounts is None:
        yield found("unknown-mounts", Weight.UNKNOWN)
        return
    yield from _about_mounts(spec, facts.mounts)


def _about_root(spec: DomainSpec, facts: GuestFacts) -> Iterator[Finding]:
    lines = [facts.cmdline or "", *facts.loader]
    roots = sorted({one for line in lines for one in _ROOT.findall(line)})
    by_order = [one for one in roots if _BY_ORDER.fullmatch(one)]
    if by_order:
        yield found("root-by-order", _weight(spec), names=", ".join(by_order))
    if not facts.loader and not spec.boot_files:
        yield found("unknown-loader", Weight.UNKNOWN)
    asleep = sorted({one for line in lines for one in _RESUME.findall(line)})
    if names := [one for one in asleep if _BY_ORDER.fullmatch(one)]:
        yield found("resume-by-order", Weight.NOTE, names=", ".join(names))


def _about_mounts(spec: DomainSpec, mounts: Sequence[Mount]) -> Iterator[Finding]:
    wanted = [one for one in mounts if not one.options & _NOT_NEEDED]
    by_order = [one for one in wanted if _BY_ORDER.fullmatch(one.what)]
    if by_order:
        names = ", ".join(f"{one.what} ({one.where})" for one in by_order)
        yield found("mount-by-order", _weight(spec), names=names)
    if remote := [one for one in wanted if _REMOTE.fullmatch(one.kind)]:
        names = ", ".join(f"{one.what} ({one.where})" for one in remote)
        yield found("mount-of-others", Weight.HINDERS, names=names)


def _weight(spec: DomainSpec) -> Weight:
    """An only disk is always the first."""
    return Weight.NOTE if len(spec.hard_disks) <= 1 else Weight.HINDERS
