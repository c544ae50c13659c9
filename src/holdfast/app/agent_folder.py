"""The folder where a registered machine keeps who it is, and how its files are written."""

import contextlib
import os
import secrets
import shutil
from dataclasses import dataclass

from holdfast.storage.durable import sync_folder

_PRIVATE = 0o600
# What a registration consists of; the file that makes it one comes last.
_FILES = (
    *("machine.key", "machine.pem", "ca.pem"),
    *("passphrase", "passphrase.copy", "passphrase.sha256"),
    "registration.json",
)
_OF_RENEWAL = ("machine.key", "machine.pem")


@dataclass(frozen=True, slots=True)
class AgentFolder:
    """Names of files below one folder: that in use, or one in which the next is prepared."""

    path: str

    @classmethod
    def of(cls, home: str) -> "AgentFolder":
        return cls(os.path.join(home, "agent"))

    @property
    def registration(self) -> str:
        return os.path.join(self.path, "registration.json")

    @property
    def key(self) -> str:
        return os.path.join(self.path, "machine.key")

    @property
    def certificate(self) -> str:
        return os.path.join(self.path, "machine.pem")

    @property
    def ca(self) -> str:
        return os.path.join(self.path, "ca.pem")

    @property
    def passphrase(self) -> str:
        return os.path.join(self.path, "passphrase")

    @property
    def passphrase_copy(self) -> str:
        return os.path.join(self.path, "passphrase.copy")

    @property
    def passphrase_sum(self) -> str:
        return os.path.join(self.path, "passphrase.sha256")

    @property
    def lease(self) -> str:
        """Held by the command that deletes through the gateway."""
        return os.path.join(self.path, "lease")

    @property
    def intent(self) -> str:
        """Of one in preparation: for which vault, and whether as a new machine."""
        return os.path.join(self.path, "intent.json")

    @property
    def next(self) -> "AgentFolder":
        """Where a registration is prepared."""
        return AgentFolder(os.path.join(self.path, "next"))

    @property
    def renewal(self) -> "AgentFolder":
        """Where a new certificate is prepared."""
        return AgentFolder(os.path.join(self.path, "renewal"))

    def make(self) -> None:
        os.makedirs(self.path, 0o700, exist_ok=True)
        sync_folder(os.path.dirname(self.path))

    def write(self, path: str, content: bytes) -> None:
        """Write a file of this folder, whole and durable, in place of any before it."""
        fresh = f"{path}.{secrets.token_hex(4)}.part"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(fresh, path)
        sync_folder(self.path)

    def settle(self) -> None:
        """Finish what a crash interrupted: a prepared registration or certificate takes effect.

        Each counts from the moment its last file is there; what is prepared by halves stays
        where it is, for whoever goes on with it.
        """
        if os.path.exists(self.next.registration):
            self._take(self.next, _FILES)
        if os.path.exists(self.renewal.certificate):
            self._take(self.renewal, _OF_RENEWAL)

    def _take(self, prepared: "AgentFolder", files: tuple[str, ...]) -> None:
        for name in files:
            # What is not there was moved before the crash.
            with contextlib.suppress(FileNotFoundError):
                os.replace(os.path.join(prepared.path, name), os.path.join(self.path, name))
            sync_folder(self.path)
        prepared.discard()

    def forget(self) -> None:
        """Remove a registration; the file that makes it one goes first."""
        for name in reversed(_FILES):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.path, name))
            sync_folder(self.path)
        self.next.discard()
        self.renewal.discard()

    def discard(self) -> None:
        """Remove the folder with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)


def read_if_there(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
