"""A machine that must not be started: its description names its disks as what is not there.

libvirt then refuses to start it, and its message shows the mark; no file of the machine is touched.
"""

from collections.abc import Collection, Iterator

from holdfast.hypervisor.xml_reading import Element, read_xml, write_xml

MARK = ".holdfast-half-restored"
_PLACES = ("file", "dev")


def with_bar(xml: str, targets: Collection[str]) -> str:
    """The same machine with these disks out of reach."""
    domain = _read(xml)
    for target, source, attribute in _places(domain):
        place = source.get(attribute, "")
        if target in targets and not place.endswith(MARK):
            source.set(attribute, place + MARK)
    return write_xml(domain)


def without_bar(xml: str) -> str:
    domain = _read(xml)
    for _target, source, attribute in _places(domain):
        source.set(attribute, source.get(attribute, "").removesuffix(MARK))
    return write_xml(domain)


def is_barred(xml: str) -> bool:
    places = _places(_read(xml))
    return any(source.get(name, "").endswith(MARK) for _target, source, name in places)


def _places(domain: Element) -> Iterator[tuple[str, Element, str]]:
    for disk in domain.iterfind("devices/disk"):
        target, source = disk.find("target"), disk.find("source")
        if target is not None and source is not None:
            for attribute in _PLACES:
                if source.get(attribute):
                    yield target.get("dev", ""), source, attribute


def _read(xml: str) -> Element:
    return read_xml(xml, root="domain", about="VM")
