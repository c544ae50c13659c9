"""Small secret files of a server: they appear whole, with mode 0600, and survive a power cut."""

import contextlib
import os
import secrets
import stat

from holdfast.storage.durable import sync_folder

FOLDER_MODE, FILE_MODE = 0o700, 0o600


def make_private_folder(folder: str) -> None:
    """The folder, for nobody but us, also where an earlier hand made it wider."""
    os.makedirs(folder, mode=FOLDER_MODE, exist_ok=True)
    if stat.S_IMODE(os.stat(folder).st_mode) != FOLDER_MODE:
        os.chmod(folder, FOLDER_MODE)


def write_once(path: str, content: bytes) -> bytes:
    """Create the file, unless another process was faster; what it holds now."""
    temporary = _write_temporary(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        content = read(path) or b""
    finally:
        os.unlink(temporary)
    sync_folder(os.path.dirname(path))
    return content


def replace(path: str, content: bytes) -> None:
    temporary = _write_temporary(path, content)
    os.replace(temporary, path)
    sync_folder(os.path.dirname(path))


def read(path: str) -> bytes | None:
    """What the file holds; None: there is none."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _write_temporary(path: str, content: bytes) -> str:
    temporary = f"{path}.{secrets.token_hex(6)}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    return temporary
