"""A machine that must not be started: its description names its disks as what is not there.

libvirt then refuses to start it, and its message shows the mark; no file of the machine is touched.
"""

from collections.abc import Collection, Iterator

from holdfast.hypervisor.xml_reading import Element, read_xml, write_xml

# Of a restore that is not over.
MARK = ".holdfast-half-restored"
# Of a machine that was given to another host.
FENCED = ".holdfast-runs-elsewhere"
# Of a machine whose images are being made to stand alone.
GATHERED = ".holdfast-not-whole-yet"
_PLACES = ("file", "dev", "volume")


def with_bar(xml: str, targets: Collection[str], *, mark: str = MARK) -> str:
    """The same machine with these disks out of reach."""
    domain = _read(xml)
    for target, source, attribute in _places(domain):
        place = source.get(attribute, "")
        if target in targets and not place.endswith(mark):
            source.set(attribute, place + mark)
    return write_xml(domain)


def without_bar(xml: str, *, mark: str = MARK) -> str:
    domain = _read(xml)
    for _target, source, attribute in _places(domain):
        source.set(attribute, source.get(attribute, "").removesuffix(mark))
    return write_xml(domain)


def is_barred(xml: str, *, mark: str = MARK) -> bool:
    places = _places(_read(xml))
    return any(source.get(name, "").endswith(mark) for _target, source, name in places)


def _places(domain: Element) -> Iterator[tuple[str, Element, str]]:
    for disk in domain.iterfind("devices/disk"):
        target, source = disk.find("target"), disk.find("source")
        if target is not None and source is not None:
            for attribute in _PLACES:
                if source.get(attribute):
                    yield target.get("dev", ""), source, attribute


def _read(xml: str) -> Element:
    return read_xml(xml, root="domain", about="VM")
