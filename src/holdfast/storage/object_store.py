"""Azure Blob, S3 and Google Cloud Storage as storage, all through obstore."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from holdfast.base.errors import HoldfastError, Retry
from holdfast.base.texts import _
from holdfast.storage.comparing import holds
from holdfast.storage.credentials import Cloud
from holdfast.storage.errors import (
    FileMissing,
    FileTooShort,
    StorageThrottled,
    StorageUnavailable,
)
from holdfast.storage.interruptible import interruptible
from holdfast.storage.names import checked, checked_for_writing, folder_prefix
from holdfast.storage.object_errors import read_cause, read_reason
from holdfast.storage.obstore_loading import load
from holdfast.storage.protocol import Content, Entry

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PAGE = 1000
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one call may take before it counts as failed."""

    connect: timedelta = timedelta(seconds=10)
    # Between two pieces of an answer.
    silence: timedelta = timedelta(seconds=30)
    # A whole pack through a slow line.
    whole: timedelta = timedelta(minutes=5)
    # The library's own, which can resume in the middle of a body.
    tries: int = 2
    trying: timedelta = timedelta(minutes=1)


IMPATIENT = Patience(
    connect=timedelta(seconds=5),
    silence=timedelta(seconds=10),
    whole=timedelta(minutes=1),
    tries=1,
    trying=timedelta(seconds=10),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Where the objects lie and how to get in; `repr` shows no secret."""

    cloud: Cloud
    place: str
    container: str
    prefix: str = ""
    # Keys as in obstore's configuration of that cloud.
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    # What a person sets to give credentials, for the remedies.
    variables: str = ""
    url: str = ""
    # Without TLS; for an endpoint on this machine.
    is_plain_http: bool = False


class ObjectStorage:
    """One prefix of one container."""

    parallel = 8
    lists_at_once = False

    def __init__(self, bucket: Bucket, *, patience: Patience = Patience()) -> None:
        self._bucket = bucket
        self._patience = patience
        self._connected = _Connection(bucket, patience)

    @property
    def place(self) -> str:
        return self._bucket.place

    def put(self, name: str, content: Content) -> None:
        checked_for_writing(name)
        try:
            self._ask(
                name,
                lambda vendor, stores: vendor.put(
                    stores.writing, name, content, mode="create", use_multipart=False
                ),
            )
        except HoldfastError as err:
            # The request may have arrived although its reply did not.
            refused = err.retry is Retry.NEVER or isinstance(err, StorageThrottled)
            if refused or not self._holds(name, content):
                raise

    def get(self, name: str) -> bytes:
        checked(name)
        return self._ask(
            name, lambda vendor, stores: bytes(vendor.get(stores.reading, name).bytes())
        )

    def read(self, name: str, offset: int, length: int) -> bytes:
        checked(name)
        if length == 0:
            self._require(name, 0)
            return b""
        try:
            content = self._ask(
                name,
                lambda vendor, stores: bytes(
                    vendor.get_range(stores.reading, name, start=offset, length=length)
                ),
            )
        except StorageUnavailable:
            # An offset past the end is a server error to obstore, and one of many.
            self._require(name, offset + length)
            raise
        if len(content) < length:
            raise self._too_short(name, seen=offset + len(content), wanted=offset + length)
        return content

    def size(self, name: str) -> int:
        checked(name)
        try:
            found = self._ask(name, lambda vendor, stores: vendor.head(stores.reading, name))
        except FileMissing:
            # The answer to HEAD has no words: it could be the container that is missing.
            next(self.list(name), None)
            raise
        return int(found["size"])

    def list(self, folder: str) -> Iterator[Entry]:
        prefix = folder_prefix(folder) or None
        pages = self._ask(
            folder,
            lambda vendor, stores: vendor.list(stores.reading, prefix, chunk_size=_PAGE),
        )
        while page := self._ask(folder, lambda _vendor, _stores: next(pages, None)):
            for found in page:
                yield Entry(found["path"], found["size"])

    def delete(self, name: str) -> None:
        checked(name)
        with contextlib.suppress(FileMissing):
            self._ask(name, lambda vendor, stores: vendor.delete(stores.reading, name))

    def _holds(self, name: str, content: Content) -> bool:
        try:
            return holds(self, name, content)
        except HoldfastError:
            return False

    def _require(self, name: str, wanted: int) -> None:
        seen = self.size(name)
        if seen < wanted:
            raise self._too_short(name, seen=seen, wanted=wanted)

    def _too_short(self, name: str, *, seen: int, wanted: int) -> FileTooShort:
        return FileTooShort(place=self.place, name=name, seen=seen, wanted=wanted)

    def _ask(self, name: str, call: "Callable[[Any, _Stores], _T]") -> _T:
        """Make a call to the library; its errors become ours."""
        vendor = load()
        try:
            return interruptible(lambda: call(vendor, self._connected.stores(vendor)))
        except (OSError, ValueError, vendor.exceptions.BaseError) as err:
            # Not "from err": a traceback would print URLs with signatures in them.
            raise self._translated(err, name) from None

    def _translated(self, err: Exception, name: str) -> HoldfastError:
        kind = read_cause(str(err), vendor_class=type(err).__name__)
        return kind(
            place=self.place,
            name=name,
            reason=read_reason(str(err), secrets=self._bucket.secrets),
            variables=self._bucket.variables or _("the credentials"),
            url=self._bucket.url,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stores:
    reading: "ObjectStore"
    # Never tried again by the library: a second "create" would meet the first one's object.
    writing: "ObjectStore"


class _Connection:
    """Builds the vendor's objects when they are first wanted, and again after a fork."""

    def __init__(self, bucket: Bucket, patience: Patience) -> None:
        self._bucket = bucket
        self._patience = patience
        self._built: tuple[ModuleType, _Stores] | None = None
        # What a parent process built must not be dropped in a child: that would wait for ever.
        self._kept: list[object] = []

    def stores(self, vendor: ModuleType) -> _Stores:
        built = self._built
        if built is not None and built[0] is vendor:
            return built[1]
        self._kept.append(built)
        stores = _Stores(
            reading=self._build(vendor, tries=self._patience.tries, silence=True),
            writing=self._build(vendor, tries=0, silence=False),
        )
        self._built = vendor, stores
        return stores

    def _build(self, vendor: ModuleType, *, tries: int, silence: bool) -> "ObjectStore":
        wait = self._patience
        times = {"connect_timeout": wait.connect, "timeout": wait.whole}
        if silence:
            # Not while writing: an upload is one long silence.
            times["read_timeout"] = wait.silence
        make = getattr(vendor.store, self._bucket.cloud.value)
        store = make(
            self._bucket.container,
            prefix=self._bucket.prefix or None,
            config=dict(self._bucket.options),
            client_options={**times, "allow_http": self._bucket.is_plain_http},
            retry_config={"max_retries": tries, "retry_timeout": wait.trying},
        )
        return cast("ObjectStore", store)
