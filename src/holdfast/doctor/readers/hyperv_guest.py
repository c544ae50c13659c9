"""Integration Services and disks of virtual machines, and signs of iSCSI inside a guest."""

import re
from collections.abc import Iterator

from holdfast.doctor.artefacts import Artefact
from holdfast.doctor.hyperv_facts import GuestIscsi, IntegrationService, VmDisk, VmIntegration
from holdfast.doctor.readers import hyperv_words as words
from holdfast.doctor.readers.hyperv_rows import rows
from holdfast.doctor.readers.powershell_output import Row
from holdfast.doctor.readers.windows_lines import Text, number, read, size
from holdfast.doctor.readers_registry import reader

# The Backup integration service has this identity on every Hyper-V, whatever it is called.
_VSS_ID = "5ced1297-4598-4915-a5fc-ad21bb4d02a4"
_VSS_NAME = re.compile(
    r"^vss$|volume shadow|backup|백업|볼륨 섀도|sicherung|sauvegarde|copia de seguridad|バックアップ",
    re.IGNORECASE,
)


def _integration(head: str, _: str) -> bool:
    return re.search(r"IntegrationServices(?:State|Version)", head, re.IGNORECASE) is not None


@reader("hyperv.integration", accepts=_integration)
def integration(artefact: Artefact) -> Iterator[VmIntegration]:
    """`Get-VM | select Name, State, IntegrationServicesState` in any form."""
    for row in rows(read(artefact)):
        if any(name.startswith("integrationservices") for name in row.values):
            said = row.get("IntegrationServicesState")
            yield VmIntegration(
                span=row.span,
                vm=row.get("VMName", "Name"),
                state=words.integration(said),
                version=row.get("IntegrationServicesVersion"),
            )


def _service(head: str, _: str) -> bool:
    return re.search(
        rf"PrimaryStatusDescr|PrimaryOperationalStatus|Get-VMIntegrationService|{_VSS_ID}",
        head,
        re.IGNORECASE,
    ) is not None and bool(re.search(r"Enabled", head, re.IGNORECASE))


@reader("hyperv.backup-integration", accepts=_service)
def backup_integration(artefact: Artefact) -> Iterator[IntegrationService]:
    """The row of the Backup (VSS) service of `Get-VMIntegrationService`."""
    text = read(artefact)
    found = list(_of_rows(text)) or list(_of_lines(text))
    yield from found


