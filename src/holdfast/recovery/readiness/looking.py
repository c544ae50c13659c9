"""What a guest is asked for: how it boots, how it gets its network, what it starts.

Nothing is written but a list in the guest's memory, while its initramfs is looked at. Of files that
may hold secrets only the lines that are needed leave the guest.
"""

from typing import Final

from holdfast.base.clock import Clock
from holdfast.hypervisor.domains import Domain
from holdfast.hypervisor.guest_looking import Look, Looked, look_into
from holdfast.recovery.guest_addresses import LOOK as CARDS
from holdfast.recovery.readiness.drivers import DRIVERS
from holdfast.recovery.readiness.reading import FIREWALLS
from holdfast.recovery.readiness.starting_up import AGENT, SSH

_DRIVERS: Final = "|".join(sorted(DRIVERS))
_UNITS: Final = " ".join((*SSH, *AGENT, *FIREWALLS))
_SECONDS: Final = 60.0
_PART_BYTES: Final = 128 << 10
# A list of an initramfs may unpack it into memory: only where there is much more than it takes.
_TIMES_FREE: Final = 8

_BEGIN = f"""
export LC_ALL=C PATH="$PATH:/usr/sbin:/usr/bin:/sbin:/bin"
part() {{ echo "$1"; head -c {_PART_BYTES} | tr -d '\\000' | sed 's/^/ /'; echo; }}
file() {{ [ -r "$2" ] && part "$1" <"$2"; }}
limited() {{ if command -v timeout >/dev/null; then timeout 15 "$@"; else "$@"; fi; }}
lines() {{ grep -ahE "$1" "$2" 2>/dev/null; }}
exec 2>/dev/null
"""
_BOOT = """
file cmdline /proc/cmdline
file fstab /etc/fstab
[ -r /etc/crypttab ] && awk '{print $1, $2, $4}' /etc/crypttab | part crypttab
for one in /boot/grub/grub.cfg /boot/grub2/grub.cfg /boot/grub2/grubenv /boot/loader/entries/*.conf \\
  /boot/efi/loader/entries/*.conf /efi/loader/entries/*.conf /boot/extlinux/extlinux.conf \\
  /boot/extlinux.conf /etc/kernel/cmdline; do
  [ -r "$one" ] && lines '^[[:space:]]*(linux|options|append|APPEND|kernelopts=|root=)' "$one"
done | part loader
"""
_KERNELS = f"""
named() {{ sed -nE 's,^.*/([a-z0-9_-]+)[.]ko.*$,'"$1"' \\1,p' | grep -E ' ({_DRIVERS})$'; }}
listed() {{
  lister=$(command -v lsinitramfs || command -v lsinitrd) || return
  size=$(du -k "$1" | cut -f1) free=$(awk '/^MemAvailable:/ {{print $2}}' /proc/meminfo)
  [ "$free" -gt $((size * {_TIMES_FREE})) ] && [ -d /dev/shm ] || return
  export TMPDIR=$(mktemp -d /dev/shm/holdfast.XXXXXX) && [ -n "$TMPDIR" ] || return
  limited "$lister" "$1" >"$TMPDIR/list" && echo listed && named initramfs <"$TMPDIR/list"
  rm -rf "$TMPDIR"
}}
running=$(uname -r)
echo "$running" | part running
ls /sys/module | grep -E '^({_DRIVERS})$' | part loaded
for kernel in "$running" $(ls -1t /lib/modules | grep -vxF "$running" | head -n 1); do
  folder=/lib/modules/$kernel
  [ -r "$folder/modules.dep" ] || continue
  {{
    cut -d: -f1 "$folder/modules.dep" | named file
    named builtin <"$folder/modules.builtin"
    for image in "/boot/initrd.img-$kernel" "/boot/initramfs-$kernel.img" /boot/*/"$kernel"/initrd; do
      [ -r "$image" ] && echo image && listed "$image" && break
    done
  }} | part "modules $kernel"
done
"""
_NETWORK = f"""
{{ {CARDS} }} | part cards
for card in /sys/class/net/*/device; do
  card=${{card%/device}}; echo "${{card##*/}}"
done | part physical
for one in /etc/netplan/*.yaml; do
  [ -r "$one" ] && grep -viE 'pass|psk|secret|token|key' "$one" | part "netplan $one"
done
for one in /etc/network/interfaces /etc/network/interfaces.d/*; do
  [ -r "$one" ] && lines '^[[:space:]]*(auto|allow-|iface|address|hwaddress)' "$one"
done | part interfaces
for one in /etc/systemd/network/*.network /etc/systemd/network/*.link; do
  [ -r "$one" ] && lines '^(\\[|Name=|MACAddress=|PermanentMACAddress=|DHCP=|Address=)' "$one" |
    part "networkd $one"
done
for one in /etc/NetworkManager/system-connections/*; do
  [ -r "$one" ] && lines '^(\\[|type=|interface-name=|mac-address=|autoconnect=|method=|address)' \\
    "$one" | part "keyfile $one"
done
for one in /etc/sysconfig/network-scripts/ifcfg-*; do
  [ -r "$one" ] && lines '^(DEVICE|HWADDR|ONBOOT|BOOTPROTO|IPADDR)' "$one" | part "ifcfg $one"
done
for one in /etc/udev/rules.d/*net*.rules; do
  [ -r "$one" ] && lines '^[^#]*ATTR[{{]address[}}]' "$one"
done | part udev
"""
_STARTED = f"""
[ -d /run/systemd/system ] && for unit in {_UNITS}; do
  echo "$unit $(limited systemctl is-enabled $unit)"
done | part units
ls -1 /etc/rc[2345].d /etc/runlevels/* | grep -E 'ssh|dropbear|qemu' | part links
for one in /proc/[0-9]*/comm; do read -r name <"$one" && echo "$name"; done |
  grep -xE 'sshd|dropbear|NetworkManager|systemd-network' | sort -u | part runs
for one in sshd dropbear; do command -v $one >/dev/null && echo $one; done | part has
for one in /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf; do
  [ -r "$one" ] && lines '^[[:space:]]*[Pp]ort[[:space:]]' "$one"
done | part ports
{{ lines '^ENABLED=' /etc/ufw/ufw.conf; lines '^### tuple ###' /etc/ufw/user.rules; }} | part ufw
zone=$(sed -n 's/^DefaultZone=//p' /etc/firewalld/firewalld.conf)
for one in "/etc/firewalld/zones/$zone.xml" "/usr/lib/firewalld/zones/$zone.xml"; do
  [ -n "$zone" ] && [ -r "$one" ] && lines '<(service|port|zone)' "$one" && break
done | part firewalld
true
"""
SCRIPT: Final = _BEGIN + _BOOT + _KERNELS + _NETWORK + _STARTED

_WANTS = "/etc/systemd/system/multi-user.target.wants"
# Without a program there is no list of a folder: only what has the same name everywhere is read.
FILES: Final = {
    "cmdline": "/proc/cmdline",
    "fstab": "/etc/fstab",
    "grub": "/boot/grub/grub.cfg",
    "grub2": "/boot/grub2/grub.cfg",
    "interfaces": "/etc/network/interfaces",
    "netplan /etc/netplan/50-cloud-init.yaml": "/etc/netplan/50-cloud-init.yaml",
    "netplan /etc/netplan/00-installer-config.yaml": "/etc/netplan/00-installer-config.yaml",
    "wanted ssh.service": f"{_WANTS}/ssh.service",
    "wanted sshd.service": f"{_WANTS}/sshd.service",
}


def look_at_guest(domain: Domain, clock: Clock, commands: frozenset[str]) -> Looked:
    return look_into(domain, clock, Look(script=SCRIPT, files=FILES), commands, within=_SECONDS)
