"""English sentences of the data sheets and of the exhibits' origins; see ``words_en`` for the rules."""

from __future__ import annotations

from collections.abc import Mapping

SHEETS: Mapping[str, str] = {
    # --- where exhibits come from -------------------------------------------------------------------------------
    "origin.purpose": "Purpose",
    "origin.authority": "Authority",
    "origin.other": "{name}",
    "origin.streams": "Streams of {exhibit}",
    "origin.streams.note": (
        "Digests of the stored packets of each stream, without the container; a copy in another container has the "
        "same ones. Where a second digest is printed, it is over the codec's own byte stream form."
    ),
    "origin.stream": "No.",
    "origin.content": "Kind · codec",
    "origin.packets": "Packets",
    "origin.bytes": "Bytes",
    "origin.sha256": "SHA-256",
    "origin.normal": "{digest} · byte stream form {normal}",
    "origin.derived": "Items made from exhibits",
    "origin.derived.note": (
        "Working copies and derivatives. Each names what it was made from, the operation and its digest; the embedded "
        "results hold all parameters."
    ),
    "origin.item": "Item",
    "origin.parent": "Made from",
    "origin.operation": "Operation",
    "origin.made": "Made",
    # --- data sheet for copies ----------------------------------------------------------------------------------
    "copy.title": "Data sheet on copied data",
    "copy.document": "Data sheet on copied data · case {case}",
    "copy.lead": (
        "Facts recorded when the data listed here were copied, set out for a qualified person who considers making a "
        "written declaration under Rule 902(14) of the Federal Rules of Evidence or a like rule. The software states "
        "what it recorded. It declares nothing, and this sheet has no effect until a person completes and signs it."
    ),
    "copy.case": "Case",
    "copy.matter": "Title",
    "copy.proponent": "Organisation",
    "copy.made": "Sheet made",
    "copy.custody": "Chain of custody",
    "copy.custody.value": "{count} events · short code {code}",
    "copy.what": "1   What was copied, from what, and the digests",
    "copy.exhibit": "{exhibit} · {name}",
    "copy.source": "Copied from",
    "copy.note": "Acquisition note",
    "copy.stored": "Copied to",
    "copy.size": "Size",
    "copy.sha256": "SHA-256 of the whole file",
    "copy.other": "{name} of the whole file",
    "copy.stream": "Stream {stream}, {kind}, {codec}",
    "copy.stream.value": "SHA-256 {digest}",
    "copy.streams.none": "none recorded",
    "copy.streams": "Streams",
    "copy.copied": "Copied by, at, on",
    "copy.copied.value": "{by} · {at}, zone of the machine {zone} · {machine}, machine id {id}",
    "copy.purpose": "Purpose",
    "copy.authority": "Authority",
    "copy.event.value": "event {seq} of {count}; {checked}",
    "copy.checked.value": "last compared {at}: {state}",
    "copy.not_stated": "not stated",
    "copy.process": "2   Process of digital identification",
    "copy.method": (
        "Each source was opened for reading only and read once from the first byte to the last. Every block read was "
        "put into the digest and written to the copy; the size and the time of change of the source were compared "
        "before and after. The copy was flushed to the medium, made read-only and filed under its SHA-256; where a "
        "case is encrypted, digests are over the plain bytes. The digest was complete before anything of the content "
        "was decoded; it and the facts above were entered in the signed chain of custody. At the time named as last "
        "compared the stored copy was read again and its digest compared with the one first recorded. Streams are "
        "digested packet by packet as stored, without the container. SHA-256 is defined in FIPS 180-4."
    ),
    "copy.description": "Process as described by the declarant",
    "copy.tools": "Tools and versions",
    "copy.limits": (
        "Equal digests show that the bytes of two files are the same. They say nothing on who made a recording, on "
        "when, or on what it shows."
    ),
    "copy.person": "3   The declarant",
    "copy.name": "Name and position",
    "copy.qualifications": "Qualifications",
    "copy.declaration": "4   Declaration, to be completed by the declarant",
    "copy.declaration.lead": (
        "For the declarant to read, correct, strike out or replace. Every statement is the declarant's own and needs "
        "the declarant's own knowledge."
    ),
    "copy.statement.1": (
        "I am qualified, by what is set out in section 3, to speak to the process by which the data listed in section "
        "1 were copied and identified."
    ),
    "copy.statement.2": (
        "The data were copied from the sources named in section 1, and the digests of source and copy were compared as "
        "described in section 2, with this outcome: ______________________________"
    ),
    "copy.statement.3": "Exceptions, corrections and matters outside my own knowledge: ______________________________",
    "copy.statement.4": (
        "I make this declaration under the penalties that the law provides for untrue statements (28 U.S.C. § 1746 or "
        "____________________)."
    ),
    "copy.sign.place": "Place and date",
    "copy.sign.name": "Name in print",
    "copy.sign.signature": "Signature",
    "copy.notice": (
        "A party who relies on such a declaration gives the other parties reasonable written notice beforehand and "
        "makes the record and the declaration available for inspection (Rule 902(11))."
    ),
    "copy.page": "Page {page} of {total}",
}
