"""The cloud platform as the Linux guest agent sees it: goal states, the host's plugin, metadata."""

import socketserver
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS = "168.63.129.16"
METADATA = "169.254.169.254"
PORTS = (80, 32526)
_CONFIG = f"http://{ADDRESS}:80/machine/one?comp=config&amp;type="

_VERSIONS = """<?xml version="1.0" encoding="utf-8"?>
<Versions><Preferred><Version>2015-04-05</Version></Preferred>
<Supported><Version>2015-04-05</Version><Version>2012-11-30</Version></Supported></Versions>"""

_GOAL_STATE = f"""<?xml version="1.0" encoding="utf-8"?>
<GoalState><Version>2012-11-30</Version><Incarnation>1</Incarnation>
<Machine><ExpectedState>Started</ExpectedState></Machine>
<Container><ContainerId>11111111-2222-3333-4444-555555555555</ContainerId><RoleInstanceList>
<RoleInstance><InstanceId>guest</InstanceId><State>Started</State><Configuration>
<HostingEnvironmentConfig>{_CONFIG}hostingEnvironmentConfig</HostingEnvironmentConfig>
<SharedConfig>{_CONFIG}sharedConfig</SharedConfig>
<ExtensionsConfig>{_CONFIG}extensionsConfig</ExtensionsConfig>
<ConfigName>guest.1.xml</ConfigName>
</Configuration></RoleInstance></RoleInstanceList></Container></GoalState>"""

_HOSTING = """<?xml version="1.0" encoding="utf-8"?>
<HostingEnvironmentConfig version="1.0.0.0" goalStateIncarnation="1">
<Deployment name="d"/><Incarnation number="1" instance="guest"/><Role name="guest"/>
</HostingEnvironmentConfig>"""

_SHARED = """<?xml version="1.0" encoding="utf-8"?>
<SharedConfig version="1.0.0.0" goalStateIncarnation="1"/>"""

_EXTENSIONS = f"""<?xml version="1.0" encoding="utf-8"?>
<Extensions version="1.0.0.0" goalStateIncarnation="1">
<GuestAgentExtension><GAFamilies/></GuestAgentExtension>
<InVMGoalStateMetaData inSvdSeqNo="1" createdOnTicks="638000000000000000"
 activityId="aaaaaaaa-0000-0000-0000-000000000001"
 correlationId="aaaaaaaa-0000-0000-0000-000000000002"/>
<Plugins/><PluginSettings/>
<StatusUploadBlob statusBlobType="BlockBlob">http://{ADDRESS}:80/status</StatusUploadBlob>
</Extensions>"""

# By what the address ends in.
_ANSWERS = {
    "comp=versions": _VERSIONS,
    "comp=goalstate": _GOAL_STATE,
    "type=hostingEnvironmentConfig": _HOSTING,
    "type=sharedConfig": _SHARED,
    "type=extensionsConfig": _EXTENSIONS,
    "/health": "",
    "/versions": '["2015-09-01"]',
}


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        text = next((said for end, said in _ANSWERS.items() if self.path.endswith(end)), None)
        if text is None and self.path.startswith("/metadata/"):
            text = "{}"
        self._say(404 if text is None else 200, text or "")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._say(200, "")

    do_PUT = do_POST  # noqa: N815  the base class calls it so

    def _say(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Nobody reads it."""


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Without asking for a name of the address: nobody here could answer."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]


def serve() -> None:
    """Answer at the platform's addresses until the process ends."""
    for place in (*((ADDRESS, port) for port in PORTS), (METADATA, 80)):
        server = _Server(place, _Answering)
        threading.Thread(target=server.serve_forever, daemon=True).start()
