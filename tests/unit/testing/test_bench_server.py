"""The lines of the server's figures, and the client that measures them."""

import asyncio

from bench.server_api import ApiRate
from bench.server_client import Line, Load, request
from bench.server_report import Results, text

RATE = ApiRate(
    what="heartbeat",
    database="SQLite",
    ours=500.0,
    peer=1000.0,
    cpu_ms=1.5,
    peer_cpu_ms=0.5,
    p99_ms=20.0,
)


def test_a_table_says_the_ratio_and_leaves_out_what_was_not_measured() -> None:
    lines = text(Results(api=[RATE])).splitlines()

    assert len(lines) == 2
    assert lines[1].split()[:5] == ["heartbeat", "SQLite", "500", "1000", "0.50"]


def test_percentiles_are_of_those_asked() -> None:
    load = Load(seconds=2.0, latencies=[number / 100 for number in range(100)])

    assert (load.rate, load.percentile(0.5), load.percentile(0.99)) == (50.0, 0.5, 0.99)
    assert Load().percentile(0.99) == 0.0


def test_answers_in_pieces_are_put_together_by_their_length() -> None:
    class Silent(asyncio.Transport):
        def write(self, data: bytes | bytearray | memoryview) -> None:
            self.written = bytes(data)

    async def asked() -> tuple[bytes, bytes]:
        line, transport = Line(), Silent()
        line.connection_made(transport)
        asking = asyncio.create_task(line.ask(request("GET", "/x")))
        await asyncio.sleep(0)
        for piece in (b"HTTP/1.1 200 OK\r\nContent-", b"Length: 5\r\n\r\nhe", b"llo"):
            line.data_received(piece)
        return await asking, transport.written

    body, written = asyncio.run(asked())

    assert body == b"hello"
    assert written.startswith(b"GET /x HTTP/1.1\r\n")
