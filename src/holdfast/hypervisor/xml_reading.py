"""Reading and writing XML. Some of it comes out of vaults: what declares entities is refused."""

from typing import Never
from xml.etree import ElementTree as ET

from holdfast.hypervisor.errors import VmDescriptionBroken

Element = ET.Element

# A description of a real machine has some ten thousand bytes.
_LARGEST = 8 << 20
# That of a deep chain of images has some hundred levels; what walks them all must come back.
_DEEPEST = 500

# Names people know these parts by; an unknown prefix would be written as ns0.
for _prefix, _uri in (
    ("qemu", "http://libvirt.org/schemas/domain/qemu/1.0"),
    ("libosinfo", "http://libosinfo.org/xmlns/libvirt/domain/1.0"),
):
    ET.register_namespace(_prefix, _uri)


def read_xml(text: str, *, root: str, about: str) -> Element:
    """The root element, which must be of this name."""
    if len(text) > _LARGEST:
        raise VmDescriptionBroken(about=about, reason=f"{len(text)} characters")
    parser = ET.XMLParser(target=_Careful())  # noqa: S314  the target refuses what makes it unsafe
    try:
        parser.feed(text)
        element: Element = parser.close()
    except (ET.ParseError, ValueError) as err:
        raise VmDescriptionBroken(about=about, reason=str(err)) from err
    if element.tag != root:
        raise VmDescriptionBroken(about=about, reason=f"<{element.tag}> is not <{root}>")
    return element


def write_xml(element: Element) -> str:
    return ET.tostring(element, encoding="unicode")


def sub(parent: Element, tag: str, attributes: dict[str, str] | None = None) -> Element:
    return ET.SubElement(parent, tag, attributes or {})


def child(parent: Element, tag: str) -> Element:
    """The child of this name, made where it is missing."""
    found = parent.find(tag)
    return sub(parent, tag) if found is None else found


def drop(parent: Element, tag: str) -> None:
    for found in parent.findall(tag):
        parent.remove(found)


class _Careful(ET.TreeBuilder):
    def __init__(self) -> None:
        super().__init__()
        self._depth = 0

    def doctype(self, name: str, pubid: str | None, system: str | None) -> Never:  # noqa: ARG002  the signature is the parser's
        raise ValueError("a document type is declared")

    def start(self, tag: str, attrs: dict[str, str]) -> Element:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"it is nested {_DEEPEST} levels deep")
        return super().start(tag, attrs)

    def end(self, tag: str) -> Element:
        self._depth -= 1
        return super().end(tag)
