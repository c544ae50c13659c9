"""The findings of a look at a guest in words, each with what can be done in it."""

from collections.abc import Iterable, Mapping
from typing import Final

from holdfast.base.texts import N_, _
from holdfast.recovery.readiness.findings import Finding

_BY_UUID = N_("Name it by UUID=…, LABEL=… or its LVM volume, as `blkid` shows them.")
_AGENT = N_("In the guest: `systemctl enable qemu-guest-agent`.")
_ALLOW = N_("Allow guest-exec in the guest's /etc/qemu/qemu-ga.conf or /etc/sysconfig/qemu-ga.")
_INITRAMFS = N_(
    "In the guest: `lsinitramfs /boot/initrd.img-{kernel}`, or `lsinitrd --kver {kernel}`."
)
_BY_HAND = N_("Look at it in the guest, or test it: `holdfast failover VM --test`.")

_TEXTS: Final[dict[str, tuple[str, str]]] = {
    "root-by-order": (
        N_("its root is named by the order of its disks: {names}"),
        N_(
            "Name it by UUID: take GRUB_DISABLE_LINUX_UUID out of /etc/default/grub, then "
            "`update-grub` or `grub2-mkconfig -o /boot/grub2/grub.cfg`."
        ),
    ),
    "resume-by-order": (
        N_("what it wakes up from is named by the order of its disks: {names}"),
        _BY_UUID,
    ),
    "mount-by-order": (
        N_("disks are named by their order in its fstab or crypttab: {names}"),
        _BY_UUID,
    ),
    "mount-of-others": (
        N_("its start waits for file systems of other machines: {names}"),
        N_("Give them the option nofail in /etc/fstab, or bring their servers along."),
    ),
    "kernel-of-host": (
        N_("its kernel is a file of its host: {files}"),
        N_("The other host needs the same files; `holdfast failover check VM` looks for them."),
    ),
    "disk-driver-missing": (
        N_("kernel {kernel} cannot reach the disk it starts from: {drivers} is not in it"),
        N_(
            "In the guest: add it to /etc/initramfs-tools/modules and `update-initramfs -u -k all`, "
            "or `dracut --regenerate-all --force --add-drivers '{drivers}'`."
        ),
    ),
    "driver-missing": (
        N_("kernel {kernel} has no driver for a disk or card of the machine: {drivers}"),
        N_("In the guest install the package with its modules, as linux-modules-extra-{kernel}."),
    ),
    "card-unseen": (
        N_("the guest does not see network card {mac} of the machine"),
        N_("In the guest load its driver, or take the card out: `virsh edit VM`."),
    ),
    "card-not-kept": (
        N_(
            "{device} has an address that no file of the guest gives it; files are there for: "
            "{others}"
        ),
        N_("Write it into netplan, NetworkManager or /etc/network/interfaces, by DHCP if it can."),
    ),
    "card-not-at-boot": (
        N_("{device} is connected, but not by itself when the guest starts"),
        N_(
            "Say `auto {device}` in /etc/network/interfaces, ONBOOT=yes, or "
            "`nmcli connection modify NAME connection.autoconnect yes`."
        ),
    ),
    "card-static": (
        N_("{device} has a fixed address ({addresses}), which only a network like its own knows"),
        N_(
            "At the site have it changed for each failover: "
            "`holdfast failover networks --address OLD=NEW`, or use DHCP."
        ),
    ),
    "card-by-mac": (
        N_(
            "{device} is set up by its card address ({file}); a failover keeps that, a test on a "
            "network with a way out does not"
        ),
        N_("Name the card in that file instead, if you test there."),
    ),
    "card-named-by-mac": (
        N_(
            "cards are named by their card addresses: {devices}; a failover keeps these, a test on "
            "a network with a way out does not"
        ),
        N_("Take the rule out of /etc/udev/rules.d or /etc/systemd/network, if you test there."),
    ),
    "ssh-not-at-boot": (
        N_("SSH is there, but does not start with the guest"),
        N_("In the guest: `systemctl enable ssh`, or `systemctl enable sshd`."),
    ),
    "ssh-missing": (N_("it has no SSH server: it is reached by its console alone"), ""),
    "agent-not-at-boot": (
        N_("its agent runs, but does not start with the guest"),
        _AGENT,
    ),
    "firewall-bars-ssh": (
        N_("its firewall starts with it, and lets nobody in by SSH"),
        N_("In the guest: `ufw allow OpenSSH`, or `firewall-cmd --permanent --add-service=ssh`."),
    ),
    "guest-not-linux": (N_("it is no Linux, or does not say so: nothing was looked at"), _BY_HAND),
    "agent-files-only": (
        N_("its agent runs no programs: only files with well-known names were read"),
        _ALLOW,
    ),
    "agent-unable": (
        N_("its agent neither runs programs nor reads files: nothing could be looked at"),
        _ALLOW,
    ),
    "agent-channel-missing": (
        N_("it has no channel for the guest agent: nothing could be looked at"),
        N_("Add a channel org.qemu.guest_agent.0 of type unix with `virsh edit VM`."),
    ),
    "agent-absent": (
        N_("no guest agent answers in it: nothing could be looked at"),
        N_("In the guest: install qemu-guest-agent, and `systemctl enable --now` it."),
    ),
    "guest-frozen": (
        N_("its file systems are frozen now: nothing could be looked at"),
        N_("Look again in a moment; if no backup runs: `virsh domfsthaw VM`."),
    ),
    "guest-off": (
        N_("it does not run: nothing could be looked at"),
        N_("Start it, and look again."),
    ),
    "unknown-loader": (
        N_("how it names its root at the next start is not known: no boot loader's file was read"),
        _BY_HAND,
    ),
    "unknown-mounts": (N_("its /etc/fstab could not be read"), _BY_HAND),
    "unknown-drivers": (
        N_("whether its kernel has the drivers it needs is not known: {drivers}"),
        _BY_HAND,
    ),
    "unknown-initramfs": (
        N_("what is in the initramfs of kernel {kernel} is not known"),
        _INITRAMFS,
    ),
    "unknown-network": (N_("how its network is set up is not known"), _BY_HAND),
    "unknown-services": (N_("what it starts by itself is not known"), _BY_HAND),
    "unknown-ssh": (N_("whether SSH starts with it is not known"), _BY_HAND),
    "unknown-agent": (N_("whether its agent starts with it is not known"), _BY_HAND),
    "unknown-firewall": (
        N_("its firewall has rules of its own, which were not looked at"),
        _BY_HAND,
    ),
}
CODES: Final = frozenset(_TEXTS)


def sentence(finding: Finding) -> str:
    """The code alone where it was found by another release, with other words for it."""
    text, _cure = _TEXTS.get(finding.code, ("", ""))
    return _filled(_(text), finding.values) or finding.code if text else finding.code


def remedy(finding: Finding, vm: str) -> str:
    """For this machine; empty where nothing needs to be done."""
    _text, cure = _TEXTS.get(finding.code, ("", ""))
    return _filled(_(cure).replace("VM", "{vm}"), {**finding.values, "vm": vm}) if cure else ""


def told(findings: Iterable[Finding]) -> str:
    """In one line, each with its code."""
    return "; ".join(f"{sentence(each)} [{each.code}]" for each in findings)


def _filled(text: str, values: Mapping[str, str]) -> str:
    try:
        return text.format(**values)
    except (KeyError, IndexError):
        return ""
