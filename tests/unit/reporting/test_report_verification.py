"""Tampering: every change of a signed report is named (G7), the free bytes of its signature container included."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pikepdf
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from sample_facts import report_facts

from workstation.domain.custody import Verification
from workstation.domain.errors import IdentityError, NotFound
from workstation.reporting.archive import Imprint, archive
from workstation.reporting.builder import BuiltReport, prepare_report
from workstation.reporting.seal import seal
from workstation.reporting.signing import SELF_MADE, Identity, create_identity
from workstation.reporting.twin import results_json
from workstation.reporting.verification import verify_report


def verdict(data: bytes, folder: Path) -> Verification:
    path = folder / "tampered.pdf"
    path.write_bytes(data)
    return verify_report(path)[0]


def bad(verification: Verification) -> set[str]:
    return {line.subject for line in verification.bad}


def test_an_untouched_report_verifies_and_hands_back_its_results(sample: BuiltReport) -> None:
    verification, twin = verify_report(sample.path)
    assert verification.ok, verification.bad
    assert {line.subject for line in verification.lines} == {
        "file",
        "results digest",
        "results",
        "signature container",
        "signature",
        "coverage",
        "changes",
        "signer",
    }
    assert twin is not None
    head = twin["custody_head"]
    assert isinstance(head, dict)
    assert head["hash"] == report_facts().custody_head.hash.hex()
    assert SELF_MADE in next(line.detail for line in verification.lines if line.subject == "signer")


def positions(data: bytes) -> dict[str, list[int]]:
    """Offsets by area: every structure of the file by name, then anywhere."""
    dice = random.Random(20261121)
    start = data.rindex(b"/Contents <") + len(b"/Contents <")
    end = data.index(b">", start)
    used = start + len(data[start:end].rstrip(b"0"))
    byte_range = data.rindex(b"/ByteRange")
    tail = data.rindex(b"startxref")
    return {
        "header": [0, 3, 5, 7, 10],
        "byte range": [byte_range + k for k in range(0, 30, 3)],
        "container delimiters": [start - 1, end],
        "container DER": [start, start + 1, start + 2, start + 9, *dice.sample(range(start, used), 60)],
        "container padding": [used + 8, end - 1, *dice.sample(range(used + 8, end), 8)],
        "around the container": [start - 8, start - 3, end + 1, end + 2],
        "cross-reference and trailer": [tail, tail + 11, len(data) - 3, len(data) - 1, *range(tail - 40, tail, 8)],
        "anywhere": dice.sample(range(len(data)), 60),
    }


def test_every_single_flipped_byte_is_named(small: bytes, tmp_path: Path) -> None:
    """trust.md's table: the zero padding of /Contents goes unnoticed by every other validator; not here."""
    dice = random.Random(5)
    tried, missed = 0, []
    for area, offsets in positions(small).items():
        for offset in offsets:
            # Flipping bit 5 only changes the case of a hexadecimal letter, which decodes to the same byte.
            masks = (1, 0x20) if area.startswith("container") else (1 << dice.randrange(8),)
            for mask in masks:
                data = bytearray(small)
                data[offset] ^= mask
                tried += 1
                if verdict(bytes(data), tmp_path).ok:
                    missed.append((area, offset, mask))
    assert tried >= 150
    assert missed == []


def test_padding_and_signature_are_told_apart(small: bytes, tmp_path: Path) -> None:
    end = small.index(b">", small.rindex(b"/Contents <"))
    padded = bytearray(small)
    padded[end - 1] = ord("1")
    assert bad(verdict(bytes(padded), tmp_path)) == {"signature container"}
    page = bytearray(small)
    page[small.index(b"stream\n") + 60] ^= 4
    assert "signature" in bad(verdict(bytes(page), tmp_path))


@pytest.mark.parametrize("tail", [b"\n", b"% a remark\n", b"\x00" * 100])
def test_bytes_behind_the_end_are_named(small: bytes, tmp_path: Path, tail: bytes) -> None:
    assert "coverage" in bad(verdict(small + tail, tmp_path))


@pytest.mark.parametrize("cut", [1, 20, 5000])
def test_a_cut_file_is_named(small: bytes, tmp_path: Path, cut: int) -> None:
    assert not verdict(small[:-cut], tmp_path).ok


def written(writer: IncrementalPdfFileWriter) -> bytes:
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def test_an_update_of_the_metadata_is_named(small: bytes, tmp_path: Path) -> None:
    """The one update that pyHanko's own default policy lets through: another author in the XMP."""
    writer = IncrementalPdfFileWriter(io.BytesIO(small))
    metadata = writer.root["/Metadata"]
    metadata._data = metadata.data.replace(b"A. Ruiz", b"B. Ruiz")
    metadata._encoded_data = None
    writer.mark_update(writer.root.raw_get("/Metadata"))
    assert {"coverage", "changes"} <= bad(verdict(written(writer), tmp_path))


