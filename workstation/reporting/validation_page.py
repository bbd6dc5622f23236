"""The page of a validation record: what was measured of which detector on which set, and what stands beside it."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import cast

from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, Image, PageTemplate

from workstation.reporting import formatting, styles
from workstation.reporting.blocks import Cell, facts_table, heading, note, para, rows_table
from workstation.reporting.fonts import REGULAR, cut, register, runs
from workstation.reporting.wording import LANGUAGE, phrase, say

Facts = Mapping[str, object]

_QUIET = 8
_TOP, _BOTTOM = 16 * mm, 18 * mm
_FIGURES = (
    "auc",
    "auc_abstentions_at_chance",
    "auc_without_gates",
    "shortcut_auc",
    "auc_matched",
    "sharpness_spearman",
    "genuine_above_half",
    "ap",
    "eer",
    "tpr_at_1_fpr",
    "tpr_at_5_fpr",
    "auc_frames",
)
_PLACES = (
    "pixel_auc",
    "prior_pixel_auc",
    "pixel_auc_over_prior",
    "prior_mean_mask",
    "pixel_auc_over_mean_mask",
    "crop_pixel_auc",
    "prior_crop_pixel_auc",
    "prior_crop_mean_mask",
    "iou",
    "prior_iou",
    "f1",
    "coss",
    "psnr",
    "ssim",
    "organ_auc",
)
_ENVIRONMENT = ("product", "source_sha256", "python", "system", "processor", "finder", "finder_sha256", "torch")


def lay_out(record: Facts, title: str, curves: bytes | None = None) -> bytes:
    """Lay a record out as a plain PDF with all fonts embedded. Same record, same bytes.

    Args:
        curves: a PNG picture of the robustness curves, or None.
    """
    register()
    rl_config.useA85 = 0
    total = 1
    while True:
        data, pages = _once(record, title, curves, total)
        if pages == total:
            return data
        total = pages


def _once(record: Facts, title: str, curves: bytes | None, total: int) -> tuple[bytes, int]:
    def footer(canvas: Canvas, document: BaseDocTemplate) -> None:
        page = say("validation.page", page=document.page, total=total)
        wide = stringWidth(page, REGULAR, _QUIET)
        canvas.setFillColor(styles.SECOND)
        x = styles.LEFT
        for name, piece in runs(cut(title, styles.WIDTH - wide - 10 * mm, REGULAR, _QUIET), REGULAR):
            canvas.setFont(name, _QUIET)
            canvas.drawString(x, 12 * mm, piece)
            x += stringWidth(piece, name, _QUIET)
        canvas.setFont(REGULAR, _QUIET)
        canvas.drawString(styles.LEFT + styles.WIDTH - wide, 12 * mm, page)

    buffer = io.BytesIO()
    document = BaseDocTemplate(
        buffer, pagesize=styles.PAGE, initialFontName=REGULAR, invariant=1, title=title, lang=LANGUAGE
    )
    frame = Frame(styles.LEFT, _BOTTOM, styles.WIDTH, styles.PAGE[1] - _BOTTOM - _TOP, 0, 0, 0, 0, id="text")
    document.addPageTemplates([PageTemplate("record", [frame], onPage=footer)])
    document.build(flow(record, curves))
    return buffer.getvalue(), int(document.page)


def flow(record: Facts, curves: bytes | None = None) -> list[Flowable]:
    """The blocks of the page."""
    facts = _table(record, "figures")
    story: list[Flowable] = [*heading(say("validation.title"), 0), para(say("validation.lead"), styles.SMALL)]
    story += [facts_table(_what(record))]
    story += [*heading(say("validation.counts")), _counts(facts)]
    story += [*heading(say("validation.figures")), _figures(facts, _FIGURES)]
    story.append(para(say("validation.intervals"), styles.SMALL))
    story += _of_kind(record)
    story += _beside(record)
    story += _heights(facts)
    if "masks" in facts or "organ_items" in facts:
        story += heading(say("validation.places"))
        story.append(_figures(facts, _PLACES))
        if "masks" in facts:
            inside = facts.get("masks_in_face", 0)
            story.append(para(say("validation.places.note", masks=facts["masks"], inside=inside), styles.SMALL))
    story += _curves(facts, curves)
    caution = [f"{line}." for line in cast(Sequence[str], facts.get("cautions", ()))]
    caution += [str(line) for line in cast(Sequence[object], record.get("caution", ()))]
    story += [note(" ".join(caution))] if caution else []
    environment = _table(record, "environment")
    story += heading(say("validation.environment"))
    story.append(
        facts_table(
            (phrase("validation.with", key), str(environment[key])) for key in _ENVIRONMENT if key in environment
        )
    )
    return story


def _what(record: Facts) -> list[tuple[str, Cell]]:
    detector, labelled, settings = (_table(record, name) for name in ("detector", "set", "settings"))
    figures, faces, signing = (_table(record, name) for name in ("figures", "faces", "signing"))
    level, direction = str(detector["level"]), str(detector["direction"])
    quality, gates = settings.get("reencode"), settings.get("gates")
    how = say(
        "validation.settings.value",
        reencode=say("validation.reencode", quality=quality) if quality else say("validation.reencode.none"),
        gates=say("validation.gates") if gates else say("validation.gates.none"),
        finder=settings.get("finder"),
        frames=settings.get("frames"),
        device=detector["device"],
        precision=detector["precision"],
    )
    name = say(
        "validation.detector.value",
        name=detector["name"],
        id=detector["id"],
        version=detector["version"],
        reads=phrase("validation.reads", level),
        baseline=say("validation.baseline") if detector.get("baseline") else "",
    )
    items = say(
        "validation.set.value",
        name=labelled["name"],
        files=labelled["files"],
        first=figures["items_real"],
        second=figures["items_fake"],
    )
    rows: list[tuple[str, Cell]] = [
        (say("validation.detector"), name),
        (say("validation.direction"), phrase("validation.direction", direction)),
        (say("validation.card"), str(detector["card_sha256"])),
        (say("validation.weights"), str(detector["weights_sha256"])),
        (say("validation.set"), items),
        (say("validation.set.sha256"), str(labelled["sha256"])),
        (say("validation.labels.sha256"), str(labelled["labels_sha256"])),
        (say("validation.faces"), _heights_words(faces)),
        (say("validation.settings"), how),
    ]
    if settings.get("group_by"):
        column = say("validation.grouped.value", column=settings["group_by"])
        rows.append((say("validation.grouped"), column))
    made = say("validation.made.value", at=formatting.moment(str(record["made_at"])), id=record["id"])
    return [*rows, (say("validation.made"), made), (say("validation.signer"), str(signing.get("subject", "")))]


def _heights_words(faces: Facts) -> str:
    known = faces.get("height_px")
    if not isinstance(known, Sequence) or len(known) != 3:
        return say("validation.faces.none")
    least, median, most = (f"{float(value):.0f}" for value in known)
    return say("validation.faces.value", least=least, median=median, most=most)


def _counts(facts: Facts) -> Flowable:
    reasons = cast(Mapping[str, Mapping[str, int]], facts["not_scored"])
    rows = []
    for kind in ("real", "fake"):
        why = [
            say("validation.reason", count=counts[kind], reason=phrase("reason", reason))
            for reason, counts in reasons.items()
            if counts[kind]
        ]
        names = ("items", "n", "abstained", "errors")
        rows.append([say(f"validation.class.{kind}"), *(str(facts[f"{n}_{kind}"]) for n in names), "; ".join(why)])
    head = [say(f"validation.{key}") for key in ("class", "items", "scored", "abstained", "errors", "reasons")]
    return rows_table(head, rows, (4, 2, 2, 2.2, 2, 7), right=(1, 2, 3, 4))


def _figures(facts: Facts, names: Sequence[str]) -> Flowable:
    rows = []
    for name in names:
        if name in facts:
            value, interval = figure_words(facts, name)
            rows.append([_label(facts, name), value, interval])
    head = [say("validation.figure"), say("validation.value"), say("validation.interval")]
    return rows_table(head, rows, (10, 4, 5))


def _label(facts: Facts, name: str) -> str:
    best = facts.get("shortcut_best")
    return say(
        f"validation.{name}",
        pairs=facts.get("matched_pairs", 0),
        shortcut=phrase("validation.shortcut", str(best)) if best else "–",
        items=facts.get("organ_items", 0),
    )


def figure_words(facts: Facts, name: str) -> tuple[str, str]:
    """A figure and its interval in words; why there is none in the place of the figure."""
    value, low, high = (facts.get(key) for key in (name, f"{name}_low", f"{name}_high"))
    if not isinstance(value, int | float):
        why = cast(Mapping[str, str], facts.get("reasons", {})).get(name, "–")
        return say("validation.none", why=why), "–"
    interval = "–"
    if isinstance(low, int | float) and isinstance(high, int | float):
        # Outwards, so that what is printed never claims a narrower interval than was measured.
        interval = f"{math.floor(low * 1000) / 1000:.3f} to {math.ceil(high * 1000) / 1000:.3f}"
    return formatting.figure(float(value)), interval


def _of_kind(record: Facts) -> list[Flowable]:
    """The figure of the kind of forgery that the set is of, and what the rule of cards makes of it."""
    kind = _table(record, "kind")
    if not kind:
        return []
    named = say(f"kind.{kind['kind']}")
    found = _table(kind, "figure")
    if not found:
        told = say("validation.kind.none", kind=named)
        return [*heading(say("validation.kind")), para(told, styles.SMALL)]
    value, interval = figure_words({"auc": found["auc"], "auc_low": found["low"], "auc_high": found["high"]}, "auc")
    rule = "stands" if kind.get("stands") else "denies" if kind.get("contradicts") else "few"
    best = formatting.figure(cast(float, found["shortcut_auc"]))
    rows: list[tuple[str, Cell]] = [
        (named, say("validation.kind.value", value=value, interval=interval, pairs=found["items_genuine"])),
        (say("validation.kind.shortcut"), f"{found['shortcut']} {best}"),
        (say("validation.kind.conditions"), str(found["conditions"])),
        (say("validation.kind.rule"), say(f"validation.kind.{rule}")),
        (say("validation.kind.relied"), say(f"validation.kind.relied.{'on' if kind.get('relied_on') else 'off'}")),
    ]
    return [*heading(say("validation.kind")), facts_table(rows)]


def _beside(record: Facts) -> list[Flowable]:
    others = cast(Sequence[Facts], record.get("others", ()))
    if not others:
        return []
    rows = []
    for other in others:
        detector, facts = _table(other, "detector"), _table(other, "figures")
        counts = say("validation.beside.counts.value", first=facts["n_real"], second=facts["n_fake"])
        cells = []
        for key in ("auc", "auc_matched"):
            value, interval = figure_words(facts, key)
            cells.append(value if interval == "–" else say("validation.beside.figure", value=value, interval=interval))
        rows.append([f"{detector['id']} {detector['version']}", counts, *cells])
    head = [say(f"validation.{key}") for key in ("detector", "beside.counts", "beside.auc", "beside.matched")]
    return [*heading(say("validation.beside")), rows_table(head, rows, (5, 3, 6, 6))]


def _heights(facts: Facts) -> list[Flowable]:
    parts = cast(Sequence[Facts], facts.get("by_face_height", ()))
    if len(parts) < 2:
        return []
    rows = []
    for part in parts:
        counts = say("validation.beside.counts.value", first=part["n_real"], second=part["n_fake"])
        rows.append([str(part["face_height"]), counts, *figure_words(part, "auc")])
    head = [say(f"validation.{key}") for key in ("height", "beside.counts", "auc", "interval")]
    return [*heading(say("validation.heights")), rows_table(head, rows, (5, 4, 4, 5))]


def _curves(facts: Facts, picture: bytes | None) -> list[Flowable]:
    curves = cast(Sequence[Facts], facts.get("robustness", ()))
    if not curves:
        return []
    story: list[Flowable] = heading(say("validation.curves"))
    if picture is not None:
        image = Image(io.BytesIO(picture))
        image.drawHeight, image.drawWidth = styles.WIDTH * image.imageHeight / image.imageWidth, styles.WIDTH
        story.append(image)
    story.append(para(say("validation.curves.note"), styles.SMALL))
    rows = []
    for one in curves:
        shift, shortcut = one.get("shift"), one.get("shortcut_auc")
        name = f"{phrase('validation.family', str(one['family']))} {float(cast(float, one['level'])):.3g}"
        moved = f"{shift:+.3f}" if isinstance(shift, float) else "–"
        best = formatting.figure(shortcut) if isinstance(shortcut, float) else "–"
        crossed = one.get("flipped")
        over = f"{crossed:.1%}" if isinstance(crossed, float) else "–"
        lost = [one.get(f"lost_{label}") for label in ("real", "fake")]
        gone = str(sum(cast(Sequence[int], lost))) if None not in lost else "–"
        rows.append([name, *figure_words(one, "auc"), moved, over, best, gone])
    keys = ("condition", "auc", "interval", "shift", "flipped", "shortcut", "lost")
    return [
        *story,
        rows_table([say(f"validation.{key}") for key in keys], rows, (7, 2, 4, 2.5, 2.5, 2.5, 2.5), right=(3, 4, 5, 6)),
    ]


def _table(record: Facts, name: str) -> Facts:
    part = record.get(name)
    return part if isinstance(part, Mapping) else {}
