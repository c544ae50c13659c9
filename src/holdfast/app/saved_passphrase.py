"""The saved passphrase of a registered machine: with its checksum, and with a copy.

Schedules run while nobody is there to type it. It lies where only the machine's agent reads it,
and never leaves the machine.
"""

import contextlib
import hashlib
from collections.abc import Callable

from holdfast.app.agent_folder import AgentFolder, read_if_there
from holdfast.app.registering_errors import KeyFileMissing
from holdfast.base.secret import Secret
from holdfast.base.texts import _

Warn = Callable[[str], None]


def save_passphrase(folder: AgentFolder, passphrase: Secret) -> None:
    """The copy goes first: at every moment one of the two fits the checksum."""
    content = passphrase.reveal() + b"\n"
    digest = hashlib.sha256(content).hexdigest()
    former = (read_if_there(folder.passphrase_sum) or b"").decode(errors="replace").split()
    # Both sums are good while the files are being replaced.
    both = "\n".join([digest, *[one for one in former[:1] if one != digest]]) + "\n"
    folder.write(folder.passphrase_sum, both.encode())
    folder.write(folder.passphrase_copy, content)
    folder.write(folder.passphrase, content)
    folder.write(folder.passphrase_sum, (digest + "\n").encode())


def load_passphrase(folder: AgentFolder, *, warn: Warn) -> Secret:
    """From the file, or from its copy when the file is damaged; that is then put right."""
    sums = (read_if_there(folder.passphrase_sum) or b"").decode(errors="replace").split()
    content = read_if_there(folder.passphrase)
    if content is not None and _fits(content, sums):
        return Secret(content.strip())
    copy = read_if_there(folder.passphrase_copy)
    if copy is None or not _fits(copy, sums):
        reason = _("missing") if content is None else _("its checksum does not fit")
        raise KeyFileMissing(file=folder.passphrase, reason=reason)
    warn(_("The saved passphrase was gone or damaged, and was restored from its copy"))
    with contextlib.suppress(OSError):
        folder.write(folder.passphrase, copy)
    return Secret(copy.strip())


def has_passphrase(folder: AgentFolder) -> bool:
    with contextlib.suppress(KeyFileMissing):
        load_passphrase(folder, warn=_tell_nobody)
        return True
    return False


def _fits(content: bytes, sums: list[str]) -> bool:
    return bool(content.strip()) and hashlib.sha256(content).hexdigest() in sums


def _tell_nobody(message: str) -> None:
    """Looking is not worth a warning."""
