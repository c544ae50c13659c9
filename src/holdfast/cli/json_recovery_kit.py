"""The JSON lines of `recovery-kit`."""

from typing import Any

from holdfast.cli.json_base import Event


class RecoveryKitWritten(Event):
    """`recovery-kit export` wrote the kit; `has_state` says whether a server can be made of it."""

    file: str
    bytes_written: int
    machines: int
    sites: int
    plans: int
    has_state: bool


class RecoveryKitShown(Event):
    """`recovery-kit show`: what is in it, as its kit.json has it, and the files it was unpacked to.

    `kit.machines[].steps[]` are commands in their order: the `host` each is typed on, its `words`,
    and `is_optional` for those that are for later, or only if the first start was not good.
    """

    kit: dict[str, Any]
    folder: str | None
    files: list[str]
