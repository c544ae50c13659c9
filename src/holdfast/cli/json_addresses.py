"""The JSON lines of addresses that machines get at a site."""

from holdfast.cli.json_base import Event


class AddressMapped(Event):
    """`failover networks`: which addresses machines get here in place of their own."""

    # A network, or VM/CARD.
    address: str
    # A network of the same size, or an address with its length.
    to: str
    gateway: str | None
    dns: list[str]
