"""Build the Debian package from this work tree and an environment with what Holdfast needs.

python -m tools.debian_package ENVIRONMENT FOLDER      # made by ./run package
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from tools import package_tree

_DEBIAN = package_tree.ROOT / "packaging" / "debian"
_SCRIPTS = ("postinst", "prerm", "postrm")
_KIB = 1024


def build(
    dependencies: Path, folder: Path, *, compression: str = "zstd", release: str | None = None
) -> Path:
    """The package; its name says for which Python and which machines it is."""
    with tempfile.TemporaryDirectory(prefix="hf-deb-") as place:
        stage = Path(place) / "stage"
        stage.mkdir(mode=0o755)
        package_tree.build(stage, dependencies)
        python = _python_of(dependencies)
        told = _version(python, release or version("holdfast"))
        _describe(stage, python, told)
        return _packed(stage, folder, compression, told)


def _describe(stage: Path, python: str, told: str) -> None:
    control = stage / "DEBIAN"
    control.mkdir(mode=0o755)
    major, minor = map(int, python.split("."))
    said = (_DEBIAN / "control").read_text(encoding="utf-8")
    written = said.format(
        version=told,
        architecture=_architecture(),
        size=_size(stage) // _KIB,
        python=f"python3 (>= {python}), python3 (<< {major}.{minor + 1})",
    )
    (control / "control").write_text(written, encoding="utf-8")
    (control / "conffiles").write_text("/etc/holdfast/config.toml\n", encoding="utf-8")
    (control / "md5sums").write_text(_sums(stage), encoding="utf-8")
    for name in _SCRIPTS:
        shutil.copy(_DEBIAN / name, control / name)
        os.chmod(control / name, 0o755)


def _packed(stage: Path, folder: Path, compression: str, told: str) -> Path:
    _settle(stage)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"holdfast_{told}_{_architecture()}.deb"
    words = ["dpkg-deb", "--root-owner-group", f"-Z{compression}", "--build", str(stage), str(file)]
    subprocess.run(words, check=True, capture_output=True, env={**os.environ, **_epoch()})
    return file


def _settle(stage: Path) -> None:
    """Modes that do not depend on who built it."""
    for path in stage.rglob("*"):
        if path.is_symlink():
            continue
        runs = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if runs else 0o644)


def _epoch() -> dict[str, str]:
    """The time of what is built, so that the same source gives the same package."""
    if shutil.which("git") is None:
        return {}
    words = ["git", "-C", str(package_tree.ROOT), "log", "-1", "--format=%ct"]
    said = subprocess.run(words, check=False, capture_output=True, text=True).stdout.strip()
    return {"SOURCE_DATE_EPOCH": said} if said else {}


def _sums(stage: Path) -> str:
    files = sorted(p for p in stage.rglob("*") if p.is_file() and not p.is_symlink())
    lines = []
    for file in files:
        name = file.relative_to(stage).as_posix()
        if not name.startswith(("DEBIAN/", "etc/")):
            digest = hashlib.md5(file.read_bytes(), usedforsecurity=False)
            lines.append(f"{digest.hexdigest()}  {name}\n")
    return "".join(lines)


def _size(stage: Path) -> int:
    return sum(path.lstat().st_size for path in stage.rglob("*"))


def _version(python: str, release: str) -> str:
    return f"{release}-1+py{python}"


def _python_of(dependencies: Path) -> str:
    return next((dependencies / "lib").glob("python3.*")).name.removeprefix("python")


def _architecture() -> str:
    words = ["dpkg", "--print-architecture"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--compression", default="zstd")
    asked = parser.parse_args()
    file = build(asked.environment, asked.folder, compression=asked.compression)
    print(f"{file}  {file.stat().st_size // _KIB**2} MiB")


if __name__ == "__main__":
    main()
