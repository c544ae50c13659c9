"""The kernel and the first file system of the tests' guests, made of Debian's packages.

The kernel's package is downloaded once and unpacked, never installed; busybox and qemu-ga are
those of this machine. What is made is named after all that went into it.
"""

import fcntl
import hashlib
import lzma
import os
import re
import shutil
import subprocess  # noqa: TID251  apt and dpkg are processes
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast.testing.cpio import Archive
from holdfast.testing.guest_scripts import FOLDERS, PROGRAMS, SETTINGS

# Of the work tree the tests were started in, wherever a test goes from there.
CACHE = Path(".work/guest").absolute()
_KERNELS = "linux-image-cloud-amd64"
# In an order in which each finds what it needs; one that is not there is part of the kernel.
_MODULES = (
    *("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"),
    *("virtio_blk", "virtio_console", "failover", "net_failover", "virtio_net", "virtio-rng"),
    *("evdev", "button"),
)
_DOWNLOADING = 300.0
_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")


class GuestUnavailable(Exception):
    """No guest can be made here; the message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestImage:
    kernel: Path
    initramfs: Path


def guest_image(cache: Path = CACHE) -> GuestImage:
    """Made at the first call of all processes that share the cache."""
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache):
        package = _package(cache)
        folder = cache / _recipe(package)
        if not folder.exists():
            _make(folder, package)
    return GuestImage(kernel=folder / "vmlinuz", initramfs=folder / "initramfs")


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    with (cache / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _package(cache: Path) -> Path:
    """One that is there is good enough: the guests need no newer kernel."""
    if found := sorted(cache.glob("linux-image-*.deb")):
        return found[-1]
    if not shutil.which("apt-get"):
        raise GuestUnavailable("the guests' kernel comes from Debian's packages")
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        if not _download(Path(folder)) and not (_update() and _download(Path(folder))):
            raise GuestUnavailable(f"{_KERNELS} could not be downloaded")
        (new,) = Path(folder).glob("linux-image-*.deb")
        return new.rename(cache / new.name)


def _update() -> bool:
    return os.geteuid() == 0 and _apt("apt-get", "-qq", "update") is not None


def _download(folder: Path) -> bool:
    """The package of that name only names the kernel of the day."""
    depends = _apt("apt-cache", "depends", _KERNELS)
    named = re.search(r"Depends: (linux-image-\S+)", depends or "")
    return named is not None and _apt("apt-get", "download", named[1], at=folder) is not None


def _apt(*words: str, at: Path | None = None) -> str | None:
    done = subprocess.run(  # noqa: S603  our own words
        words, cwd=at, capture_output=True, text=True, check=False, timeout=_DOWNLOADING
    )
    return None if done.returncode else done.stdout


def _program(name: str) -> Path:
    # Debian's static busybox; the other one is in its package's own folder.
    places = os.pathsep.join((os.defpath, "/usr/sbin", "/sbin", "/usr/lib/busybox"))
    found = shutil.which(name, path=places)
    if found is None:
        raise GuestUnavailable(f"{name} is not installed")
    return Path(found)


def _recipe(package: Path) -> str:
    digest = hashlib.sha256(repr((package.name, _MODULES, FOLDERS, PROGRAMS, SETTINGS)).encode())
    for path in (Path(__file__), _program("busybox"), _program("qemu-ga")):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _make(folder: Path, package: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        kernel, modules = _unpack(package)
        Path(made, "vmlinuz").write_bytes(kernel)
        Path(made, "initramfs").write_bytes(_initramfs(modules))
        # It appears whole or not at all: whoever is killed here leaves no half of it.
        shutil.copytree(made, f"{folder}.new", dirs_exist_ok=True)
        Path(f"{folder}.new").rename(folder)


def _unpack(package: Path) -> tuple[bytes, dict[str, bytes]]:
    """The kernel, and those of its modules that the guests load."""
    kernel = b""
    modules: dict[str, bytes] = {}
    unpacking = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with subprocess.Popen(unpacking, stdout=subprocess.PIPE) as process:  # noqa: S603  our own words
        assert process.stdout is not None
        with tarfile.open(fileobj=process.stdout, mode="r|") as tree:
            for member in tree:
                name, _, kind = Path(member.name).name.partition(".ko")
                if name in _MODULES and (found := tree.extractfile(member)):
                    modules[name] = _plain(found.read(), kind)
                elif name.startswith("vmlinuz") and (found := tree.extractfile(member)):
                    kernel = found.read()
    return kernel, modules


def _plain(content: bytes, kind: str) -> bytes:
    return lzma.decompress(content) if kind == ".xz" else content


def _initramfs(modules: dict[str, bytes]) -> bytes:
    archive = Archive()
    archive.add_console()
    for folder in FOLDERS:
        archive.add_folder(folder)
    for path, text in PROGRAMS.items():
        archive.add_file(path, text.encode(), mode=0o755)
    for path, text in SETTINGS.items():
        archive.add_file(path, text.encode())
    archive.add_file("bin/busybox", _program("busybox").read_bytes(), mode=0o755)
    _add_with_libraries(archive, "usr/sbin/qemu-ga", _program("qemu-ga"))
    for name, content in modules.items():
        archive.add_file(f"modules/{name}", content)
    order = [name for name in _MODULES if name in modules]
    archive.add_file("modules/order", "\n".join(order).encode())
    return archive.content()


def _add_with_libraries(archive: Archive, path: str, program: Path) -> None:
    archive.add_file(path, program.read_bytes(), mode=0o755)
    listed = subprocess.run(  # noqa: S603  our own words
        ["ldd", program],  # noqa: S607  where the C library put it
        capture_output=True,
        text=True,
        check=True,
    )
    for library in _LIBRARY.findall(listed.stdout):
        archive.add_file(library.lstrip("/"), Path(library).read_bytes(), mode=0o755)
