"""How each program is told to do the same work: ours, restic and borg."""

import os
import shlex
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.measure import Command

_PASSPHRASE = "correct horse battery staple"  # of vaults that live for a minute


@dataclass(slots=True, kw_only=True)
class Seat:
    """One contender's own place in one round: its vault, its caches, its passphrase."""

    folder: Path
    points: int = 0  # backups made so far

    @property
    def vault(self) -> Path:
        return self.folder / "vault"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def passphrase_file(self) -> Path:
        return self.folder / "passphrase"

    def open(self) -> None:
        self.home.mkdir(parents=True)
        self.passphrase_file.write_text(_PASSPHRASE + "\n")
        self.passphrase_file.chmod(0o600)

    def close(self) -> None:
        shutil.rmtree(self.folder)


class Contender(ABC):
    """The commands of one program; `can` names the works it takes part in."""

    name = ""
    can = frozenset({"first", "unchanged", "changed", "restore"})
    forget = "forget"  # the word for dropping points by a rule

    @abstractmethod
    def version(self) -> str: ...

    @abstractmethod
    def create(self, seat: Seat) -> Command: ...

    @abstractmethod
    def backup(self, seat: Seat, source: Path) -> Command: ...

    @abstractmethod
    def command(self, seat: Seat, *words: str) -> Command:
        """The program's command with these words, at this seat."""

    # What only those are asked for who say that they can.

    def restore(self, seat: Seat, to: Path) -> Command:
        return self.command(seat, "restore", "latest", "--to", str(to))

    def check(self, seat: Seat) -> Command:
        return self.command(seat, "check", "--read-data")

    def retain(self, seat: Seat, keep: int) -> Command:
        return self.command(seat, self.forget, "--keep-last", str(keep))

    def prune(self, seat: Seat) -> Command:
        return self.command(seat, "prune")

    def mount(self, seat: Seat, at: Path) -> Command:
        return self.command(seat, "mount", str(at))


_EVERYTHING = frozenset({"first", "unchanged", "changed", "restore", "check", "prune", "mount"})


class Holdfast(Contender):
    name = "holdfast"
    can = _EVERYTHING
    forget = "retain"

    def __init__(self, command: str) -> None:
        self._argv = shlex.split(command)

    def version(self) -> str:
        return first_line([*self._argv, "--version"])

    def create(self, seat: Seat) -> Command:
        return self.command(seat, "vault", "create", str(seat.vault))

    def backup(self, seat: Seat, source: Path) -> Command:
        return self.command(seat, "backup", str(source))

    def command(self, seat: Seat, *words: str) -> Command:
        extra = {
            "HOLDFAST_VAULT": str(seat.vault),
            "HOLDFAST_PASSPHRASE_FILE": str(seat.passphrase_file),
            "HOLDFAST_HOME": str(seat.home),
        }
        return _command([*self._argv, *words], seat, extra)


class Restic(Contender):
    name = "restic"
    can = _EVERYTHING

    def version(self) -> str:
        return first_line(["restic", "version"])

    def create(self, seat: Seat) -> Command:
        return self.command(seat, "init", "--repository-version", "2")

    def backup(self, seat: Seat, source: Path) -> Command:
        return self.command(seat, "backup", str(source))

    def restore(self, seat: Seat, to: Path) -> Command:
        return self.command(seat, "restore", "latest", "--target", str(to))

    def command(self, seat: Seat, *words: str) -> Command:
        extra = {
            "RESTIC_REPOSITORY": str(seat.vault),
            "RESTIC_PASSWORD_FILE": str(seat.passphrase_file),
            "RESTIC_CACHE_DIR": str(seat.home),
        }
        return _command(["restic", "--quiet", *words], seat, extra)


class Borg(Contender):
    """Borg compresses as restic does (zstd 3) and may restore holes as holes."""

    name = "borg"

    def version(self) -> str:
        return first_line(["borg", "--version"])

    def create(self, seat: Seat) -> Command:
        return self.command(seat, "init", "-e", "repokey")

    def backup(self, seat: Seat, source: Path) -> Command:
        seat.points += 1
        point = f"::point-{seat.points}"
        return self.command(seat, "create", "--compression", "zstd,3", point, str(source))

    def restore(self, seat: Seat, to: Path) -> Command:
        command = self.command(seat, "extract", "--sparse", f"::point-{seat.points}")
        return Command(argv=command.argv, env=command.env, folder=to)

    def command(self, seat: Seat, *words: str) -> Command:
        extra = {
            "BORG_REPO": str(seat.vault),
            "BORG_PASSPHRASE": _PASSPHRASE,
            "BORG_BASE_DIR": str(seat.home),
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
        }
        return _command(["borg", *words], seat, extra)


PEERS: Mapping[str, Callable[[], Contender]] = {"restic": Restic, "borg": Borg}


def _command(argv: list[str], seat: Seat, extra: dict[str, str]) -> Command:
    env = {"PATH": os.environ["PATH"], "HOME": str(seat.home), "LANG": "C.UTF-8"}
    return Command(argv=argv, env=env | extra, folder=seat.folder)


def first_line(argv: list[str]) -> str:
    answer = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30)
    return answer.stdout.splitlines()[0]
