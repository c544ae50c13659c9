"""A directory and a storage in memory cannot be told apart, whatever is done to them."""

import shutil
import tempfile
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from holdfast.base.errors import HoldfastError
from holdfast.storage.directory import DirectoryStorage
from holdfast.storage.memory import MemoryStorage
from holdfast.storage.protocol import Storage

# No name is a folder of another: that is the one thing only a directory can refuse.
NAMES = st.sampled_from(["config", "keys/k", "data/ab/1", "data/ab/2", "data/cd/1", "database/x"])
FOLDERS = st.sampled_from(["", "keys", "data", "data/", "data/ab", "dat", "nothing/here", "config"])


class SameBehaviour(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp()
        self.storages: list[Storage] = [MemoryStorage(), DirectoryStorage(self.folder)]

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def _both(self, call: Callable[[Storage], object]) -> None:
        in_memory, in_directory = (_outcome(call, storage) for storage in self.storages)
        assert in_memory == in_directory

    @rule(name=NAMES, content=st.binary(max_size=20))
    def put(self, name: str, content: bytes) -> None:
        self._both(lambda storage: storage.put(name, content))

    @rule(name=NAMES | FOLDERS.filter(bool).map(lambda folder: folder.rstrip("/")))
    def get(self, name: str) -> None:
        self._both(lambda storage: storage.get(name))
        self._both(lambda storage: storage.size(name))

    @rule(name=NAMES, offset=st.integers(0, 25), length=st.integers(0, 25))
    def read(self, name: str, offset: int, length: int) -> None:
        self._both(lambda storage: storage.read(name, offset, length))

    @rule(name=NAMES | st.just("data/ab"))
    def delete(self, name: str) -> None:
        self._both(lambda storage: storage.delete(name))

    @rule(folder=FOLDERS)
    def list(self, folder: str) -> None:
        self._both(lambda storage: sorted(storage.list(folder)))

    @invariant()
    def same_content(self) -> None:
        self._both(lambda storage: sorted(storage.list("")))


def _outcome(call: Callable[[Storage], object], storage: Storage) -> object:
    try:
        return call(storage)
    except HoldfastError as err:
        return err.code


TestSameBehaviour = SameBehaviour.TestCase
TestSameBehaviour.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