# Wide letters shift the columns; the row can be told without them.
_LINE = re.compile(
    r"^[ \t>|]*+(?P<vm>\S.{0,200}?)??[ \t]*+(?:\bVSS|백업\s?\([^)\n]*\)|Backup \([^)\n]*\))[ \t]+(?P<on>True|False)\b(?P<rest>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)


def _of_lines(text: Text) -> Iterator[IntegrationService]:
    for found in _LINE.finditer(text.whole):
        rest = found["rest"].strip()
        yield IntegrationService(
            span=text.span_of(found),
            vm=(found["vm"] or "").strip(),
            enabled=found["on"].lower() == "true",
            status=words.component(rest, ""),
            said=rest,
        )


def _of_rows(text: Text) -> Iterator[IntegrationService]:
    for row in rows(text):
        named = _VSS_NAME.search(row.get("Name")) or _VSS_ID in row.get("Id").lower()
        enabled = row.get("Enabled").strip().lower()
        if named and enabled in {"true", "false"}:
            primary = row.get("PrimaryStatusDescription", "PrimaryOperationalStatus")
            secondary = row.get("SecondaryStatusDescription", "SecondaryOperationalStatus")
            yield IntegrationService(
                span=row.span,
                vm=row.get("VMName"),
                enabled=enabled == "true",
                status=words.component(primary, secondary),
                said=f"{primary} {secondary}".strip(),
            )


def _disks(head: str, _: str) -> bool:
    return re.search(
        r"ControllerLocation|VhdFormat|VhdType|SupportPersistentReservations", head, re.IGNORECASE
    ) is not None and bool(re.search(r"\bPath\b", head, re.IGNORECASE))


@reader("hyperv.disks", accepts=_disks)
def disks(artefact: Artefact) -> Iterator[VmDisk]:
    """`Get-VMHardDiskDrive` and `Get-VHD`."""
    for row in rows(read(artefact)):
        if row.has("path") and ("controllerlocation" in row.values or "vhdtype" in row.values):
            yield _disk(row)


def _disk(row: Row) -> VmDisk:
    path = row.get("Path")
    return VmDisk(
        span=row.span,
        vm=row.get("VMName"),
        path=path,
        size=_size(row),
        pass_through=bool(re.match(r"[^\W\d]+\s?#?\d+\s+[\d.,]+\s?[KMGT]B", path))
        or (bool(row.get("DiskNumber")) and not _virtual(path)),
        shared=row.get("SupportPersistentReservations", "Shared").lower() == "true",
    )


def _size(row: Row) -> int:
    """A list shows bytes, a table made by hand gigabytes."""
    if said := row.get("Size(GB)", "SizeGB"):
        return int((number(said) or 0) * (1 << 30))
    return size(row.get("Size")) or 0


def _virtual(path: str) -> bool:
    return bool(re.search(r"\.a?vhd[xs]?\b|\.vhds\b", path, re.IGNORECASE)) or not path


_IQN = re.compile(r"\b(?:iqn\.\d{4}-\d\d\.[\w.:-]+|eui\.[0-9A-Fa-f]{16})")
_BUS = re.compile(
    r"^(?P<line>[^\n]*(?:\s|:)iSCSI(?=\s|$)(?!\s+(?:Initiator|Target))[^\n]*)$", re.MULTILINE
)
_BUS_LISTING = re.compile(
    r"\bBusType\b|\bOperationalStatus\b|diskpart|DISKPART|디스크 ###|Disk ###|Datenträger ###|LUN ID"
)
_HOST = re.compile(
    r"\bvmms\b|Get-VM\b|Get-VMHost|Hyper-V Virtual Machine Management|ClusterStorage", re.IGNORECASE
)


def _iscsi(head: str, _: str) -> bool:
    return _IQN.search(head) is not None or (
        _BUS_LISTING.search(head) is not None and ("iscsi" in head.lower() or "BusType" in head)
    )


@reader("hyperv.guest-iscsi", accepts=_iscsi)
def guest_iscsi(artefact: Artefact) -> Iterator[GuestIscsi]:
    """Sessions and disks of an iSCSI initiator: targets' names and the bus, both never translated."""
    text = read(artefact)
    on_host = _HOST.search(text.whole) is not None
    seen: set[str] = set()
    for found in _IQN.finditer(text.whole):
        target = found.group(0)
        line = text.lines[text.line_at(found.start()) - 1]
        if target in seen or _own_name(line):
            continue
        seen.add(target)
        yield GuestIscsi(span=text.span_of(found), name=target, present=True, on_host=on_host)
    if not seen and _BUS_LISTING.search(text.whole):
        yield from _buses(text, on_host=on_host)


def _buses(text: Text, *, on_host: bool) -> Iterator[GuestIscsi]:
    """Disks by the bus they hang on; a listing of other buses says that there is no iSCSI."""
    buses = list(_BUS.finditer(text.whole))
    for found in buses:
        name = found["line"].strip()[:80]
        yield GuestIscsi(span=text.span_of(found), name=name, present=True, on_host=on_host)
    others = [] if buses else [row for row in rows(text) if row.get("BusType")]
    for row in others:
        name = row.get("FriendlyName", "Number")
        yield GuestIscsi(span=row.span, name=name, present=False, on_host=on_host)


def _own_name(line: str) -> bool:
    """The initiator's own name is no disk: Windows gives every machine one."""
    return bool(
        re.search(
            r"initiator|InitiatorNodeAddress|NodeAddress\s*:\s*iqn\.1991-05\.com\.microsoft",
            line,
            re.IGNORECASE,
        )
    )
