"""The hooks for databases, against a real PostgreSQL and whatever MariaDB there is."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from holdfast.machines.extension import bundle
from holdfast.testing.postgres import Postgres, find_programs, running_postgres
from holdfast.testing.waiting import wait_until

pytestmark = [pytest.mark.real]
PROGRAMS = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
STUB = """#!/bin/sh
trap 'echo the end >>{notes}' EXIT
trap 'exit 0' TERM
while read -r line; do
  echo "$line" >>{notes}
  case $line in SELECT*) echo "$line" | cut -d "'" -f 2 ;; esac
done
"""
HOOKS = Path(bundle.__file__).parent / "bundle" / "hooks"


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    return tmp_path / "conf"


def hook(name: str, *words: str, conf: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOLDFAST_CONF": str(conf), **more}
    environment["HOLDFAST_RUN"] = str(conf.parent / "run")
    argv = ["sh", str(HOOKS / name), *words]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def durable() -> Iterator[Postgres]:
    try:
        with running_postgres(durable=True) as server:
            yield server
    except FileNotFoundError as err:
        pytest.skip(str(err))


def listed(conf: Path, server: Postgres) -> None:
    line = f"host=127.0.0.1 port={server.port} user=postgres"
    (conf / "postgresql").write_text(f"# the only one\n{line}\n")


def first(server: Postgres, question: str) -> str:
    with psycopg.connect(f"{server.url}/postgres") as connection:
        row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return str(row[0])


def test_postgresql_has_all_in_its_files_and_the_instant_in_its_log(
    durable: Postgres, conf: Path
) -> None:
    listed(conf, durable)
    durable.sql("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    before = first(durable, "SELECT pg_current_wal_insert_lsn()")

    told = hook("postgresql", "pre", "abc123", conf=conf)
    after = hook("postgresql", "post", "abc123", conf=conf)

    assert (told.returncode, told.stderr, after.returncode) == (0, "", 0)
    checked = first(durable, "SELECT redo_lsn FROM pg_control_checkpoint()")
    assert first(durable, f"SELECT '{checked}'::pg_lsn >= '{before}'::pg_lsn") == "True"
    log = first(durable, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    folder = Path(first(durable, "SHOW data_directory"))
    assert b"holdfast-abc123" in (folder / "pg_wal" / log).read_bytes()


def test_postgresql_that_may_lose_what_it_promised_is_no_application_point(
    durable: Postgres, conf: Path
) -> None:
    listed(conf, durable)
    switch(durable, "off")
    try:
        told = hook("postgresql", "pre", "abc123", conf=conf)
    finally:
        switch(durable, "on")

    assert told.returncode == 1
    assert "fsync is off" in told.stderr


def switch(server: Postgres, fsync: str) -> None:
    server.sql(f"ALTER SYSTEM SET fsync = {fsync}")
    server.sql("SELECT pg_reload_conf()")
    wait_until(lambda: first(server, "SHOW fsync") == fsync)


def test_postgresql_that_does_not_answer_is_a_failure_that_says_why(
    durable: Postgres, conf: Path
) -> None:
    (conf / "postgresql").write_text("host=127.0.0.1 port=1 user=postgres\n")

    told = hook("postgresql", "pre", "abc123", conf=conf)

    assert told.returncode != 0
    assert "refused" in told.stderr


@pytest.fixture
def socket_folder() -> Iterator[Path]:
    """Of a server that listens at a socket alone, and belongs to another user where we are root."""
    programs = find_programs()
    if programs is None:
        pytest.skip("postgres: install the package postgresql")
    as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="holdfast-socket-") as name:
        if as_owner:
            shutil.chown(name, "postgres")
        data = f"{name}/data"
        initdb = [*as_owner, str(programs / "initdb"), "-D", data, "-A", "peer"]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/")
        serve = [str(programs / "postgres"), "-D", data, "-k", name, "-c", "listen_addresses="]
        with subprocess.Popen([*as_owner, *serve], cwd="/", stderr=subprocess.DEVNULL) as server:
            try:
                wait_until(lambda: is_ready(programs, name))
                yield Path(name)
            finally:
                end(server)


def is_ready(programs: Path, folder: str) -> bool:
    done = subprocess.run([programs / "pg_isready", "-q", "-h", folder], check=False)
    return done.returncode == 0


def end(server: subprocess.Popen[bytes]) -> None:
    """What started it hands the signal on."""
    server.terminate()
    server.wait(90)


def test_postgresql_is_found_by_its_socket_and_asked_as_its_owner(
    socket_folder: Path, conf: Path
) -> None:
    places = {"HOLDFAST_PG_SOCKETS": str(socket_folder)}

    detected = hook("postgresql", "detect", conf=conf, **places)
    told = hook("postgresql", "pre", "abc123", conf=conf, **places)

    assert (detected.returncode, told.returncode, told.stderr) == (0, 0, "")


def test_guest_without_postgresql_has_no_hook_for_it(conf: Path, tmp_path: Path) -> None:
    detected = hook("postgresql", "detect", conf=conf, HOLDFAST_PG_SOCKETS=str(tmp_path))

    assert detected.returncode != 0


@pytest.fixture(scope="module")
def mariadb() -> Iterator[Path]:
    """The socket of a real server, where one is installed."""
    server, client = shutil.which("mariadbd", path=PROGRAMS), shutil.which("mariadb", path=PROGRAMS)
    maker = shutil.which("mariadb-install-db", path=PROGRAMS)
    if not (server and client and maker):
        pytest.skip("mariadbd is not installed")
    root = Path(server).parent.parent
    with tempfile.TemporaryDirectory(prefix="holdfast-mariadb-") as name:
        own = ["--no-defaults", f"--basedir={root}", f"--datadir={name}/data"]
        user = ["--user=root"] if os.geteuid() == 0 else []
        made = [maker, *own, *user, "--auth-root-authentication-method=normal"]
        subprocess.run(made, check=True, capture_output=True, cwd="/")
        socket = Path(name, "mysqld.sock")
        serve = [server, *own, *user, f"--socket={socket}", "--skip-networking"]
        with subprocess.Popen(serve, cwd="/", stderr=subprocess.DEVNULL) as process:
            try:
                wait_until(socket.is_socket)
                wait_until(lambda: asked(socket, "SELECT 1").returncode == 0)
                yield socket
            finally:
                end(process)


def asked(socket: Path, statement: str) -> subprocess.CompletedProcess[str]:
    client = shutil.which("mariadb", path=PROGRAMS) or "mariadb"
    words = [client, "--no-defaults", f"--socket={socket}", "--user=root", "-N", "-e", statement]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def test_mariadb_takes_no_writes_between_before_and_after(mariadb: Path, conf: Path) -> None:
    (conf / "mariadb.cnf").write_text(f"[client]\nsocket={mariadb}\nuser=root\n")
    asked(mariadb, "CREATE DATABASE IF NOT EXISTS kept; CREATE TABLE kept.t (n INT)")
    write = "SET lock_wait_timeout = 1; INSERT INTO kept.t VALUES (1)"

    told = hook("mariadb", "pre", conf=conf)
    inside = asked(mariadb, write)
    after = hook("mariadb", "post", conf=conf)
    outside = asked(mariadb, write)

    assert (told.returncode, told.stderr) == (0, "")
    assert (inside.returncode, "Lock wait timeout" in inside.stderr) == (1, True)
    assert (after.returncode, outside.returncode) == (0, 0)


def test_mariadb_lock_that_was_lost_is_told(mariadb: Path, conf: Path) -> None:
    (conf / "mariadb.cnf").write_text(f"[client]\nsocket={mariadb}\nuser=root\n")
    hook("mariadb", "pre", conf=conf)
    holder = asked(mariadb, "SELECT id FROM information_schema.processlist WHERE info IS NULL")
    for session in holder.stdout.split():
        asked(mariadb, f"KILL {session}")

    after = hook("mariadb", "post", conf=conf)

    assert after.returncode != 0


@pytest.fixture
def stub_client(tmp_path: Path) -> Path:
    """No MariaDB: a program that answers as its client does, and notes what it is told."""
    folder = tmp_path / "stub"
    folder.mkdir()
    (folder / "mariadb").write_text(STUB.format(notes=tmp_path / "notes"))
    (folder / "mariadb").chmod(0o700)
    (tmp_path / "notes").touch()
    return folder


def test_session_of_a_client_stays_open_from_before_to_after(
    stub_client: Path, conf: Path, tmp_path: Path
) -> None:
    (conf / "mariadb.cnf").touch()
    path = f"{stub_client}:{os.environ['PATH']}"

    told = hook("mariadb", "pre", conf=conf, PATH=path)
    inside = (tmp_path / "notes").read_text()
    after = hook("mariadb", "post", conf=conf, PATH=path)

    assert (told.returncode, after.returncode) == (0, 0)
    assert "FLUSH TABLES WITH READ LOCK;" in inside
    assert "the end" not in inside
    wait_until(lambda: "the end" in (tmp_path / "notes").read_text())


def test_client_that_is_refused_is_a_failure_that_says_why(stub_client: Path, conf: Path) -> None:
    (conf / "mariadb.cnf").touch()
    (stub_client / "mariadb").write_text("#!/bin/sh\necho access denied >&2; exit 1\n")
    path = f"{stub_client}:{os.environ['PATH']}"

    told = hook("mariadb", "pre", conf=conf, PATH=path)
    hook("mariadb", "post", conf=conf, PATH=path)

    assert (told.returncode != 0, told.stderr) == (True, "access denied\n")
