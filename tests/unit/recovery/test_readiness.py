"""Whether a guest comes up elsewhere: what is found of guests that are well, and of each fault."""

import string
from typing import Any

import pytest

from holdfast.hypervisor.guest_looking import Way
from holdfast.hypervisor.machine_spec import DomainSpec
from holdfast.recovery.readiness.findings import Finding, Weight
from holdfast.recovery.readiness.judging import judge
from holdfast.recovery.readiness.texts import _TEXTS, CODES, remedy, sentence, told
from tests.unit.recovery.guests_seen import (
    DEBIAN,
    MAC,
    MINIMAL,
    RHEL,
    UBUNTU,
    cards,
    disk,
    looked,
    machine,
)

KERNEL = "modules 6.1.0-18-amd64"
INTERFACES = DEBIAN["interfaces"]
NETPLAN = "netplan /etc/netplan/50-cloud-init.yaml"
KEYFILE = "keyfile /etc/NetworkManager/system-connections/enp1s0.nmconnection"


def found_in(
    parts: dict[str, str], spec: DomainSpec | None = None, *, without: str = "", **changed: str
) -> dict[str, Finding]:
    """By code; `changed` has parts of a name that is a word."""
    kept = {name: text for name, text in parts.items() if name != without}
    return {one.code: one for one in judge(spec or machine(), looked({**kept, **changed}))}


def weights(found: dict[str, Finding]) -> dict[str, str]:
    return {code: one.weight.value for code, one in found.items()}


@pytest.mark.parametrize("parts", [DEBIAN, RHEL, UBUNTU], ids=["debian", "rhel", "ubuntu"])
def test_a_guest_that_is_set_up_well_has_nothing_against_it(parts: dict[str, str]) -> None:
    assert found_in(parts) == {}


def test_of_a_minimal_guest_what_cannot_be_known_is_said_to_be_so() -> None:
    assert weights(found_in(MINIMAL)) == {
        # Its address was set by hand, or by a program that nobody knows of.
        "card-not-kept": "hinders",
        "ssh-missing": "note",
        "unknown-agent": "unknown",
        "unknown-mounts": "unknown",
    }


@pytest.mark.parametrize(
    "name",
    ["/dev/sda1", "/dev/vdb", "/dev/hda2", "/dev/xvda1", "/dev/nvme0n1p2", "/dev/nvme1n1"],
)
def test_a_root_that_is_named_by_the_order_of_disks_is_found(name: str) -> None:
    loader = f"linux /boot/vmlinuz root={name} ro"

    found = found_in(DEBIAN, machine(disk(), disk("vdb")), loader=loader)

    assert weights(found) == {"root-by-order": "hinders"}
    assert found["root-by-order"].values == {"names": name}


def test_an_only_disk_is_always_the_first() -> None:
    assert weights(found_in(DEBIAN, loader="linux /vmlinuz root=/dev/vda1")) == {
        "root-by-order": "note"
    }


@pytest.mark.parametrize(
    "name",
    [
        *("UUID=1-2", "PARTUUID=1", "LABEL=root", "/dev/mapper/vg-root", "/dev/vg/root"),
        *("/dev/disk/by-uuid/1-2", "/dev/disk/by-path/pci-0000:04:00.0", "ZFS=rpool/root"),
    ],
)
def test_a_root_with_a_name_of_its_own_is_none(name: str) -> None:
    line = f"linux /boot/vmlinuz root={name} ro"
    mounts = f"{name} / ext4 defaults 0 1"

    assert found_in(DEBIAN, machine(disk(), disk("vdb")), loader=line, fstab=mounts) == {}


def test_what_the_running_kernel_was_told_counts_as_well() -> None:
    """Its loader may have no file that could be read."""
    found = found_in(
        DEBIAN, machine(disk(), disk("vdb")), without="loader", cmdline="root=/dev/vda1 ro"
    )

    assert weights(found) == {"root-by-order": "hinders", "unknown-loader": "unknown"}


def test_mounts_by_the_order_of_disks_are_found_but_those_that_nothing_waits_for() -> None:
    mounts = (
        "UUID=1 / ext4 defaults 0 1\n"
        "/dev/vdb1 /data ext4 defaults 0 2\n"
        "/dev/vdc1 /old ext4 noauto 0 0\n"
        "/dev/vdd1 /spare ext4 nofail 0 0"
    )
    spec = machine(disk(), disk("vdb"))

    found = found_in(DEBIAN, spec, fstab=mounts, crypttab="store /dev/vde luks")

    assert weights(found) == {"mount-by-order": "hinders"}
    names = "/dev/vdb1 (/data), /dev/vde (store)"
    assert found["mount-by-order"].values == {"names": names}


