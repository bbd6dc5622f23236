"""The parts of a data sheet on copied data (E9), held against what the rules ask of a declaration.

Federal Rules of Evidence, and where the sheet answers:

| rule | content | on the sheet |
|---|---|---|
| 902(14) | data copied from an electronic device, storage medium or file | 1: exhibit, source, note, place |
| 902(14) | a process of digital identification (Committee Note 2017: hash values) | 1: digests |
|         | | 2: method, tools |
| 902(14) | shown by a certification of a qualified person | 3: name, qualifications; 4: statements, signature |
| 902(11) | made as a federal statute or a rule of the Supreme Court says (28 U.S.C. 1746) | 4: penalty, date, place |
| 902(11) | written notice before the trial or hearing; record and certification open for inspection | 4: notice |
| Note 2017 | what a witness would have to say at trial: who, when, how, with what outcome | 1: by, at, on; 4: outcome |
| Note 2017 | the opponent keeps every other objection | 2: what equal digests do not say |

The person declares; the software states records. Qualifications and process are the person's own texts, and none of the
sentences of the declaration is filled in or ticked by the program.
"""

from __future__ import annotations

from collections.abc import Mapping

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer

from workstation.domain.datasheets import CopySheet
from workstation.domain.evidence import EvidenceItem
from workstation.domain.ids import EvidenceId
from workstation.domain.intake import ExhibitOrigin
from workstation.domain.reports import ExhibitProvenance
from workstation.reporting import formatting, styles
from workstation.reporting.blocks import Heading, facts_table, heading, note, para
from workstation.reporting.sections.exhibits import digests
from workstation.reporting.wording import say

_LINE = "_" * 58


def flow(sheet: CopySheet) -> list[Flowable]:
    """The whole sheet, top to bottom."""
    return [
        para(say("copy.title"), styles.H1),
        note(say("copy.lead")),
        Spacer(0, 1 * mm),
        _head(sheet),
        *_copies(sheet),
        *_process(sheet),
        *_person(sheet),
        KeepTogether(_declaration()),
    ]


def _head(sheet: CopySheet) -> Flowable:
    head = sheet.custody_head
    rows = [
        (say("copy.case"), sheet.case.number),
        (say("copy.matter"), sheet.case.title),
        (say("copy.proponent"), sheet.organisation),
        (say("copy.made"), formatting.moment(sheet.made_at)),
        (say("copy.custody"), say("copy.custody.value", count=head.count, code=head.code)),
    ]
    return facts_table([(label, value) for label, value in rows if value])


def _copies(sheet: CopySheet) -> list[Flowable]:
    known: Mapping[EvidenceId, ExhibitProvenance] = {entry.evidence: entry for entry in sheet.provenance}
    blocks: list[Flowable] = [Heading(say("copy.what"), 1)]
    for item in sheet.exhibits:
        rows = _facts(item, known.get(item.id), sheet)
        title = say("copy.exhibit", exhibit=item.exhibit, name=item.name)
        blocks.append(KeepTogether([Heading(title, 2), facts_table(rows)]))
    return blocks


def _facts(item: EvidenceItem, known: ExhibitProvenance | None, sheet: CopySheet) -> list[tuple[str, str | Flowable]]:
    origin = known.origin if known is not None else ExhibitOrigin()
    none = say("copy.not_stated")
    rows: list[tuple[str, str | Flowable]] = [
        (say("copy.source"), item.source_path),
        (say("copy.note"), item.note or none),
        (say("copy.stored"), item.stored_path),
        (say("copy.size"), formatting.size(item.size)),
        (say("copy.sha256"), item.sha256),
    ]
    rows += [(say("copy.other", name=name.upper()), digest) for name, digest in origin.other_digests]
    for stream in (known.streams if known is not None else None) or ():
        label = say("copy.stream", stream=stream.stream, kind=stream.kind, codec=stream.codec)
        rows.append((label, para(digests(stream), styles.CELL_MONO)))
    if known is None or not known.streams:
        rows.append((say("copy.streams"), say("copy.streams.none")))
    copied = say(
        "copy.copied.value",
        by=item.taken_in_by,
        at=formatting.moment(item.taken_in_at),
        zone=origin.zone or none,
        machine=item.machine,
        id=origin.machine_id or none,
    )
    checked = say("copy.checked.value", state=item.integrity.value, at=formatting.moment(item.verified_at))
    if origin.event:
        checked = say("copy.event.value", seq=origin.event, count=sheet.custody_head.count, checked=checked)
    return [
        *rows,
        (say("copy.copied"), copied),
        (say("copy.purpose"), origin.purpose or none),
        (say("copy.authority"), origin.authority or none),
        (say("copy.custody"), checked),
    ]


def _process(sheet: CopySheet) -> list[Flowable]:
    tools = " · ".join(f"{name} {version}" for name, version in ((sheet.product, ""), *sheet.tools)).strip()
    return [
        *heading(say("copy.process")),
        para(say("copy.method")),
        facts_table([(say("copy.description"), sheet.declarant.process.strip()), (say("copy.tools"), tools)]),
        para(say("copy.limits"), styles.SMALL),
    ]


def _person(sheet: CopySheet) -> list[Flowable]:
    person = sheet.declarant
    rows = [
        (say("copy.name"), person.name.strip() or _LINE),
        (say("copy.qualifications"), person.qualifications.strip()),
    ]
    return [KeepTogether([Heading(say("copy.person"), 1), facts_table(rows)])]


def _declaration() -> list[Flowable]:
    blocks: list[Flowable] = [Heading(say("copy.declaration"), 1), para(say("copy.declaration.lead"), styles.SMALL)]
    for number in range(1, 5):
        blocks.append(para(f"{number}.  {say(f'copy.statement.{number}')}"))
    blocks.append(Spacer(0, 6 * mm))
    rows = [(say(f"copy.sign.{name}"), Spacer(0, 7 * mm)) for name in ("place", "name", "signature")]
    return [*blocks, facts_table(rows), para(say("copy.notice"), styles.SMALL)]
