"""`holdfast register`: this machine becomes one of a vault's machines.

All is prepared in a folder of its own and takes effect in one step at the end. Killed anywhere
before, the machine is what it was; the same command again goes on with the same key, so the
server meets the same machine.
"""

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version

from holdfast.app.agent_folder import AgentFolder, read_if_there
from holdfast.app.agent_link import AgentLink
from holdfast.app.control.registration_errors import (
    CredentialsReplaceAnother,
    KeyDiffers,
    KeyRevoked,
    WrongVault,
)
from holdfast.app.machine_keys import proofs_of, signing_request
from holdfast.app.machine_repository import (
    add_recovery_key,
    fingerprint_of,
    generate_passphrase,
    make_or_open,
)
from holdfast.app.registering_errors import (
    CredentialsUnreadable,
    KeyNotSet,
    PassphraseOfAnother,
    RecoveryFileTaken,
    RegistrationUnreadable,
)
from holdfast.app.registering_network import Say
from holdfast.app.registering_preflight import Reached, ask_server, check_machine, raise_all, reach
from holdfast.app.registration_state import Registration, find_registration, write_registration
from holdfast.app.saved_passphrase import has_passphrase, load_passphrase, save_passphrase
from holdfast.app.secret_sources import first_passphrase
from holdfast.app.wiring import Session
from holdfast.base.errors import HoldfastError
from holdfast.base.secret import Secret
from holdfast.base.texts import _
from holdfast.fleet.credentials_file import CredentialsFile, read_credentials
from holdfast.fleet.key_proof import KeyProof
from holdfast.fleet.messages import ActivateRequest, RegisterReply, RegisterRequest
from holdfast.storage.protocol import Storage
from holdfast.vault.keys import KeyCost
from holdfast.vault.opening import has_config

OpenStorage = Callable[[Session, Registration, AgentFolder], Storage]


