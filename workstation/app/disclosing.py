"""What a disclosure pack says besides the records: cards of the detectors, how to run it again, how to verify, a page
to read it with (G15, C5)."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workstation import __version__
from workstation.app.session import CaseSession
from workstation.domain.detectors import Direction
from workstation.domain.evidence import EvidenceItem
from workstation.domain.examinations import Examination
from workstation.domain.ids import EvidenceId
from workstation.domain.kinds_of_forgery import NOT_FOR_ANY

if TYPE_CHECKING:
    from workstation.app.engine import Engine

_README = """This is a disclosure pack of a forensic case. It holds some exhibits in full.
Of everything else it holds the proofs that it was there, and nothing more.

Verify it, without the program that made it:
  unzip PACK.zip -d pack && cd pack
  openssl pkeyutl -verify -pubin -inkey manifest.pub -rawin -in manifest.json -sigfile manifest.sig
  jq -r '.members[] | "\\(.sha256)  \\(.name)"' manifest.json | sha256sum -c --quiet
With the program, every event of the chain of custody is verified too:
  workstation pack verify PACK.zip

viewer.html shows the records in any browser; it loads nothing from anywhere.
rerun.json says how each result is made again, and with what. Scores are uncalibrated and no conclusion.
A member that was taken out later is named in redactions.json; the others go on verifying.
"""


def explanations(
    engine: Engine, session: CaseSession, only: Sequence[EvidenceId], media: bool
) -> tuple[tuple[str, bytes], ...]:
    """(name in the pack, content) of everything that explains the records of the chosen exhibits."""
    items = [session.evidence_item(exhibit) for exhibit in dict.fromkeys(only)]
    runs = [run for run in session.examinations() if set(run.plan.evidence) & set(only)]
    found = [("README.txt", _README.encode())]
    found.append(("rerun.json", _json(_rerun(items, runs, media))))
    found.append(("viewer.html", _page(session, items, runs).encode()))
    used = {use.id for run in runs for use in run.plan.detectors}
    for package in engine.detectors():
        card = Path(package.folder) / "card.toml"
        if package.card.id in used and card.is_file():
            found.append((f"detectors/{package.card.id}/card.toml", card.read_bytes()))
    return tuple(found)


def _rerun(items: Sequence[EvidenceItem], runs: Sequence[Examination], media: bool) -> dict[str, object]:
    """Commands for a clean machine, and what their outcome is to be held against."""
    findings: list[dict[str, object]] = []
    for run in runs:
        for item in items:
            if item.id not in run.plan.evidence:
                continue
            detectors = " ".join(f"--detector {use.id}" for use in run.plan.detectors)
            merged = next((use.settings for use in run.plan.detectors if "merge" in use.settings), {})
            if merged:
                detectors += f" --merge {merged['merge']} --schedule {merged.get('schedule', 'even')}"
            frames = run.plan.frames or "all"
            findings.append(
                {
                    "exhibit": item.exhibit,
                    "exhibit_sha256": item.sha256,
                    "examination": run.number,
                    "commands": [
                        "workstation case create rerun",
                        f"workstation evidence add rerun exhibits/{item.exhibit}/original",
                        f"workstation examine rerun --frames {frames} --finder {run.plan.finder} {detectors}".rstrip(),
                        "workstation case show rerun --json",
                    ],
                    "detectors": [
                        {
                            "id": use.id,
                            "version": use.version,
                            "weights_sha256": use.weights_sha256,
                            "settings": dict(use.settings),
                        }
                        for use in run.plan.detectors
                    ],
                    "compare_with": f"exhibits/{item.exhibit}/examination-{run.number}/summary.json",
                    "environment": dict(run.environment.facts),
                }
            )
    note = "" if media else "The originals were not disclosed; hold yours against exhibit_sha256."
    return {"program": f"workstation {__version__}", "note": note, "findings": findings}


def _page(session: CaseSession, items: Sequence[EvidenceItem], runs: Sequence[Examination]) -> str:
    return "".join(_parts(session, items, runs))


def _parts(session: CaseSession, items: Sequence[EvidenceItem], runs: Sequence[Examination]) -> Iterator[str]:
    case = session.case
    yield (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{html.escape(case.number)}</title><style>body{{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem "
        "auto;padding:0 1rem}table{border-collapse:collapse}td,th{border:1px solid #888;padding:.2rem .6rem;"
        "text-align:left}code{word-break:break-all}</style></head><body>"
    )
    yield f"<h1>Case {html.escape(case.number)}: disclosed exhibits</h1>"
    yield f"<p>Examiner: {html.escape(case.examiner)}. Scores are uncalibrated and no conclusion.</p>"
    for item in items:
        yield f"<h2>{html.escape(item.exhibit)}: {html.escape(item.name)}</h2><p>SHA-256 <code>{item.sha256}</code>, "
        yield f"{item.size} bytes, taken in {html.escape(item.taken_in_at)} by {html.escape(item.taken_in_by)}.</p>"
        for run in runs:
            if item.id in run.plan.evidence:
                yield from _run(session, item, run)
    yield "</body></html>\n"


def _run(session: CaseSession, item: EvidenceItem, run: Examination) -> Iterator[str]:
    seen = session.coverage(run.id, item.id)
    yield f"<h3>Examination {run.number} ({html.escape(str(run.state))})</h3><p>{seen.examined} of {seen.frames_total} "
    yield f"frames examined, a face in {seen.with_face}, none in {seen.without_face}, unreadable {seen.unreadable}.</p>"
    falling = {use.id for use in run.plan.detectors if use.direction == Direction.LOWER_IS_MANIPULATED}
    validated = session.validated(run)
    yield "<table><tr><th>track</th><th>detector</th><th>mean</th><th>5-95 % of frames</th><th>scored</th>"
    yield "<th>abstained</th><th>failed</th></tr>"
    for row in session.summaries(run.id, item.id):
        mean = "none" if row.mean is None else f"{row.mean:.3f}"
        spread = "none" if row.low is None or row.high is None else f"{row.low:.3f} to {row.high:.3f}"
        if row.mean is not None and not validated.get(row.detector):
            mean, spread = NOT_FOR_ANY, "in summary.json"
        name = html.escape(row.detector) + (" (lower = manipulated)" if row.detector in falling else "")
        yield f"<tr><td>T{row.track_number}</td><td>{name}</td><td>{mean}</td><td>{spread}</td>"
        yield f"<td>{row.frames_scored}</td><td>{row.frames_abstained}</td><td>{row.frames_error}</td></tr>"
    yield "</table>"
    readings = session.track_readings(run.id, item.id)
    if not readings:
        return
    yield "<h4>Readings of whole tracks, uncalibrated</h4><table><tr><th>track</th><th>detector</th>"
    yield "<th>frames read</th><th>value</th><th>measures</th></tr>"
    for one in readings:
        name = html.escape(one.detector) + (" (lower = manipulated)" if one.detector in falling else "")
        said = f"{one.value:.3f}" if one.value is not None else "none"
        if one.value is not None and not validated.get(one.detector):
            said = NOT_FOR_ANY
        if one.abstention is not None:
            said = html.escape(
                f"{one.status}: {one.abstention.reason.value.replace('_', ' ')}, {one.abstention.detail}"
            )
        measures = "; ".join(
            html.escape(f"{m.label} {'none' if m.value is None else format(m.value, '.3f')}") for m in one.measures
        )
        yield f"<tr><td>T{one.track_number}</td><td>{name}</td><td>{len(one.frames)}</td><td>{said}</td>"
        yield f"<td>{measures}</td></tr>"
    yield "</table>"


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()
