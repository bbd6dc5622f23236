"""XMP packets (ISO 16684-1) as flat paths and values, read by defusedxml: no entities, no DTD, no fetching."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from workstation.domain.metadata import MetaField, ZoneKind
from workstation.media.metadata.bounds import Broken
from workstation.media.metadata.exif_values import in_utc
from workstation.media.metadata.findings import Findings
from workstation.media.metadata.texts import bytes_field, text_field, visible

_LARGEST = 4 << 20
_MOST_VALUES = 1_500
_DEEPEST = 32
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_XML = "{http://www.w3.org/XML/1998/namespace}"
_PREFIXES = {
    "http://purl.org/dc/elements/1.1/": "dc", "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM", "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt", "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/xap/1.0/sType/ResourceRef#": "stRef", "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/exif/1.0/": "exif", "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/camera-raw-settings/1.0/": "crs", "http://ns.adobe.com/xmp/1.0/DynamicMedia/": "xmpDM",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore", "adobe:ns:meta/": "x",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt", "http://ns.adobe.com/pdf/1.3/": "pdf",
    "http://ns.google.com/photos/1.0/camera/": "GCamera", "http://ns.google.com/photos/1.0/container/": "GContainer",
    "http://ns.google.com/photos/1.0/container/item/": "GItem", "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://ns.apple.com/faceinfo/1.0/": "apple-fi", "http://www.metadataworkinggroup.com/schemas/regions/": "mwg-rs",
}  # fmt: skip
_DATE_NAMES = (
    "CreateDate",
    "ModifyDate",
    "MetadataDate",
    "DateCreated",
    "DateTimeOriginal",
    "DateTimeDigitized",
    "when",
)
_DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?)(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")


def read_xmp(find: Findings, data: bytes, where: str, offset: int | None) -> None:
    """Read a packet into the group "XMP".

    Raises:
        Broken: it is no well-formed XML, or uses what is refused (entities, document types); the bytes are still kept
            as one field.
    """
    whole = bytes_field("Packet", data, f"{len(data)} bytes", offset=offset)
    packet = data.rstrip(b"\0")
    try:
        if len(packet) > _LARGEST:
            raise Broken(f"the packet of {len(packet)} bytes is larger than {_LARGEST}")
        root = fromstring(packet, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except DefusedXmlException as error:
        find.group("XMP", where, [whole], offset)
        raise Broken(f"the XMP packet uses what is refused ({type(error).__name__})") from error
    except (ParseError, ValueError, LookupError) as error:
        find.group("XMP", where, [whole], offset)
        raise Broken(f"the XMP packet is no well-formed XML ({visible(str(error))[:80]})") from error
    values: list[tuple[str, str]] = []
    toolkit = next((value for key, value in root.attrib.items() if key.endswith("}xmptk") or key == "xmptk"), "")
    if toolkit:
        values.append(("x:xmptk", toolkit))
    _walk(root, "", values, 0)
    if len(values) >= _MOST_VALUES:
        find.warn(f"XMP in {where}: more than {_MOST_VALUES} values; the others are left out.")
    fields: list[MetaField] = [whole, *(text_field(path, value) for path, value in values)]
    find.group("XMP", where, fields, offset)
    for path, value in values:
        if path.split(":")[-1] in _DATE_NAMES:
            _keep_time(find, path, value)


def _name(tag: str) -> str:
    if not tag.startswith("{"):
        return tag
    space, _, local = tag[1:].partition("}")
    return f"{_PREFIXES.get(space, space.rstrip('/#').rsplit('/', 1)[-1][:40])}:{local}"


def _walk(element: Element, path: str, values: list[tuple[str, str]], depth: int) -> None:
    """Attributes and leaf texts as (path, value); list items are numbered, language alternatives named."""
    if depth > _DEEPEST:
        raise Broken(f"XMP is nested deeper than {_DEEPEST}")
    for key, value in element.attrib.items():
        if len(values) >= _MOST_VALUES:
            return
        if key.startswith(_XML) or key.startswith(_RDF) or key.endswith("}xmptk"):
            if key == f"{_RDF}resource":
                values.append((path, value))
            continue
        values.append((f"{path}/{_name(key)}".lstrip("/"), value))
    number = 0
    for child in element:
        if len(values) >= _MOST_VALUES:
            return
        if child.tag in (
            f"{_RDF}RDF",
            f"{_RDF}Description",
            f"{_RDF}Bag",
            f"{_RDF}Seq",
            f"{_RDF}Alt",
            "{adobe:ns:meta/}xmpmeta",
        ):
            inner = path
        elif child.tag == f"{_RDF}li":
            number += 1
            language = child.get(f"{_XML}lang", "")
            inner = f"{path}[{language or number}]"
        else:
            inner = f"{path}/{_name(child.tag)}".lstrip("/")
        text = (child.text or "").strip()
        if text and not len(child):
            values.append((inner, text))
        _walk(child, inner, values, depth + 1)


def _keep_time(find: Findings, path: str, value: str) -> None:
    found = _DATE.fullmatch(value.strip())
    if found is None:
        return
    clock = found[1] if found[1].count(":") == 2 else f"{found[1]}:00"
    utc = in_utc(clock, found[2]) if found[2] else ""
    find.time(path, "XMP", value, ZoneKind.OFFSET if utc else ZoneKind.NONE, utc)
