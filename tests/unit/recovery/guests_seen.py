"""What guests of several makers answer when they are looked at, each as it was set up well."""

from holdfast.hypervisor.guest_looking import Looked, Way
from holdfast.hypervisor.machine_spec import DiskSpec, DomainSpec, NicSpec

MAC = "52:54:00:12:34:56"
_CARDS = (
    "card lo 00:00:00:00:00:00\n"
    "card {device} {mac}\n"
    "1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n"
    "2: {device}    inet 192.0.2.7/24 brd 192.0.2.255 scope global {word}{device}\\  valid_lft 9sec\n"
    "default via 192.0.2.1 dev {device}\n"
)


def cards(device: str, *, is_lent: bool = True) -> str:
    return _CARDS.format(device=device, mac=MAC, word="dynamic " if is_lent else "")


def kernel(*lines: str) -> str:
    return "\n".join(lines)


# Debian 12: ifupdown, initramfs-tools, virtio in modules.
DEBIAN = {
    "cmdline": "BOOT_IMAGE=/boot/vmlinuz-6.1.0-18-amd64 root=UUID=6f1c9a04-b2d8 ro quiet",
    "fstab": (
        "# /etc/fstab: static file system information.\n"
        "UUID=6f1c9a04-b2d8 / ext4 errors=remount-ro 0 1\n"
        "UUID=b3f5-11aa none swap sw 0 0\n"
        "/dev/sr0 /media/cdrom0 udf,iso9660 user,noauto 0 0"
    ),
    "loader": (
        "linux /boot/vmlinuz-6.1.0-18-amd64 root=UUID=6f1c9a04-b2d8 ro quiet\n"
        "linux /boot/vmlinuz-6.1.0-18-amd64 root=UUID=6f1c9a04-b2d8 ro single"
    ),
    "running": "6.1.0-18-amd64",
    "loaded": "virtio_pci\nvirtio_blk\nvirtio_net",
    "modules 6.1.0-18-amd64": kernel(
        *("file virtio_pci", "file virtio_blk", "file virtio_net", "image", "listed"),
        *("initramfs virtio_pci", "initramfs virtio_blk", "initramfs virtio_net"),
    ),
    "cards": cards("enp1s0"),
    "physical": "enp1s0",
    "interfaces": "auto lo\niface lo inet loopback\nallow-hotplug enp1s0\niface enp1s0 inet dhcp",
    "udev": "",
    "units": "ssh.service enabled\nqemu-guest-agent.service static\nnetworking.service enabled",
    "links": "",
    "runs": "sshd",
    "has": "sshd",
    "ports": "",
    "ufw": "",
    "firewalld": "",
}
# RHEL 9: NetworkManager, dracut with the loader's own entries, LVM, firewalld.
RHEL = {
    "cmdline": "BOOT_IMAGE=(hd0,gpt2)/vmlinuz-5.14.0-427 root=/dev/mapper/rhel-root ro "
    "resume=/dev/mapper/rhel-swap rd.lvm.lv=rhel/root",
    "fstab": (
        "/dev/mapper/rhel-root / xfs defaults 0 0\n"
        "UUID=8d1c /boot xfs defaults 0 0\n"
        "/dev/mapper/rhel-swap none swap defaults 0 0"
    ),
    "loader": "options root=/dev/mapper/rhel-root ro resume=/dev/mapper/rhel-swap",
    "running": "5.14.0-427.13.1.el9_4.x86_64",
    "loaded": "virtio_blk\nvirtio_net",
    "modules 5.14.0-427.13.1.el9_4.x86_64": kernel(
        *("file virtio_blk", "file virtio_net", "builtin virtio_pci", "image", "listed"),
        "initramfs virtio_blk",
    ),
    "cards": cards("enp1s0"),
    "physical": "enp1s0",
    "keyfile /etc/NetworkManager/system-connections/enp1s0.nmconnection": (
        "[connection]\ntype=ethernet\ninterface-name=enp1s0\n[ethernet]\n[ipv4]\nmethod=auto\n"
    ),
    "units": "sshd.service enabled\nqemu-guest-agent.service enabled\nfirewalld.service enabled\n"
    "NetworkManager.service enabled",
    "runs": "NetworkManager\nsshd",
    "has": "sshd",
    "firewalld": '  <service name="ssh"/>\n  <service name="cockpit"/>',
}
# Ubuntu 24.04: netplan by cloud-init, SSH by its socket, virtio compiled in.
UBUNTU = {
    "cmdline": "BOOT_IMAGE=/vmlinuz-6.8.0-31-generic root=LABEL=cloudimg-rootfs ro console=ttyS0",
    "fstab": "LABEL=cloudimg-rootfs / ext4 discard 0 1\nLABEL=UEFI /boot/efi vfat umask=0077 0 1",
    "loader": "linux /vmlinuz-6.8.0-31-generic root=LABEL=cloudimg-rootfs ro console=ttyS0",
    "running": "6.8.0-31-generic",
    "loaded": "virtio_pci\nvirtio_blk\nvirtio_net",
    "modules 6.8.0-31-generic": kernel(
        *("builtin virtio_pci", "builtin virtio_blk", "builtin virtio_net", "image")
    ),
    "cards": cards("enp1s0"),
    "physical": "enp1s0",
    "netplan /etc/netplan/50-cloud-init.yaml": (
        "network:\n  ethernets:\n    enp1s0:\n      dhcp4: true\n  version: 2\n"
    ),
    "units": "ssh.service disabled\nssh.socket enabled\nqemu-guest-agent.service static\n"
    "ufw.service enabled\nsystemd-networkd.service enabled",
    "runs": "systemd-network",
    "has": "sshd",
    "ufw": "ENABLED=no",
}
# A few programs on a kernel that has all of it compiled in; no init that could be asked.
MINIMAL = {
    "cmdline": "root=PARTUUID=0fa1-02 console=ttyS0",
    "running": "6.6.1",
    "loaded": "virtio_pci\nvirtio_blk\nvirtio_net",
    "loader": "append root=PARTUUID=0fa1-02 console=ttyS0",
    "cards": cards("eth0"),
    "physical": "eth0",
    "units": "",
    "links": "",
    "runs": "",
    "has": "",
}


def looked(parts: dict[str, str], way: Way = Way.PROGRAM) -> Looked:
    return Looked(way=way, parts=parts)


def disk(target: str = "vda", bus: str = "virtio") -> DiskSpec:
    return DiskSpec(
        target=target,
        bus=bus,
        device="disk",
        format="qcow2",
        kind="file",
        source=f"/images/{target}",
    )


def machine(
    *disks: DiskSpec, model: str | None = "virtio", boot_files: tuple[str, ...] = ()
) -> DomainSpec:
    return DomainSpec(
        name="web", uuid="6f1c9a04-b2d8-4e35-9c41-41d2aa000003", kind="kvm", memory_bytes=1 << 30,
        vcpus=1, arch="x86_64", machine="q35", disks=disks or (disk(),),
        nics=(NicSpec(mac=MAC.upper(), kind="network", source="lan", model=model),),
        has_agent_channel=True, is_agent_connected=True, boot_files=boot_files,
    )  # fmt: skip
