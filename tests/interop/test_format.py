"""Stock restic and we read, check and repair each other's vaults."""

import os
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from holdfast.base.secret import Secret
from holdfast.storage.directory import DirectoryStorage
from holdfast.testing.damage import HARMS
from holdfast.testing.trees import build_hostile_tree, build_small_tree
from holdfast.testing.vaults import add_point, open_vault, small_vault
from holdfast.vault.check import CheckOptions, check
from holdfast.vault.check_findings import CheckReport
from holdfast.vault.check_subset import Subset
from holdfast.vault.go_strings import quote, unquote
from holdfast.vault.index_file import encode_index, parse_index
from holdfast.vault.layout import DATA, INDEX, KEYS, SNAPSHOTS
from holdfast.vault.opening import unlock
from holdfast.vault.pack_header import Kind
from holdfast.vault.repair import Repair
from holdfast.vault.repair_config import replace_config, unlock_without_config
from holdfast.vault.repair_planning import RepairOptions
from holdfast.vault.repository import Repository
from holdfast.vault.snapshot import encode_snapshot
from holdfast.vault.tree import encode_tree, format_time, parse_time
from holdfast.vault.tree_walk import walk_trees

pytestmark = [
    pytest.mark.interop,
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic on this machine"),
]

WORDS = "a passphrase of restic"
SECRET = Secret(WORDS.encode())


class Restic:
    """Stock restic on one vault, without a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.storage = DirectoryStorage(str(folder))

    def run(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "RESTIC_PASSWORD": WORDS}
        command = ["restic", "--no-cache", "-r", str(self.folder), *words]
        return subprocess.run(command, env=environment, capture_output=True, check=False)

    def __call__(self, *words: str) -> bytes:
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def vault(self) -> Repository:
        return open_vault(self.storage, passphrase=SECRET)

    def files(self, folder: str) -> list[str]:
        return sorted(entry.name for entry in self.storage.list(folder))


@pytest.fixture
def restic(tmp_path: Path) -> Restic:
    found = Restic(tmp_path / "vault")
    found("init", "--repository-version", "2")
    return found


@pytest.fixture(scope="module")
def two_points(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A vault and its source, to be copied: restic derives a key for each of its commands."""
    folder = tmp_path_factory.mktemp("two-points")
    restic = Restic(folder / "vault")
    restic("init", "--repository-version", "2")
    for seed in range(2):
        build_small_tree(folder / "source", seed, files=40)
        (folder / "source" / f"noise{seed}").write_bytes(os.urandom(3 << 20))
        restic("backup", str(folder / "source"))
    return folder


@pytest.fixture
def small(two_points: Path, tmp_path: Path) -> Restic:
    """Two points of restic's, in several packs and index files."""
    shutil.copytree(two_points, tmp_path, symlinks=True, dirs_exist_ok=True)
    return Restic(tmp_path / "vault")


def checked(vault: Repository) -> CheckReport:
    return check(vault, CheckOptions(read=Subset()))


def test_every_tree_of_restic_is_written_again_byte_for_byte(
    restic: Restic, tmp_path: Path
) -> None:
    build_hostile_tree(tmp_path / "source", leave_out=("long-path",))
    restic.run("backup", "--with-atime", str(tmp_path / "source"))  # 3: sockets are left out
    vault = restic.vault
    (point,) = vault.snapshots()

    trees = 0
    for tree, listing in walk_trees([point.tree], vault.load_tree, parallel=2):
        assert isinstance(listing, list)
        stored = bytes(vault.load_blob(Kind.TREE, tree))
        if not any(node.linktarget_raw for node in listing):
            # Older clients lost the bad bytes of a link's target; only a sign of them is left.
            stored = stored.replace(rb"\ufffd", "\ufffd".encode())
        assert encode_tree(listing) == stored
        for node in listing:
            assert quote(unquote(node.name)) == node.name
            for time in (node.mtime, node.atime, node.ctime):
                assert parse_time(format_time(parse_time(time))) == parse_time(time)
        trees += 1

    assert trees > 50
    assert checked(vault).findings == ()


