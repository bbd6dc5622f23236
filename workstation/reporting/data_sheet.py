"""A data sheet on copied data as a PDF of one or two pages, for a person to complete and sign by hand (E9).

It carries no digital signature on purpose: a signature of the installation would look like the declaration that only a
person can make.
"""

from __future__ import annotations

import io

from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

from workstation.domain.datasheets import CopySheet
from workstation.reporting import styles
from workstation.reporting.fonts import REGULAR, cut, register, runs
from workstation.reporting.sections import copy_sheet
from workstation.reporting.wording import LANGUAGE, say

_QUIET = 8
_TOP, _BOTTOM = 16 * mm, 18 * mm


def copy_sheet_pdf(sheet: CopySheet) -> bytes:
    """Lay a data sheet out. Same facts, same bytes; all fonts are embedded.

    Raises:
        InputError: qualifications or process description are blank.
    """
    sheet.declarant.check()
    register()
    rl_config.useA85 = 0
    total = 1
    while True:
        data, pages = _lay_out(sheet, total)
        if pages == total:
            return data
        total = pages


def _lay_out(sheet: CopySheet, total: int) -> tuple[bytes, int]:
    title = say("copy.document", case=sheet.case.number)

    def footer(canvas: Canvas, document: BaseDocTemplate) -> None:
        page = say("copy.page", page=document.page, total=total)
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
        buffer,
        pagesize=styles.PAGE,
        initialFontName=REGULAR,
        invariant=1,
        title=title,
        author=sheet.product,
        lang=LANGUAGE,
    )
    room = styles.PAGE[1] - _BOTTOM - _TOP
    frame = Frame(styles.LEFT, _BOTTOM, styles.WIDTH, room, 0, 0, 0, 0, id="text")
    document.addPageTemplates([PageTemplate("sheet", [frame], onPage=footer)])
    document.build(copy_sheet.flow(sheet))
    return buffer.getvalue(), int(document.page)