def test_a_start_that_waits_for_another_machine_is_found() -> None:
    mounts = "nas:/data /data nfs _netdev 0 0\nnas:/more /more nfs4 nofail,_netdev 0 0"

    found = found_in(DEBIAN, fstab=mounts)

    assert weights(found) == {"mount-of-others": "hinders"}
    assert found["mount-of-others"].values == {"names": "nas:/data (/data)"}


def test_what_it_wakes_up_from_is_a_note() -> None:
    line = "linux /boot/vmlinuz root=UUID=1 resume=/dev/vda5"

    assert weights(found_in(DEBIAN, loader=line)) == {"resume-by-order": "note"}


def test_a_driver_that_is_not_in_the_initramfs_stops_it() -> None:
    """As where the machine was given another bus, or the list of modules is only what was needed."""
    without = DEBIAN[KERNEL].replace("initramfs virtio_blk\n", "")

    found = found_in({**DEBIAN, KERNEL: without})

    assert weights(found) == {"disk-driver-missing": "stops"}
    assert found["disk-driver-missing"].values == {
        "kernel": "6.1.0-18-amd64",
        "drivers": "virtio_blk",
    }


def test_a_kernel_that_has_not_run_yet_is_looked_at_as_well() -> None:
    newer = {"modules 6.1.0-21-amd64": "file virtio_pci\nfile virtio_blk\nimage\nlisted"}

    found = found_in({**DEBIAN, **newer})

    assert weights(found) == {"disk-driver-missing": "stops", "driver-missing": "hinders"}
    assert found["driver-missing"].values["drivers"] == "virtio_net"


def test_of_a_kernel_that_runs_with_a_driver_the_list_is_not_needed() -> None:
    unlisted = "file virtio_pci\nfile virtio_blk\nfile virtio_net\nimage"

    assert found_in({**DEBIAN, KERNEL: unlisted}) == {}


def test_of_one_that_never_ran_what_is_in_its_initramfs_is_not_known() -> None:
    unlisted = {
        "modules 6.1.0-21-amd64": "file virtio_pci\nfile virtio_blk\nfile virtio_net\nimage"
    }

    found = found_in({**DEBIAN, **unlisted})

    assert weights(found) == {"unknown-initramfs": "unknown"}
    assert found["unknown-initramfs"].values == {"kernel": "6.1.0-21-amd64"}


@pytest.mark.parametrize(
    ("bus", "driver"),
    [("scsi", "virtio_scsi"), ("sata", "ahci"), ("ide", "ata_piix"), ("nvme", "nvme")],
)
def test_each_bus_has_its_driver(bus: str, driver: str) -> None:
    spec = machine(disk("sda", bus))
    with_it = f"{DEBIAN[KERNEL]}\ninitramfs {driver}\ninitramfs sd_mod"

    assert found_in({**DEBIAN, KERNEL: with_it}, spec) == {}
    assert driver in found_in(DEBIAN, spec)["disk-driver-missing"].values["drivers"]


@pytest.mark.parametrize(
    ("model", "driver"), [("e1000", "e1000"), ("e1000e", "e1000e"), ("rtl8139", "8139too")]
)
def test_each_card_has_its_driver(model: str, driver: str) -> None:
    with_it = f"{DEBIAN[KERNEL]}\nfile {driver}"

    assert found_in({**DEBIAN, KERNEL: with_it}, machine(model=model)) == {}
    assert weights(found_in(DEBIAN, machine(model=model))) == {"driver-missing": "hinders"}


def test_a_kernel_of_the_hosts_is_said_and_not_judged() -> None:
    spec = machine(boot_files=("/boot/guest-kernel",))
    parts = {name: text for name, text in DEBIAN.items() if name not in (KERNEL, "loader")}

    assert weights(found_in(parts, spec)) == {"kernel-of-host": "note"}


def test_without_a_folder_of_modules_what_is_loaded_is_all_that_is_known() -> None:
    parts = {name: text for name, text in DEBIAN.items() if name != KERNEL}

    assert found_in(parts) == {}
    assert weights(found_in(parts, loaded="virtio_pci")) == {"unknown-drivers": "unknown"}


def test_an_address_that_no_file_gives_is_found_with_the_cards_that_files_name() -> None:
    """As after a change of the machine type: the card has another name than its file says."""
    found = found_in(DEBIAN, interfaces=INTERFACES.replace("enp1s0", "ens3"))

    assert weights(found) == {"card-not-kept": "hinders"}
    assert found["card-not-kept"].values == {"device": "enp1s0", "others": "ens3"}


def test_a_card_that_is_not_set_up_and_has_no_address_is_nobodys_loss() -> None:
    idle = f"card enp1s0 {MAC}\n"

    assert found_in(DEBIAN, interfaces="auto lo", cards=idle) == {}


