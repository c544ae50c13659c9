"""What a registered machine knows of its registration; the file exists while it is registered."""

import json
from dataclasses import asdict, dataclass

from holdfast.app.agent_folder import AgentFolder, read_if_there
from holdfast.app.registering_errors import NotRegistered, RegistrationUnreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    machine_id: str
    vault_id: str
    vault_name: str
    name: str
    # https://host:port
    server: str
    gateway_path: str
    key_fingerprint: str
    # What the host called itself then; `name` may have been chosen.
    host: str = ""
    # As given; None: no proxy, whatever the environment says.
    proxy: str | None = None

    @property
    def location(self) -> str:
        """This machine's repository, as `--vault` takes it."""
        return self.location_of(self.gateway_path)

    @property
    def proxy_settings(self) -> dict[str, str]:
        """As the environment would say it; ours outweighs what is set there."""
        return {"https_proxy": self.proxy, "no_proxy": ""} if self.proxy else {"no_proxy": "*"}

    def location_of(self, gateway_path: str) -> str:
        return f"rest+{self.server}{gateway_path}"


def find_registration(home: str) -> Registration | None:
    """The registration of this machine, if it has one."""
    folder = AgentFolder.of(home)
    content = read_if_there(folder.registration)
    prepared = read_if_there(folder.next.registration)
    if prepared is not None:
        # A crash came between the last two steps.
        folder.settle()
        content = prepared
    return None if content is None else read_registration(content, folder.registration)


def load_registration(home: str) -> Registration:
    found = find_registration(home)
    if found is None:
        raise NotRegistered(file=AgentFolder.of(home).registration)
    return found


def read_registration(content: bytes, file: str) -> Registration:
    """Fields that a later version added are left out."""
    try:
        found = json.loads(content)
        known = {name: found[name] for name in Registration.__slots__ if name in found}
        return Registration(**known)
    except (ValueError, TypeError) as err:
        raise RegistrationUnreadable(file=file, reason=err) from err


def write_registration(folder: AgentFolder, registration: Registration) -> None:
    content = json.dumps(asdict(registration), indent=2) + "\n"
    folder.write(folder.registration, content.encode())
