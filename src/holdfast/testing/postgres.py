"""A PostgreSQL of the tests' own, from Debian's package: in a folder, on a port of its own."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess  # noqa: TID251  the database under test is a process
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from holdfast.testing.ports import free_port

_PROGRAMS = "/usr/lib/postgresql/*/bin/postgres"
_OWNER = "postgres"
_PATIENCE = 90.0
_TICK = 0.05
# The machine under the tests stays up: what the system was told to write is not lost by a `kill`.
_HASTY = ("fsync=off", "full_page_writes=off")
_SETTINGS = ("max_connections=200", "shared_buffers=32MB", "log_min_messages=warning")


def find_programs() -> Path | None:
    """The folder of the newest server installed; None: there is none."""
    found = sorted(glob.glob(_PROGRAMS), key=lambda path: int(path.split("/")[4]))
    on_path = shutil.which("postgres")
    path = found[-1] if found else on_path
    return Path(path).parent if path else None


class Postgres:
    """One cluster; `new_database` gives a test a database of its own in it."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        programs = find_programs()
        if programs is None:
            raise FileNotFoundError("postgres: install the package postgresql")
        self._programs = programs
        self._folder = folder / "data"
        self._log = folder / "postgres.log"
        self._durable = durable
        self._count = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._give_away(folder)
        self._run("initdb", "-D", str(self._folder), "-U", _OWNER, "-A", "trust", "-E", "UTF8")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql://{_OWNER}@127.0.0.1:{self.port}"

    def new_database(self) -> str:
        """The address of a fresh, empty database."""
        self._count += 1
        name = f"holdfast{os.getpid()}x{self._count}"
        self.sql(f"CREATE DATABASE {name}")
        return f"{self.url}/{name}"

    def sql(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(f"{self.url}/postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        settings = _SETTINGS if self._durable else _SETTINGS + _HASTY
        words = [str(self._programs / "postgres"), "-D", str(self._folder), "-p", str(self.port)]
        words += ["-h", "127.0.0.1", "-k", ""]
        words += [word for setting in settings for word in ("-c", setting)]
        with open(self._log, "ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own command line
                [*_as_owner(), *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        self._wait_until_it_answers()

    def stop(self, *, number: signal.Signals = signal.SIGINT) -> None:
        """End it in order; its clients lose their connections."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(_PATIENCE)

    def kill(self) -> None:
        """SIGQUIT is its own word for a crash: no checkpoint, recovery at the next start.

        A real SIGKILL would leave its children and its shared memory behind.
        """
        self.stop(number=signal.SIGQUIT)

    def end(self) -> None:
        if self._process is not None:
            self.thaw()
            self.stop()

    def freeze(self) -> None:
        """It answers nobody, but keeps its connections."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, number: signal.Signals) -> None:
        from holdfast.testing.killing import children_of

        assert self._process is not None
        for pid in (self._process.pid, *children_of(self._process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _wait_until_it_answers(self) -> None:
        import psycopg

        end = time.monotonic() + _PATIENCE
        while True:
            try:
                self.sql("SELECT 1")
            except psycopg.OperationalError:
                assert self._process is not None
                if time.monotonic() > end or self._process.poll() is not None:
                    raise RuntimeError(self._log.read_text()[-2000:]) from None
                time.sleep(_TICK)  # noqa: TID251  another process has to come up
            else:
                return

    def _run(self, program: str, *arguments: str) -> None:
        words = [*_as_owner(), str(self._programs / program), *arguments]
        subprocess.run(words, check=True, capture_output=True, cwd="/")  # noqa: S603  our own command line

    def _give_away(self, folder: Path) -> None:
        """It refuses to run as root, so its folder belongs to the user the package made."""
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_OWNER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)


@contextlib.contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[Postgres]:
    """A cluster for as long as the block lasts; FileNotFoundError: none is installed."""
    # Not below a folder of the test runner: those let no other user through.
    with tempfile.TemporaryDirectory(prefix="holdfast-postgres-") as folder:
        server = Postgres(Path(folder), durable=durable)
        try:
            yield server
        finally:
            server.end()


def _as_owner() -> list[str]:
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={_OWNER}", f"--regid={_OWNER}", "--init-groups"]
