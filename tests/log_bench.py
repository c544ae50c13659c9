"""What the tests of change logs have in common."""

from datetime import UTC, datetime, timedelta

from holdfast.replication.log_head import Kind, LoggedDisk, LogHead

VM = "6f0e2c6a-0f4e-4f43-9d5e-8d5d0f3f6a11"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def generation(number: int) -> str:
    return f"holdfast-{number:016x}"


def head(number: int, *sizes: int, disks: tuple[LoggedDisk, ...] = ()) -> LogHead:
    """Of a step from one generation to the next; of sizes, disks vda and on are made."""
    made = tuple(
        LoggedDisk(target=f"vd{letter}", size=size)
        for letter, size in zip("abcdef", sizes, strict=False)
    )
    return LogHead(
        kind=Kind.STEP,
        vm=VM,
        name="web",
        since=generation(number),
        until=generation(number + 1),
        taken_at=NOON + timedelta(minutes=number),
        disks=made or disks,
    )