def test_network_manager_connects_a_card_without_a_file() -> None:
    assert found_in(RHEL, without=KEYFILE) == {}
    fixed = found_in(RHEL, without=KEYFILE, cards=cards("enp1s0", is_lent=False))
    assert weights(fixed) == {"card-not-kept": "hinders"}


def test_a_card_that_does_not_come_up_by_itself_is_found() -> None:
    by_hand = INTERFACES.replace("allow-hotplug enp1s0\n", "")
    profile = RHEL[KEYFILE].replace("type=ethernet", "type=ethernet\nautoconnect=false")

    assert weights(found_in(DEBIAN, interfaces=by_hand)) == {"card-not-at-boot": "hinders"}
    assert weights(found_in({**RHEL, KEYFILE: profile})) == {"card-not-at-boot": "hinders"}


_FIXED_YAML = "network: {ethernets: {enp1s0: {addresses: [192.0.2.7/24]}}}"
_FIXED_KEYS = "[connection]\ninterface-name=enp1s0\n[ipv4]\nmethod=manual\naddress1=192.0.2.7/24\n"
_FIXED_UNIT = "[Match]\nName=en*\n[Network]\nAddress=192.0.2.7/24\n"
_FIXED_WORDS = "DEVICE=enp1s0\nONBOOT=yes\nBOOTPROTO=none\nIPADDR=192.0.2.7"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("interfaces", INTERFACES.replace("dhcp", "static")),
        (NETPLAN, _FIXED_YAML),
        (KEYFILE, _FIXED_KEYS),
        ("networkd /etc/systemd/network/10-lan.network", _FIXED_UNIT),
        ("ifcfg /etc/sysconfig/network-scripts/ifcfg-enp1s0", _FIXED_WORDS),
    ],
)
def test_a_fixed_address_is_noted_whoever_sets_it(name: str, text: str) -> None:
    parts = {**DEBIAN, "interfaces": "", "cards": cards("enp1s0", is_lent=False), name: text}

    found = found_in(parts)

    assert weights(found) == {"card-static": "note"}
    assert found["card-static"].values == {"device": "enp1s0", "addresses": "192.0.2.7/24"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            NETPLAN,
            f"network: {{ethernets: {{lan: {{match: {{macaddress: '{MAC}'}}, dhcp4: true}}}}}}",
        ),
        (KEYFILE, f"[ethernet]\nmac-address={MAC.upper()}\n[ipv4]\nmethod=auto\n"),
        ("networkd /etc/systemd/network/lan.network", f"[Match]\nMACAddress={MAC}\n[Network]\nDHCP=yes"),
        ("ifcfg /etc/ifcfg-lan", f'HWADDR="{MAC}"\nBOOTPROTO=dhcp'),
    ],
)  # fmt: skip
def test_a_card_that_is_set_up_by_its_card_address_is_a_note(name: str, text: str) -> None:
    found = found_in({**DEBIAN, "interfaces": "", name: text})

    assert weights(found) == {"card-by-mac": "note"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("udev", f'SUBSYSTEM=="net", ATTR{{address}}=="{MAC}", NAME="enp1s0"'),
        ("networkd /etc/systemd/network/lan.link", f"[Match]\nMACAddress={MAC}\n[Link]\nName=enp1s0"),
    ],
)  # fmt: skip
def test_a_card_that_is_named_by_its_card_address_is_a_note(name: str, text: str) -> None:
    assert weights(found_in({**DEBIAN, name: text})) == {"card-named-by-mac": "note"}


def test_a_bridge_above_the_card_is_what_is_set_up() -> None:
    above = cards("enp1s0").replace("2: enp1s0", "3: br0") + f"card br0 {MAC}\n"
    set_up = "auto br0\niface br0 inet dhcp"

    assert found_in(DEBIAN, cards=above, interfaces=set_up) == {}


def test_a_card_that_the_guest_does_not_see_is_found() -> None:
    assert weights(found_in(DEBIAN, cards="card lo 00:00:00:00:00:00")) == {
        "card-unseen": "hinders"
    }


def test_settings_of_the_network_that_do_not_read_are_no_settings() -> None:
    parts = {**UBUNTU, NETPLAN: "network: [}"}

    assert weights(found_in(parts)) == {"card-not-kept": "hinders"}


@pytest.mark.parametrize("state", ["disabled", "masked", "enabled-runtime"])
def test_ssh_that_does_not_start_with_the_guest_is_found(state: str) -> None:
    units = DEBIAN["units"].replace("ssh.service enabled", f"ssh.service {state}")

    assert weights(found_in(DEBIAN, units=units)) == {"ssh-not-at-boot": "hinders"}