def test_names_come_back_as_the_bytes_they_were(restic: Restic, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    names = [bytes([byte]) for byte in range(1, 256) if byte not in b"/."]
    names += [f"x{chr(code)}".encode() for code in (0xAD, 0x2028, 0xFFFD, 0x1F600, 0x10FFFF)]
    names += [rb"\x41", rb"\n", b'"<&>"', b"\xed\xa0\x80", "é".encode(), "e\u0301".encode()]
    for name in names:
        (Path(os.fsdecode(source)) / os.fsdecode(name)).touch()
    restic("backup", str(source))
    vault = restic.vault
    tree = vault.snapshots()[0].tree
    listing = vault.load_tree(tree)
    while len(listing) == 1 and listing[0].type == "dir":
        listing = vault.load_tree(listing[0].subtree_id)

    assert [node.raw_name for node in listing] == sorted(names)
    assert [quote(node.raw_name) for node in listing] == [node.name for node in listing]


def test_small_files_of_restic_are_written_again_with_the_same_meaning(small: Restic) -> None:
    vault = small.vault
    for name in vault.files.names(SNAPSHOTS):
        content = vault.files.load(SNAPSHOTS, name)
        stored = vault.load_snapshot(name).stored  # type: ignore[arg-type]  # a snapshot's id
        assert msgspec.json.decode(encode_snapshot(stored)) == msgspec.json.decode(content)
    for name in vault.files.names(INDEX):
        content = vault.files.load(INDEX, name)
        assert msgspec.json.encode(parse_index(name, content)) == content.rstrip(b"\n")
    assert encode_index([]) == b'{"packs":[]}\n'


def test_what_we_write_restic_checks_and_lists(tmp_path: Path) -> None:
    restic = Restic(tmp_path / "vault")
    restic.storage.create_root()
    vault = small_vault(restic.storage, passphrase=SECRET)
    add_point(vault, {"srv/a": os.urandom(3 << 20), "srv/b": b"text" * 5000, 'srv/q"<&>': b"q"})
    assert checked(vault).findings == ()
    assert restic.files("holdfast/ledger")

    restic("check", "--read-data")

    assert b'/srv/q\\"<&>' in restic("ls", "latest") or b'/srv/q"<&>' in restic("ls", "latest")


@pytest.mark.parametrize("folder", [DATA, INDEX])
@pytest.mark.parametrize("harm", ["flip-middle", "truncate", "delete", "swap"])
def test_we_see_damage_and_restic_is_content_after_our_repair(
    small: Restic, tmp_path: Path, folder: str, harm: str
) -> None:
    HARMS[harm](small.storage, small.files(folder)[0])

    assert checked(small.vault).is_damaged
    Repair(small.vault, RepairOptions(read=Subset(), forget=True)).apply(lambda: None)

    assert checked(small.vault).findings == ()
    small("check", "--read-data")
    small("prune")
    if small.files(SNAPSHOTS):
        small("restore", "latest", "--target", str(tmp_path / "restored"))
    build_small_tree(tmp_path / "source", 0, files=40)
    small("backup", str(tmp_path / "source"))
    small("check", "--read-data")
    assert checked(small.vault).findings == ()


def test_a_repaired_point_is_marked_as_restic_marks_its_own(small: Restic) -> None:
    before = {point.id for point in small.vault.snapshots()}
    data = max(small.files(DATA), key=small.storage.size)
    HARMS["flip-start"](small.storage, data)

    report = Repair(small.vault, RepairOptions(read=Subset())).apply(lambda: None)

    new = [small.vault.load_snapshot(name) for name in report.new_points.values()]
    assert new
    assert all(point.tags == {"repaired"} for point in new)
    assert {point.stored.original for point in new} <= before
    assert before <= {point.id for point in small.vault.snapshots()}


def test_restic_opens_a_vault_whose_config_we_made_anew(small: Restic, tmp_path: Path) -> None:
    small.storage.delete("config")
    assert small.run("snapshots").returncode != 0

    unlocked, _ = unlock_without_config(small.storage, SECRET)
    replace_config(small.storage, unlocked)

    small("check", "--read-data")
    small("backup", str(tmp_path / "source"))
    assert unlock(small.storage, SECRET).config.id == unlocked.config.id


def test_restic_opens_with_a_key_file_we_renamed(small: Restic) -> None:
    (name,) = small.files(KEYS)
    content = small.storage.get(name)
    small.storage.delete(name)
    small.storage.put(f"{KEYS}/{'0' * 64}", content)

    Repair(small.vault, RepairOptions()).apply(lambda: None)

    assert len(small.files(KEYS)) == 1
    small("check")
    assert checked(small.vault).findings == ()
