"""The whole report: built, re-read, the same twice, and never half there (P1-P14, G7)."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pikepdf
import pytest
from pikepdf import pdfa
from sample_facts import card, report_facts

from workstation.domain.custody import canonical_json
from workstation.domain.errors import Cancelled, PermissionRefused, ReportError, ReportInvalid, StorageFull
from workstation.domain.reports import Exclusion, ReportFacts
from workstation.reporting import builder
from workstation.reporting.atomic import put_file
from workstation.reporting.builder import BuiltReport, build_report, prepare_report
from workstation.reporting.signing import Identity
from workstation.reporting.twin import plain
from workstation.reporting.verification import verify_report


def text_of(path: Path, first: int = 1, last: int = 999, *, layout: bool = True) -> str:
    tool = shutil.which("pdftotext")
    if tool is None:
        pytest.skip("pdftotext is not installed")
    command = [tool, *(["-layout"] if layout else []), "-f", str(first), "-l", str(last), str(path), "-"]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout


def flat(text: str) -> str:
    return " ".join(text.split())


def test_what_the_examiner_excluded_is_printed_with_its_reason(tmp_path: Path, identity: Identity) -> None:
    """X10: excluded results are counted and explained, never hidden."""
    facts = report_facts(exhibits=1)
    left_out = (Exclusion(2, None, "A face on a poster", 40), Exclusion(0, 3.5, "Lens flare", 4))
    facts = replace(facts, exhibits=(replace(facts.exhibits[0], exclusions=left_out, excluded=42),))
    said = flat(text_of(build_report(facts, tmp_path / "r.pdf", identity).path))
    assert "42 excluded by the examiner" in said
    assert "T2 A face on a poster 40" in said
    assert "every track at 3.500 s Lens flare 4" in said


def test_what_is_returned_is_what_lies_on_disk(sample: BuiltReport) -> None:
    data = sample.path.read_bytes()
    assert (sample.sha256, sample.size) == (hashlib.sha256(data).hexdigest(), len(data))
    with pikepdf.open(io.BytesIO(data)) as pdf:
        assert len(pdf.pages) == sample.pages
        twin = pdf.attachments["results.json"].get_file().read_bytes()
        relationship = pdf.attachments["results.json"].obj.AFRelationship
    assert relationship == pikepdf.Name.Data
    assert hashlib.sha256(twin).hexdigest() == sample.json_sha256
    assert [entry.name for entry in sample.path.parent.iterdir()] == [sample.path.name]


def test_the_twin_holds_every_fact_but_no_pixel(sample: BuiltReport) -> None:
    """P14: unrounded scores, every point of every series; arrays by shape and digest."""
    facts = report_facts()
    _, twin = verify_report(sample.path)
    assert twin is not None
    exhibits, case = twin["exhibits"], twin["case"]
    assert isinstance(exhibits, list)
    assert isinstance(case, dict)
    assert (case["id"], exhibits[0]["item"]["sha256"]) == (facts.case.id, facts.exhibits[0].item.sha256)
    exhibit = exhibits[0]
    assert exhibit["tracks"][0]["mean"] == facts.exhibits[0].tracks[0].mean
    assert len(exhibit["series"][0]["points"]) == len(facts.exhibits[0].series[0].points)
    rgb = facts.exhibits[0].key_frames[0].burn.rgb
    described = exhibit["key_frames"][0]["burn"]["rgb"]["array"]
    assert described["shape"] == list(rgb.shape)
    assert described["sha256"] == hashlib.sha256(np.ascontiguousarray(rgb).tobytes()).hexdigest()
    own = {key: value for key, value in twin.items() if key not in ("schema", "version", "signing")}
    assert json.loads(canonical_json({"f": plain(facts)}))["f"] == own


def test_values_json_does_not_know_are_written_as_words_and_unknown_kinds_refused() -> None:
    assert plain({"a": float("nan"), "b": float("-inf"), "c": (b"\x01", np.float32(0.5))}) == {
        "a": "NaN",
        "b": "-Infinity",
        "c": ["01", 0.5],
    }
    with pytest.raises(ReportError):
        plain(object())


def test_the_same_facts_and_signer_give_the_same_bytes_before_signing(identity: Identity) -> None:
    first, second = (prepare_report(report_facts(), identity) for _ in range(2))
    assert first == second


def test_another_process_and_zone_give_the_same_bytes(identity_file: Path, identity: Identity) -> None:
    script = (
        "import hashlib, sys; from pathlib import Path; from sample_facts import report_facts;"
        "from workstation.reporting.builder import prepare_report;"
        "from workstation.reporting.signing import load_identity;"
        "i = load_identity(Path(sys.argv[1]), 'correct horse');"
        "print(hashlib.sha256(prepare_report(report_facts(exhibits=1, tracks=1), i)[1]).hexdigest())"
    )
    environment = dict(os.environ, PYTHONHASHSEED="7", TZ="Asia/Tokyo", PYTHONPATH=str(Path(__file__).parent))
    done = subprocess.run(
        [sys.executable, "-c", script, str(identity_file)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    here = hashlib.sha256(prepare_report(report_facts(exhibits=1, tracks=1), identity)[1]).hexdigest()
    assert done.stdout.strip() == here


def test_the_file_is_pdf_a_and_every_font_is_embedded(identity: Identity) -> None:
    _, unsigned, _ = prepare_report(report_facts(title="张三案件", tracks=1), identity)
    with pikepdf.open(io.BytesIO(unsigned)) as pdf:
        assert pdfa.check(pdf, "3b").verdict == "pass"
        fonts = {str(font.BaseFont): font for page in pdf.pages for font in page.Resources.Font.values()}
        assert all("/FontFile2" in font.FontDescriptor for font in fonts.values())
        assert any("Droid" in name for name in fonts)
        assert str(pdf.Root.Lang) == "en"


def test_other_programs_accept_the_file(sample: BuiltReport) -> None:
    qpdf, pdfsig = shutil.which("qpdf"), shutil.which("pdfsig")
    if qpdf is None or pdfsig is None:
        pytest.skip("qpdf or pdfsig is not installed")
    checked = subprocess.run([qpdf, "--check", str(sample.path)], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    signed = subprocess.run([pdfsig, str(sample.path)], capture_output=True, text=True, timeout=60).stdout
    assert "Signature is Valid" in signed
    assert "Total document signed" in signed
    assert "self-made identity" in signed


def test_what_must_be_stated_is_stated(sample: BuiltReport) -> None:
    """One check a requirement; the words come from the printed pages."""
    facts = report_facts()
    text = flat(text_of(sample.path, layout=False))
    joined = text.replace(" ", "")
    exhibit, detector, run = facts.exhibits[0], facts.cards[0], facts.examinations[1]
    expected = {
        "P1 question": facts.case.question,
        "P1 not examined": "The file is text, not a picture or a video.",
        "P2 digest": exhibit.item.sha256,
        "P2 head": facts.custody_head.hash.hex(),
        "P2 short code": facts.custody_head.code,
        "P2 ledger key": facts.ledger_public_key,
        "P3 environment": "bfloat16",
        "P4 weights": detector.weights.sha256,
        "P4 training": detector.training,
        "P5 crop": "margin 1.3",
        "P5 finder weights": run.plan.finder_sha256,
        "P6 set": "own-dev-2026-11, H.264 CRF 23",
        "P6 interval": "0.771 to 0.884",
        "P7 weakness": "An uncalibrated score may be read as a probability.",
        "P8 acceptance": "Acceptance?",
        "P10 second examiner": "No second examination is recorded.",
        "P13 time stamp": "no independent authority attests it",
        "P14 digest": sample.json_sha256,
        "X1 runs": "2 examinations were run on this case; this report relies on 1 of them.",
        "X9 sampling": "28 of 840 examined (even-v1)",
        "X10 sum": "scored 87 · abstained 14 · errors 1 · sum 102",
        "G4 reason": "face too small",
        "baseline": "baseline",
        "pages": f"Page {sample.pages} of {sample.pages}",
    }
    missing = [name for name, words in expected.items() if "".join(words.split()) not in joined]
    assert missing == []


def test_every_score_has_the_word_uncalibrated_beside_it(sample: BuiltReport) -> None:
    """X11: each row of the track table that holds a number ends in the word."""
    rows = [line for line in text_of(sample.path).splitlines() if line.strip().startswith(("T1 ", "T2 "))]
    scored = [row for row in rows if "-small" in row and "0." in row and "not validated" not in row]
    assert len(scored) >= 6
    assert all("uncalibrated" in row for row in scored), scored


def page_opening_with(path: Path, pages: int, heading: str) -> int:
    return next(n for n in range(1, pages + 1) if any(heading == line.strip() for line in lines_of(path, n)))


def lines_of(path: Path, page: int) -> list[str]:
    return [" ".join(line.split()) for line in text_of(path, page, page).splitlines()]


def test_the_summary_is_one_page_without_a_score(identity: Identity, tmp_path: Path) -> None:
    """P12, at its fullest: twelve exhibits, long names, a question without end."""
    facts = report_facts(exhibits=12, tracks=1)
    facts = replace(facts, exhibits=tuple(replace(entry, key_frames=()) for entry in facts.exhibits))
    long = tuple(replace(c, name=f"{c.name} " + "with a very long name " * 12) for c in facts.cards)
    facts = replace(facts, cards=long, case=replace(facts.case, question="Was the face changed, and how? " * 60))
    built = build_report(facts, tmp_path / "full.pdf", identity)
    first = page_opening_with(built.path, built.pages, "1 Summary in plain language")
    following = page_opening_with(built.path, built.pages, "2 Request and scope")
    assert following - first == 1
    summary = text_of(built.path, first, first)
    assert "uncalibrated" in summary
    assert "inconclusive" in summary
    body = "\n".join(line for line in summary.splitlines() if "workstation 0.1.0" not in line)
    assert re.findall(r"\d\.\d", body) == []


HOSTILE = 'a<b & c</para><img src="file:///etc/hostname"/><font color="red">x</font> &amp; {braces} %s'


def test_what_a_person_typed_is_printed_not_obeyed(identity: Identity, tmp_path: Path) -> None:
    """reportlab reads markup: unescaped text would open local files or fail (trust.md 1.1)."""
    facts = report_facts(title=HOSTILE, number="<b>1</b> & 2", name=HOSTILE + ".mp4", tracks=1, exhibits=1)
    used = replace(facts.cards[0], name=HOSTILE, training=HOSTILE, limits=(HOSTILE,))
    facts = replace(
        facts,
        case=replace(facts.case, question=HOSTILE, examiner=HOSTILE),
        cards=(used, *facts.cards[1:]),
        environment=((HOSTILE, HOSTILE),),
    )
    built = build_report(facts, tmp_path / "hostile.pdf", identity)
    text = flat(text_of(built.path, layout=False)).replace(" ", "")
    assert text.count("".join(["a<b", "&", "c</para><img", 'src="file:///etc/hostname"/>'])) >= 6


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(report_facts(tracks=0), id="no face anywhere"),
        pytest.param(report_facts(exhibits=1, tracks=6), id="six tracks"),
        pytest.param(report_facts(abstain_all=True), id="all abstained"),
        pytest.param(report_facts(exhibits=0), id="nothing examined"),
        pytest.param(report_facts(validated=False), id="never validated"),
        pytest.param(
            report_facts(title="张三案件：对视频的检验 한국 \u202egpj.exe", name="采访视频" * 40 + ".mp4"), id="Chinese"
        ),
        pytest.param(report_facts(title="", number=""), id="no title"),
        pytest.param(report_facts(title="Long " * 400, number="N" * 400, name="x" * 1500 + ".mp4"), id="very long"),
    ],
)
def test_every_shape_of_case_gives_a_report_that_verifies(
    facts: ReportFacts, identity: Identity, tmp_path: Path
) -> None:
    built = build_report(facts, tmp_path / "shape.pdf", identity)
    assert verify_report(built.path)[0].ok


def test_text_longer_than_a_page_flows_on(identity: Identity, tmp_path: Path) -> None:
    facts = report_facts(tracks=1, exhibits=1)
    long = replace(facts.cards[0], training=" ".join(f"sentence-{n}." for n in range(1500)))
    facts = replace(facts, cards=(long,), case=replace(facts.case, question="Why? " * 3000))
    built = build_report(facts, tmp_path / "long.pdf", identity)
    text = text_of(built.path)
    assert [n for n in range(1500) if f"sentence-{n}." not in text] == []


def test_counts_that_do_not_add_up_are_said_in_the_report(identity: Identity, tmp_path: Path) -> None:
    """X10, G14: a coverage that lost rows must not look like a sound one."""
    facts = report_facts(exhibits=1)
    entry = facts.exhibits[0]
    wrong = replace(entry, coverage=replace(entry.coverage, without_face=3))
    built = build_report(replace(facts, exhibits=(wrong,)), tmp_path / "wrong.pdf", identity)
    assert "do not add up" in flat(text_of(built.path))


def test_progress_ends_at_its_total_and_can_stop_the_building(identity: Identity, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    facts = report_facts(tracks=0, exhibits=1)
    build_report(facts, tmp_path / "a.pdf", identity, on_progress=lambda done, total, _: seen.append((done, total)))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == seen[-1][1]

    def stop(done: int, _total: int, _note: str) -> None:
        if done == 5:
            raise Cancelled("The examiner cancelled.")

    with pytest.raises(Cancelled):
        build_report(facts, tmp_path / "b.pdf", identity, on_progress=stop)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.pdf"]


def test_a_report_that_does_not_verify_is_never_put_in_place(
    identity: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = builder.seal

    def faulty(prepared: bytes, who: Identity, *, reason: str) -> bytes:
        data = bytearray(original(prepared, who, reason=reason))
        data[len(data) // 3] ^= 8
        return bytes(data)

    monkeypatch.setattr(builder, "seal", faulty)
    kept = tmp_path / "report.pdf"
    kept.write_bytes(b"the earlier report")
    with pytest.raises(ReportInvalid):
        build_report(report_facts(tracks=0, exhibits=1), kept, identity)
    assert kept.read_bytes() == b"the earlier report"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.pdf"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX")
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, identity_file: Path) -> None:
    """A file size limit stops the write in the middle, as a full disk does, in a process of its own."""
    script = (
        "import resource, sys; from pathlib import Path; from sample_facts import report_facts;"
        "from workstation.domain.errors import StorageFull;"
        "from workstation.reporting.builder import build_report;"
        "from workstation.reporting.signing import load_identity\n"
        "i = load_identity(Path(sys.argv[1]), 'correct horse')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30000, 30000))\n"
        "try:\n    build_report(report_facts(tracks=0, exhibits=1), Path(sys.argv[2]), i)\n"
        "except StorageFull as fault:\n    print('full:', fault.line())\n"
    )
    target = tmp_path / "report.pdf"
    done = subprocess.run(
        [sys.executable, "-c", script, str(identity_file), str(target)],
        env=dict(os.environ, PYTHONPATH=str(Path(__file__).parent)),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.startswith("full:"), done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EACCES, PermissionRefused),
        (errno.EROFS, PermissionRefused),
        (errno.EIO, ReportError),
    ],
)
def test_what_the_disk_says_becomes_one_line(
    number: int, expected: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(expected):
        put_file(tmp_path / "a.pdf", b"data")
    assert list(tmp_path.iterdir()) == []


def test_places_where_nothing_can_be_written_are_refused(identity: Identity, tmp_path: Path) -> None:
    facts = report_facts(tracks=0, exhibits=1)
    with pytest.raises(ReportError, match="folder"):
        build_report(facts, tmp_path / "missing" / "report.pdf", identity)
    (tmp_path / "folder.pdf").mkdir()
    with pytest.raises(ReportError):
        build_report(facts, tmp_path / "folder.pdf", identity)
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder.pdf"]
    if os.name == "posix" and os.geteuid() != 0:
        locked = tmp_path / "locked"
        locked.mkdir(mode=0o500)
        with pytest.raises(PermissionRefused):
            build_report(facts, locked / "report.pdf", identity)


def test_importing_the_room_loads_no_network_library() -> None:
    script = "import sys, workstation.reporting.builder, workstation.reporting.figures; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "False"


def test_a_card_with_nothing_optional_is_printed(identity: Identity, tmp_path: Path) -> None:
    bare = replace(card(), summary="", trace="", paper="", training="", limits=(), validation=(), card_sha256="")
    facts = replace(report_facts(tracks=1, exhibits=1), cards=(bare,), environment=())
    text = flat(text_of(build_report(facts, tmp_path / "bare.pdf", identity).path))
    assert "The error rate of this detector is not known." in text