@pytest.mark.parametrize("state", ["disabled", "masked", "enabled-runtime"])
def test_an_agent_that_does_not_start_with_the_guest_is_found(state: str) -> None:
    units = DEBIAN["units"].replace("agent.service static", f"agent.service {state}")

    assert weights(found_in(DEBIAN, units=units)) == {"agent-not-at-boot": "hinders"}


def test_start_links_count_where_there_is_no_systemd() -> None:
    links = "S01ssh\nS01qemu-guest-agent"

    assert found_in(DEBIAN, units="", links=links) == {}


@pytest.mark.parametrize(
    ("rules", "ports", "is_open"),
    [
        ('<service name="ssh"/>', "", True),
        ('<service name="http"/>', "", False),
        ('<port port="2222" protocol="tcp"/>', "Port 2222", True),
        ('<service name="ssh"/>', "Port 2222", False),
    ],
)
def test_firewalld_is_judged_by_the_port_of_ssh(rules: str, ports: str, *, is_open: bool) -> None:
    found = found_in(RHEL, firewalld=rules, ports=ports)

    assert weights(found) == ({} if is_open else {"firewall-bars-ssh": "hinders"})


@pytest.mark.parametrize(
    ("rule", "is_open"),
    [
        ("### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", True),
        ("### tuple ### limit tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", True),
        ("### tuple ### allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 in", False),
        ("### tuple ### deny tcp 22 0.0.0.0/0 any 0.0.0.0/0 in", False),
    ],
)
def test_ufw_is_judged_by_its_rules(rule: str, *, is_open: bool) -> None:
    found = found_in(UBUNTU, ufw=f"ENABLED=yes\n{rule}")

    assert weights(found) == ({} if is_open else {"firewall-bars-ssh": "hinders"})


def test_rules_of_the_guests_own_are_not_known() -> None:
    units = f"{DEBIAN['units']}\nnftables.service enabled"

    assert weights(found_in(DEBIAN, units=units)) == {"unknown-firewall": "unknown"}


def test_an_agent_that_allows_nothing_says_nothing() -> None:
    (found,) = judge(machine(), looked({}, Way.NONE))

    assert (found.code, found.weight) == ("agent-unable", Weight.UNKNOWN)


def test_where_only_files_are_read_the_rest_is_said_to_be_unknown() -> None:
    names = ("cmdline", "fstab")
    parts = {name: DEBIAN[name] for name in names}
    parts |= {"grub": "insmod gzio\n" + DEBIAN["loader"], "wanted ssh.service": "[Unit]"}

    found = {one.code: one.weight for one in judge(machine(), looked(parts, Way.FILES))}

    assert found == {
        "agent-files-only": Weight.NOTE,
        "unknown-drivers": Weight.UNKNOWN,
        "unknown-network": Weight.UNKNOWN,
        "unknown-agent": Weight.UNKNOWN,
    }


@pytest.mark.parametrize("way", [Way.PROGRAM, Way.FILES])
def test_a_guest_that_is_no_linux_is_not_judged(way: Way) -> None:
    (found,) = judge(machine(), looked({}, way))

    assert found.code == "guest-not-linux"


def test_the_gravest_comes_first() -> None:
    parts = {**DEBIAN, KERNEL: "file virtio_blk\nfile virtio_net\nimage\nlisted"}
    parts |= {"interfaces": "auto lo", "has": "", "units": "", "runs": ""}

    order = [(one.code, one.weight.value) for one in judge(machine(), looked(parts))]

    assert order == [
        ("disk-driver-missing", "stops"),
        ("card-not-kept", "hinders"),
        ("ssh-missing", "note"),
        ("unknown-agent", "unknown"),
    ]


def test_whatever_a_guest_says_is_no_error() -> None:
    names = [*DEBIAN, NETPLAN, KEYFILE, "networkd /a.network", "networkd /a.link", "ifcfg /a"]
    said = "\x1b[2J= [x\n[\n=\nroot=\niface a\ncard\n: - {}\n### tuple ###\nallow"

    judge(machine(), looked(dict.fromkeys(names, said)))


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_finding_has_a_sentence_that_can_be_said(code: str) -> None:
    texts = " ".join(_TEXTS[code])
    names = {name for _text, name, *_ in string.Formatter().parse(texts) if name}
    finding = Finding(code=code, weight=Weight.NOTE, values=dict.fromkeys(names, "this"))

    assert sentence(finding) != code
    assert "{" not in sentence(finding) + remedy(finding, "web")
    assert "VM" not in remedy(finding, "web")


def test_a_finding_of_another_release_is_told_by_its_code() -> None:
    unknown: Any = Finding(code="of-tomorrow", weight=Weight.STOPS)
    other = Finding(code="root-by-order", weight=Weight.HINDERS, values={"disks": "2"})

    assert told([unknown, other]) == "of-tomorrow [of-tomorrow]; root-by-order [root-by-order]"
    assert remedy(unknown, "web") == ""
