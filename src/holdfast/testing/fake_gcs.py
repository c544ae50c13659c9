"""Google Cloud Storage's XML API, as far as a vault needs it: no emulator at hand speaks it.

Reference: https://cloud.google.com/storage/docs/xml-api/reference-methods
"""

import contextlib
import re
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from holdfast.testing.object_stores import RunningStore

_PAGE = 1000
_RANGE = re.compile(r"bytes=(\d+)-(\d+)")


class _Buckets:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.buckets: dict[str, dict[str, bytes]] = {}


@contextlib.contextmanager
def fake_gcs() -> Iterator[RunningStore]:
    """Serve in a thread of this process, in memory; buckets come into being by PUT /BUCKET."""
    buckets = _Buckets()

    class Handler(_Handler):
        state = buckets

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        port = server.server_address[1]
        credentials = {
            "GOOGLE_BASE_URL": f"http://127.0.0.1:{port}",
            "GOOGLE_BEARER_TOKEN": "testing-token",
        }
        yield RunningStore(scheme="gs", port=port, credentials=credentials)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Answers leave in two pieces; waiting for the first one's receipt would cost 40 ms each.
    disable_nagle_algorithm = True
    state: _Buckets

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        bucket, name = self._target()
        with self.state.lock:
            if not name:
                self.state.buckets.setdefault(bucket, {})
                return self._answer(HTTPStatus.OK)
            files = self.state.buckets.get(bucket)
            if files is None:
                return self._refuse(HTTPStatus.NOT_FOUND, "NoSuchBucket")
            if name in files and self.headers["x-goog-if-generation-match"] == "0":
                return self._refuse(HTTPStatus.PRECONDITION_FAILED, "PreconditionFailed")
            files[name] = content
        return self._answer(HTTPStatus.OK, ETag='"1"')

    def do_GET(self) -> None:
        bucket, name = self._target()
        files = self.state.buckets.get(bucket)
        if files is None:
            return self._refuse(HTTPStatus.NOT_FOUND, "NoSuchBucket")
        if not name:
            return self._list(files)
        if name not in files:
            return self._refuse(HTTPStatus.NOT_FOUND, "NoSuchKey")
        return self._send_content(files[name])

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        bucket, name = self._target()
        with self.state.lock:
            files = self.state.buckets.get(bucket)
            if files is None:
                return self._refuse(HTTPStatus.NOT_FOUND, "NoSuchBucket")
            if files.pop(name, None) is None:
                return self._refuse(HTTPStatus.NOT_FOUND, "NoSuchKey")
        return self._answer(HTTPStatus.NO_CONTENT)

    def log_message(self, *args: object) -> None:
        """Tests read nothing on the terminal."""

    def _target(self) -> tuple[str, str]:
        bucket, _slash, name = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        return bucket, name

    def _send_content(self, content: bytes) -> None:
        stamps = {"ETag": '"1"', "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
        wanted = _RANGE.fullmatch(self.headers["Range"] or "")
        if wanted is None:
            return self._answer(HTTPStatus.OK, content, **stamps)
        start, end = int(wanted[1]), min(int(wanted[2]), len(content) - 1)
        if start >= len(content):
            return self._refuse(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "InvalidRange")
        stamps["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        return self._answer(HTTPStatus.PARTIAL_CONTENT, content[start : end + 1], **stamps)

    def _list(self, files: dict[str, bytes]) -> None:
        query = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        with self.state.lock:
            names = sorted(name for name in files if name.startswith(query.get("prefix", "")))
        rest = [name for name in names if name > query.get("continuation-token", "")]
        rows = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(files.get(name, b''))}</Size>"
            f'<ETag>"1"</ETag><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>'
            for name in rest[:_PAGE]
        )
        after = escape(rest[_PAGE - 1]) if len(rest) > _PAGE else ""
        token = f"<NextContinuationToken>{after}</NextContinuationToken>" if after else ""
        truncated = f"<IsTruncated>{'true' if after else 'false'}</IsTruncated>{token}"
        self._answer(
            HTTPStatus.OK, f"<ListBucketResult>{truncated}{rows}</ListBucketResult>".encode()
        )

    def _refuse(self, status: HTTPStatus, code: str) -> None:
        reply = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
        self._answer(status, reply.encode())

    def _answer(self, status: HTTPStatus, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if status is not HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
