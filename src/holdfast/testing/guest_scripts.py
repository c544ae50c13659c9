"""What runs inside a guest: a start, an agent, and writers whose traces can be proven complete.

The kernel hands words of its command line it does not know to the first process as environment:
`agent=no`, `writer=busy`, `writer=ordered` and `boots=count` get here that way.
"""

# The ordered writer's blocks lie behind the file systems: see guest_proofs.
FILESYSTEM_SIZE = 48 << 20
LOG_START = FILESYSTEM_SIZE
LOG_BLOCK = 4096
LOG_BLOCKS = 1024
LOG_LINE = 32

UP = "the guest is up"
AGENT_PORT = "org.qemu.guest_agent.0"

_INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
exec /bin/busybox init
"""

_INITTAB = """::sysinit:/etc/start
::once:/etc/agent
::once:/etc/writer
ttyS0::respawn:/bin/sh
::shutdown:/etc/stop
"""

_START = f"""#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module; done
hostname guest
ip link set lo up
mount -t ext4 /dev/vda /a
mount -t ext4 /dev/vdb /b
if [ "$boots" = count ]; then
  echo $(($(cat /a/boots 2>/dev/null || echo 0) + 1)) >/a/boots.new
  mv /a/boots.new /a/boots && sync
fi
[ -x /a/etc/start ] && /a/etc/start
acpid -c /etc/acpi -l /run/acpid.log -p /run/acpid.pid 2>/dev/null
# Who presses the power button before anybody listens has pressed it for nothing.
for _try in $(seq 100); do
  ls -l /proc/$(pidof acpid)/fd 2>/dev/null | grep -q /dev/input/event && break
  sleep 0.05
done
echo "{UP}" >/dev/console
"""

# qemu-ga looks for a name that udev would make, of a port that comes in its own time.
_AGENT = f"""#!/bin/sh
[ "$agent" = no ] && exit
while :; do
  for port in /sys/class/virtio-ports/*; do
    if [ "$(cat $port/name 2>/dev/null)" = {AGENT_PORT} ]; then
      exec qemu-ga -m virtio-serial -p /dev/${{port##*/}} -t /run -F/etc/fsfreeze-hook
    fi
  done
  sleep 0.1
done
"""

_HOOK = """#!/bin/sh
echo "$1" >>/run/hooks
"""

_STOP = """#!/bin/sh
[ -f /run/writer.pid ] && kill -9 $(cat /run/writer.pid)
for folder in /a /b; do
  for _try in 1 2 3 4 5 6 7 8 9; do
    umount $folder && break
    sleep 0.2
  done
done
sync
"""

# In order, but without the seconds that busybox's init gives each process to end.
_SHUTDOWN = """#!/bin/sh
/etc/stop
case "$*" in *-r*) exec reboot -f ;; *) exec poweroff -f ;; esac
"""

# Each half second some files change on both disks.
_BUSY = """
n=0
while :; do
  n=$((n + 1))
  for folder in /a /b; do
    dd if=/dev/urandom of=$folder/busy.$((n % 16)) bs=64k count=2 conv=fsync 2>/dev/null
  done
  echo $n >/run/busy
  sleep 0.5
done
"""

# Block n is on the first disk for good before it is written to the second. Its 128 lines are the
# same: who reads one that is torn, misplaced or old can tell.
_ORDERED = f"""
block() {{
  awk -v n=$1 -v disk=$2 'BEGIN {{
    line = sprintf("%-{LOG_LINE - 1}s", "write " n " on " disk)
    for (i = 0; i < {LOG_BLOCK // LOG_LINE}; i++) print line
  }}' | dd of=/dev/$2 bs={LOG_BLOCK} seek=$(({LOG_START // LOG_BLOCK} + $1 % {LOG_BLOCKS})) \
    iflag=fullblock conv=notrunc,fsync 2>/dev/null
}}
n=$(dd if=/dev/vda bs={LOG_BLOCK} skip={LOG_START // LOG_BLOCK} count={LOG_BLOCKS} 2>/dev/null |
  tr -d '\\0' | awk '$2 > n {{ n = $2 }} END {{ print n + !n }}')
# A power cut may have come between the disks: the last write is written once more.
while :; do
  block $n vda
  block $n vdb
  echo $n >/run/ordered.new
  mv /run/ordered.new /run/ordered
  n=$((n + 1))
  sleep 0.02
done
"""

_WRITER = f"""#!/bin/sh
echo $$ >/run/writer.pid
case "$writer" in
busy)
{_BUSY}
;;
ordered)
{_ORDERED}
;;
esac
"""

PROGRAMS = {
    "init": _INIT,
    "etc/start": _START,
    "etc/agent": _AGENT,
    "etc/writer": _WRITER,
    "etc/stop": _STOP,
    "etc/fsfreeze-hook": _HOOK,
    "etc/acpi/PWRF/00000080": "#!/bin/sh\nexec /sbin/shutdown\n",
    "sbin/shutdown": _SHUTDOWN,
}
SETTINGS = {
    "etc/inittab": _INITTAB,
    "etc/passwd": "root::0:0:root:/:/bin/sh\n",
    "etc/group": "root:x:0:\n",
    "etc/os-release": 'ID=holdfast-guest\nNAME="Holdfast guest"\nVERSION_ID=1\n',
}
FOLDERS = ("a", "b", "bin", "dev", "proc", "sys", "run", "tmp", "var/run", "usr/bin", "usr/sbin")
