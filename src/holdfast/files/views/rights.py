"""Whether this process may remove the snapshots it takes: else it must not take any."""

_ADMIN = 1 << 21  # CAP_SYS_ADMIN, see capabilities(7)
_ALL_USERS = 2**32 - 1


def may_remove_snapshots(proc: str = "/proc/self") -> bool:
    """Only an administrator of the machine itself; root in a user namespace is none."""
    try:
        with open(f"{proc}/status", encoding="utf-8", errors="replace") as stream:
            status = dict(line.split(":", 1) for line in stream if ":" in line)
        with open(f"{proc}/uid_map", encoding="ascii") as stream:
            mapped = [int(number) for number in stream.read().split()]
    except (OSError, ValueError):
        return False
    is_admin = int(status.get("CapEff", "0"), 16) & _ADMIN != 0
    return is_admin and mapped == [0, 0, _ALL_USERS]