def test_an_update_that_adds_to_a_page_is_named(small: bytes, tmp_path: Path) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(small))
    extra = writer.add_object(generic.StreamObject(stream_data=b"0 0 50 50 re f"))
    page, _ = writer.find_page_for_modification(0)
    page = page.get_object()
    contents = page.raw_get("/Contents")
    page["/Contents"] = generic.ArrayObject([contents, extra])
    writer.update_container(page)
    assert {"coverage", "changes"} <= bad(verdict(written(writer), tmp_path))


def test_results_that_are_not_those_stated_are_named(tmp_path: Path, identity: Identity) -> None:
    """A validly signed file whose embedded results were exchanged before signing."""
    facts = report_facts(tracks=0, exhibits=1)
    twin, unsigned, _ = prepare_report(facts, identity)
    changed = twin.replace(b"2026-0417", b"2026-0418")
    imprint = Imprint("t", "a", facts.built_at, "p", "0" * 64, "en")
    with pikepdf.open(io.BytesIO(unsigned)) as pdf:
        del pdf.attachments["results.json"]
        plain = io.BytesIO()
        pdf.save(plain)
    sealed = seal(archive(plain.getvalue(), changed, imprint)[0], identity, reason="")
    assert bad(verdict(sealed, tmp_path)) == {"results digest"}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda twin: twin.replace(b'"schema":"workstation.results"', b'"schema":"else.results.twin1"'), "schema"),
        (lambda twin: twin[:-2] + b"9}", "version"),
        (lambda twin: twin.replace(b'"coverage":', b'"coverino":'), "coverage"),
        (lambda twin: b" " + twin, "canonical"),
        (lambda twin: twin[:-1], "JSON"),
        (lambda _: b"[]", "object"),
    ],
)
def test_results_of_another_shape_are_named(tmp_path: Path, identity: Identity, change: object, why: str) -> None:
    import hashlib

    assert callable(change)
    facts = report_facts(tracks=0, exhibits=1)
    twin = change(results_json(facts, identity))
    with pikepdf.new() as empty:
        empty.add_blank_page()
        plain = io.BytesIO()
        empty.save(plain)
    imprint = Imprint("t", "a", facts.built_at, "p", hashlib.sha256(twin).hexdigest(), "en")
    sealed = seal(archive(plain.getvalue(), twin, imprint)[0], identity, reason="")
    lines = verdict(sealed, tmp_path).bad
    assert any(line.subject == "results" and why in line.detail for line in lines), lines


def test_a_report_without_results_or_without_signature_is_named(tmp_path: Path, identity: Identity) -> None:
    _, unsigned, _ = prepare_report(report_facts(tracks=0, exhibits=1), identity)
    assert bad(verdict(unsigned, tmp_path)) == {"signature"}
    with pikepdf.open(io.BytesIO(unsigned)) as pdf:
        del pdf.attachments["results.json"]
        plain = io.BytesIO()
        pdf.save(plain)
    assert "results" in bad(verdict(seal(plain.getvalue(), identity, reason=""), tmp_path))


@pytest.mark.parametrize("content", [b"", b"just some text", b"%PDF-1.7\n%%EOF\n", bytes(4096)])
def test_what_is_no_pdf_is_named_without_an_exception(tmp_path: Path, content: bytes) -> None:
    verification, twin = verify_report_bytes(content, tmp_path)
    assert "file" in bad(verification)
    assert twin is None


def verify_report_bytes(content: bytes, folder: Path) -> tuple[Verification, dict[str, object] | None]:
    path = folder / "other.pdf"
    path.write_bytes(content)
    return verify_report(path)


def test_a_missing_report_or_trust_file_is_refused(tmp_path: Path, sample: BuiltReport) -> None:
    with pytest.raises(NotFound):
        verify_report(tmp_path / "none.pdf")
    with pytest.raises(NotFound):
        verify_report(sample.path, trust=tmp_path / "none.pem")
    junk = tmp_path / "junk.pem"
    junk.write_bytes(b"-----BEGIN NOTHING-----")
    with pytest.raises(IdentityError):
        verify_report(sample.path, trust=junk)


def test_trust_is_given_by_the_reader_alone(tmp_path: Path, sample: BuiltReport, identity: Identity) -> None:
    own, other = tmp_path / "own.der", tmp_path / "other.pem"
    own.write_bytes(identity.certificate)
    stranger = create_identity(tmp_path / "stranger.p12", name="B. Stranger", password="x")
    other.write_bytes(x509.load_der_x509_certificate(stranger.certificate).public_bytes(Encoding.PEM))
    trusted, _ = verify_report(sample.path, trust=own)
    assert trusted.ok
    assert "authority you trust" in next(line.detail for line in trusted.lines if line.subject == "signer")
    refused, _ = verify_report(sample.path, trust=other)
    assert bad(refused) == {"signer"}
