"""Files of a guest, read and written through its agent, without any network."""

import base64
import contextlib
from collections.abc import Iterator
from typing import Final

from holdfast.base.errors import HoldfastError
from holdfast.hypervisor.agent_answers import FilePart, Nothing, Written
from holdfast.hypervisor.errors import AgentAnswerBroken
from holdfast.hypervisor.guest_agent import GuestAgent

# libvirt carries at most 4 MiB in one message, and base64 adds a third.
_READ_AT_ONCE: Final = 1 << 20
# A command of 256 KiB never reaches the agent (QEMU 7.2): the channel stalls until a time-out.
_WRITE_AT_ONCE: Final = 64 << 10
LARGEST: Final = 64 << 20


class GuestFiles:
    def __init__(self, agent: GuestAgent, *, about: str) -> None:
        self._agent = agent
        self._about = about

    def read(self, path: str, *, at_most: int = LARGEST) -> bytes:
        """The whole file; one that is larger than allowed is an error, not a part."""
        content = bytearray()
        with self._opened(path, "r") as handle:
            while True:
                part = self._agent.ask(
                    "guest-file-read", FilePart, {"handle": handle, "count": _READ_AT_ONCE}
                )
                content += part.data
                if len(content) > at_most:
                    raise self._broken("guest-file-read", f"{path}: {len(content)} > {at_most}")
                if part.eof or not part.data:
                    return bytes(content)

    def write(self, path: str, content: bytes) -> None:
        """Replace the file's content in place; the agent cannot rename."""
        with self._opened(path, "w") as handle:
            at = 0
            while at < len(content):
                data = base64.b64encode(content[at : at + _WRITE_AT_ONCE]).decode()
                written = self._agent.ask(
                    "guest-file-write", Written, {"handle": handle, "buf-b64": data}
                )
                if written.count <= 0:
                    raise self._broken("guest-file-write", f"{path}: {written.count}")
                at += written.count
            self._agent.ask("guest-file-flush", Nothing, {"handle": handle})

    @contextlib.contextmanager
    def _opened(self, path: str, mode: str) -> Iterator[int]:
        handle = self._agent.ask("guest-file-open", int, {"path": path, "mode": mode})
        try:
            yield handle
        except BaseException:
            # Why it failed is what is told, not that the file could not be closed after it.
            with contextlib.suppress(HoldfastError):
                self._agent.ask("guest-file-close", Nothing, {"handle": handle})
            raise
        self._agent.ask("guest-file-close", Nothing, {"handle": handle})

    def _broken(self, command: str, reason: str) -> AgentAnswerBroken:
        return AgentAnswerBroken(about=self._about, command=command, reason=reason)
