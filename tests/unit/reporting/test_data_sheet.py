"""A data sheet on copied data: complete, for a person to sign, without a conclusion (E9); exhibits' origins (P2)."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from dataclasses import fields, replace
from pathlib import Path

import pikepdf
import pytest
import sample_facts

from workstation.domain.datasheets import CopySheet, Declarant
from workstation.domain.derived import DerivedItem, DerivedKind, ParentKind
from workstation.domain.errors import InputError
from workstation.domain.ids import DerivedId
from workstation.domain.intake import ExhibitOrigin
from workstation.domain.reports import ExhibitProvenance, ReportFacts
from workstation.domain.streams import StreamDigest
from workstation.reporting.builder import prepare_report
from workstation.reporting.data_sheet import copy_sheet_pdf
from workstation.reporting.signing import Identity
from workstation.reporting.twin import read_twin
from workstation.reporting.wording import ESTABLISHED, FORBIDDEN
from workstation.reporting.words_sheets_en import SHEETS

PERSON = Declarant("A. Ruiz, forensic examiner", "Twelve years of acquisitions.", "Copied through a write blocker.")
ORIGIN = ExhibitOrigin("examination", "order 4/26", (("md5", "ab" * 16),), "CET +0100", "cd" * 16, "workstation 0.1", 4)
STREAM = StreamDigest(0, "video", "h264", 840, 123_456, "ef" * 32, "12" * 32)


def sheet(**more: object) -> CopySheet:
    items = (sample_facts.item(1, "clip.mp4"), sample_facts.item(2, "still.png", image=True))
    known = tuple(ExhibitProvenance(item.id, ORIGIN, (STREAM,)) for item in items)
    made = CopySheet(
        case=sample_facts.case(),
        made_at="2026-10-16T09:00:00.000+00:00",
        organisation="Example Laboratory",
        product="workstation 0.1.0",
        tools=(("Python", "3.11"),),
        exhibits=items,
        provenance=known,
        custody_head=sample_facts.custody()[1],
        declarant=PERSON,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def text_of(data: bytes) -> str:
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext is not installed")
    done = subprocess.run([tool, "-layout", "-", "-"], input=data, check=True, capture_output=True, timeout=60)
    return " ".join(done.stdout.decode().split())


def test_everything_the_rules_ask_for_stands_on_two_pages() -> None:
    made = sheet(exhibits=sheet().exhibits[:1])
    data = copy_sheet_pdf(made)
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) == 2
    text = text_of(data)
    for item in made.exhibits:
        assert {item.sha256, item.source_path, item.taken_in_by.split(" (")[0]} <= set(_found(text, item))
    for words in (
        "MD5 of the whole file",
        "ab" * 16,
        "ef" * 32,
        "examination",
        "order 4/26",
        "CET +0100",
        "event 4 of",
        "Twelve years of acquisitions.",
        "Copied through a write blocker.",
        "A. Ruiz, forensic examiner",
        "Place and date",
        "Signature",
        "28 U.S.C. § 1746",
        "reasonable written notice",
        "Page 2 of 2",
    ):
        assert words in text, words


def test_no_heading_is_left_alone_at_the_foot_of_a_page() -> None:
    """Whatever stands above it, the heading of the process has its first lines on the same page."""
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext is not installed")
    for lines in range(0, 40, 2):
        items = tuple(replace(item, note="A line of the note. " * 6 * lines) for item in sheet().exhibits[:1])
        data = copy_sheet_pdf(sheet(exhibits=items))
        done = subprocess.run([tool, "-layout", "-", "-"], input=data, check=True, capture_output=True, timeout=60)
        (page,) = (page for page in done.stdout.decode().split("\f") if "Process of digital identification" in page)
        assert "Each source was opened" in page, lines


def _found(text: str, item: object) -> list[str]:
    wanted = (item.sha256, item.source_path, item.taken_in_by.split(" (")[0])  # type: ignore[attr-defined]
    return [words for words in wanted if words in text]


def test_no_word_of_a_conclusion_and_no_assertion_by_the_software() -> None:
    text = text_of(copy_sheet_pdf(sheet())).lower()
    for name in ESTABLISHED:
        text = text.replace(name.lower(), "")
    assert [pattern for pattern in FORBIDDEN if re.search(pattern, text)] == []
    assert "the software states what it recorded. it declares nothing" in text
    statements = [SHEETS[f"copy.statement.{number}"] for number in range(1, 5)]
    assert sum("____" in statement for statement in statements) == 3
    assert not any("{" in statement for statement in statements)


@pytest.mark.parametrize("name", ["qualifications", "process"])
def test_the_declarants_own_texts_are_mandatory(name: str) -> None:
    with pytest.raises(InputError, match="declarant's"):
        copy_sheet_pdf(sheet(declarant=replace(PERSON, **{name: " \n"})))
    assert copy_sheet_pdf(sheet(declarant=replace(PERSON, name="")))


def test_same_facts_same_bytes_with_every_font_inside() -> None:
    data = copy_sheet_pdf(sheet())
    assert data == copy_sheet_pdf(sheet())
    with pikepdf.open(io.BytesIO(data)) as pdf:
        fonts = [font for page in pdf.pages for font in page.Resources.Font.values()]
        assert fonts
        assert all("/FontFile2" in font.FontDescriptor for font in fonts)


def test_what_a_person_typed_is_never_markup() -> None:
    typed = "<b>bold</b> <img src='/etc/passwd'/> & more"
    hostile = Declarant(typed, typed, typed)
    text = text_of(copy_sheet_pdf(sheet(declarant=hostile)))
    assert text.count("<b>bold</b>") == 3


def test_many_exhibits_make_more_pages_and_none_is_lost() -> None:
    items = tuple(sample_facts.item(number, f"clip-{number}.mp4") for number in range(1, 41))
    text = text_of(copy_sheet_pdf(sheet(exhibits=items, provenance=())))
    assert all(f"clip-{number}.mp4" in text for number in range(1, 41))
    assert "none recorded" in text


def facts() -> ReportFacts:
    base = sample_facts.report_facts(tracks=0, exhibits=1)
    item = base.exhibits[0].item
    made = DerivedItem(
        id=DerivedId("d1"),
        number="DI-01",
        kind=DerivedKind.DERIVATIVE,
        parent_kind=ParentKind.EVIDENCE,
        parent=item.id,
        parent_sha256=item.sha256,
        operation="frame",
        parameters={"pts": 1200},
        tool="workstation 0.1.0",
        path="derived/frame.png",
        exported=False,
        sha256="34" * 32,
        size=100,
        made_at="2026-10-16T09:00:00.000+00:00",
        made_by="A. Ruiz",
    )
    return replace(base, provenance=(ExhibitProvenance(item.id, ORIGIN, (STREAM,)),), derived=(made,))


def test_a_report_prints_streams_purpose_authority_and_derived_items(identity: Identity, tmp_path: Path) -> None:
    twin, unsigned, _ = prepare_report(facts(), identity)
    text = text_of(unsigned)
    for words in ("order 4/26", "ef" * 16, "12" * 16, "DI-01", "derivative: frame", "34" * 16):
        assert words in text.replace(" ", "") or words in text, words
    held = json.loads(twin)
    assert held["provenance"][0]["streams"][0]["sha256"] == "ef" * 32
    assert held["derived"][0]["parameters"] == {"pts": 1200}


def test_a_report_from_before_these_facts_is_still_whole(identity: Identity) -> None:
    twin, _, _ = prepare_report(facts(), identity)
    old = json.loads(twin)
    added = {field.name for field in fields(ReportFacts)} & {"provenance", "derived"}
    assert added == {"provenance", "derived"}
    for name in added:
        del old[name]
    data = json.dumps(old, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert read_twin(data)[1] == ""
