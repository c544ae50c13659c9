"""A storage that can be read and only seems to be written, for dry runs."""

from holdfast.storage.forwarding import ForwardingStorage
from holdfast.storage.protocol import Content


class DryStorage(ForwardingStorage):
    """Everything of another storage, but nothing that is put or deleted happens."""

    def put(self, name: str, content: Content) -> None:
        """Nothing: a dry run stores nothing."""

    def delete(self, name: str) -> None:
        """Nothing: a dry run removes nothing."""