def gateway_storage(session: Session, registration: Registration, folder: AgentFolder) -> Storage:
    """The machine's repository as its server's gateway shows it."""
    from holdfast.app.opening import storage_at
    from holdfast.storage.rest_door import CA_FILE, CERTIFICATE, KEY

    files = {CA_FILE: folder.ca, CERTIFICATE: folder.certificate, KEY: folder.key}
    credentials = {**session.settings.credentials, **files, **registration.proxy_settings}
    settings = replace(session.settings, credentials=credentials)
    return storage_at(replace(session, settings=settings), registration.location)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    credentials: str
    # None: the name it had when it was registered before, else that of the host.
    name: str | None = None
    # Invent the passphrase, and save it nowhere but on this machine and in the recovery key.
    generate: bool = False
    recovery_key: str | None = None
    proxy: str | None = None
    force_new: bool = False
    # Of a machine registered before, for one whose disk is new.
    machine_id: str | None = None
    cost: KeyCost | None = None
    open_storage: OpenStorage = field(default=gateway_storage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    registration: Registration
    # For stock restic, as user `machine_id`; kept nowhere.
    gateway_password: str
    is_again: bool
    has_generated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Intent:
    """What is being prepared; the same again goes on with what is there."""

    vault_id: str
    machine_id: str | None


def register(session: Session, wanted: Wanted, *, say: Say) -> Registered:
    folder = AgentFolder.of(session.settings.home)
    file = _read(wanted.credentials)
    intent = _intent(session, folder, file, wanted)
    reached = _preflight(session, file, wanted, intent=intent, say=say)
    folder.make()
    _prepare(folder, intent)
    work = _Work(
        session=session,
        wanted=wanted,
        name=wanted.name or _former_name(session, intent) or os.uname().nodename,
        file=file,
        folder=folder,
        reached=reached,
    )
    passphrase = work.passphrase(intent)
    reply = work.introduce(intent)
    say(_("The server knows this machine as {id}").format(id=reply.machine_id))
    registration = work.set_key(work.registration(reply), passphrase, reply)
    say(_("The repository is there and opens with the passphrase"))
    work.activate(registration)
    save_passphrase(folder.next, passphrase)
    write_registration(folder.next, registration)
    folder.settle()
    return Registered(
        registration=registration,
        gateway_password=reply.gateway_password,
        is_again=intent.machine_id is not None,
        has_generated=wanted.generate,
    )


def _read(file: str) -> CredentialsFile:
    try:
        with open(file, "rb") as stream:
            content = stream.read(1 << 20)
    except OSError as err:
        raise CredentialsUnreadable(file=file, reason=err.strerror) from err
    return read_credentials(content, file=file)


def _intent(
    session: Session, folder: AgentFolder, file: CredentialsFile, wanted: Wanted
) -> _Intent:
    if wanted.force_new:
        return _Intent(vault_id=file.vault_id, machine_id=None)
    if wanted.machine_id:
        return _Intent(vault_id=file.vault_id, machine_id=wanted.machine_id)
    former = find_registration(session.settings.home)
    if file.replaces and (former is None or former.machine_id == file.replaces):
        return _Intent(vault_id=file.vault_id, machine_id=file.replaces)
    if file.replaces:
        # Nobody is made another machine than it is by the mere choice of a file.
        raise CredentialsReplaceAnother(credentials=file.credentials_id, machine=file.replaces)
    if former is not None and former.vault_id != file.vault_id:
        raise WrongVault(
            machine=former.machine_id, registered=former.vault_id, wanted=file.vault_id
        )
    if former is not None:
        return _Intent(vault_id=file.vault_id, machine_id=former.machine_id)
    begun = _read_intent(folder.next)
    if begun is not None and begun.vault_id == file.vault_id:
        return begun
    return _Intent(vault_id=file.vault_id, machine_id=None)


def _former_name(session: Session, intent: _Intent) -> str | None:
    """What the same machine was called, if that can be read; of another nothing is taken."""
    with contextlib.suppress(RegistrationUnreadable):
        former = find_registration(session.settings.home)
        if former is not None and former.machine_id == intent.machine_id:
            return former.name
    return None


def _preflight(
    session: Session, file: CredentialsFile, wanted: Wanted, *, intent: _Intent, say: Say
) -> Reached:
    """Find all that is wrong before anything is changed."""
    problems = [*check_machine(session)]
    reached, refusal = None, None
    try:
        reached = reach(file, session, proxy=wanted.proxy, say=say)
    except HoldfastError as err:
        problems.append(err)
    if reached is not None:
        folder = AgentFolder.of(session.settings.home)
        refusal = ask_server(file, reached, folder=folder, machine_id=intent.machine_id)
    try:
        # The server's word counts more: its clock decides.
        if reached is None or refusal is not None:
            file.require_valid(session.clock.now())
    except HoldfastError as err:
        refusal = refusal or err
    raise_all([*problems, *([refusal] if refusal else [])])
    assert reached is not None, "whoever is not reached has raised"
    say(_("The server accepts the credentials of vault {vault}").format(vault=file.vault_name))
    return reached


def _prepare(folder: AgentFolder, intent: _Intent) -> None:
    """An empty folder for this intent, or the one in which it was begun before."""
    if _read_intent(folder.next) != intent:
        folder.next.discard()
    folder.next.make()
    folder.next.write(folder.next.intent, json.dumps(asdict(intent)).encode())


def _read_intent(prepared: AgentFolder) -> _Intent | None:
    try:
        found = json.loads(read_if_there(prepared.intent) or b"")
        return _Intent(vault_id=found["vault_id"], machine_id=found["machine_id"])
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """One registration that nothing stands against."""

    session: Session
    wanted: Wanted
    name: str
    file: CredentialsFile
    folder: AgentFolder
    reached: Reached

    def passphrase(self, intent: _Intent) -> Secret:
        """The one it has, one that is invented, or one that is given."""
        settings, saved = self.session.settings, self.folder.passphrase
        is_given = bool(settings.passphrase_command) or settings.passphrase_file not in {
            None,
            saved,
        }
        if intent.machine_id and not is_given and has_passphrase(self.folder):
            return load_passphrase(self.folder, warn=self.session.warn)
        if self.wanted.generate:
            return self._generated()
        if settings.passphrase_file == saved:
            settings = replace(settings, passphrase_file=None)
        return first_passphrase(replace(self.session, settings=settings))

    def _generated(self) -> Secret:
        """Kept before it is used, so that a repository never has one that nobody knows."""
        if not has_passphrase(self.folder.next):
            save_passphrase(self.folder.next, generate_passphrase())
        return load_passphrase(self.folder.next, warn=self.session.warn)

    def introduce(self, intent: _Intent) -> RegisterReply:
        """Have a certificate made for this machine's key."""
        try:
            reply = self._send(intent)
        except KeyRevoked:
            # What was taken back is of no use; another key is made, once.
            os.unlink(self.folder.next.key)
            reply = self._send(intent)
        prepared = self.folder.next
        prepared.write(prepared.certificate, reply.certificate.encode())
        prepared.write(prepared.ca, self.file.ca.encode())
        return reply

    def _send(self, intent: _Intent) -> RegisterReply:
        csr = signing_request(self.folder.next)
        request = RegisterRequest(
            credentials_id=self.file.credentials_id,
            secret=self.file.secret,
            vault_id=self.file.vault_id,
            csr=csr,
            name=self.name,
            agent_version=version("holdfast"),
            machine_id=intent.machine_id,
            proofs=self._proofs(intent, csr),
            host=os.uname().nodename,
        )
        link = AgentLink(self.reached.server, ca=self.file.ca, proxy=self.reached.proxy)
        try:
            return link.ask("POST", "/register", request, RegisterReply)
        finally:
            link.close()

    def _proofs(self, intent: _Intent, csr: str) -> list[KeyProof]:
        if intent.machine_id is None:
            return []
        return proofs_of(
            self.folder,
            credentials_id=self.file.credentials_id,
            machine_id=intent.machine_id,
            csr=csr,
        )

    def registration(self, reply: RegisterReply) -> Registration:
        return Registration(
            machine_id=reply.machine_id,
            vault_id=reply.vault_id,
            vault_name=reply.vault_name,
            name=self.name,
            host=os.uname().nodename,
            server=self.reached.server,
            gateway_path=reply.gateway_path,
            key_fingerprint=reply.key_fingerprint or "",
            proxy=self.reached.proxy,
        )

    def set_key(
        self, registration: Registration, passphrase: Secret, reply: RegisterReply
    ) -> Registration:
        """Make or open the repository; the registration with its key's fingerprint."""
        storage = self.wanted.open_storage(self.session, registration, self.folder.next)
        try:
            if reply.key_fingerprint and not has_config(storage):
                # It was there once: an empty one in its place would hide the loss.
                raise KeyDiffers(machine=reply.machine_id)
            repository = make_or_open(
                storage,
                passphrase,
                machine_id=reply.machine_id,
                clock=self.session.clock,
                cost=self.wanted.cost,
            )
            if self.wanted.recovery_key:
                add_recovery_key(repository, self.wanted.recovery_key, cost=self.wanted.cost)
        except (KeyDiffers, PassphraseOfAnother, RecoveryFileTaken):
            raise
        except (HoldfastError, OSError) as err:
            raise KeyNotSet(reason=err) from err
        return replace(registration, key_fingerprint=fingerprint_of(repository.files.master))

    def activate(self, registration: Registration) -> None:
        link = AgentLink(
            registration.server,
            ca=self.file.ca,
            proxy=registration.proxy,
            shown=self.folder.next,
        )
        try:
            told = ActivateRequest(key_fingerprint=registration.key_fingerprint)
            link.tell("PUT", "/agent/key", told)
        finally:
            link.close()
