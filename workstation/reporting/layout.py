"""The document: page frame, running header and footer, contents, page totals, and the order of the sections."""

from __future__ import annotations

import io
from collections.abc import Callable

from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    TableStyle,
)
from reportlab.platypus.doctemplate import IndexingFlowable
from reportlab.platypus.tableofcontents import TableOfContents

from workstation.reporting import styles
from workstation.reporting.blocks import Heading, markup
from workstation.reporting.content import Content
from workstation.reporting.fonts import REGULAR, cut, register, runs
from workstation.reporting.sections import (
    cards,
    custody,
    environment,
    examinations,
    exhibits,
    limits,
    method,
    request,
    results,
    summary,
    title,
    verifying,
)
from workstation.reporting.wording import say

Progress = Callable[[int, int], None]

_QUIET = 8
_SECTION_ROOM = 80 * mm
# Every table must name a font: the default one is not embedded, and merely selecting it breaks PDF/A.
_CONTENTS_TABLE = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), REGULAR, 8),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ("RIGHTPADDING", (0, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
    ]
)

# Order of the body; each opens with a numbered heading, those of NEW_PAGE on a page of their own. The summary stands
# alone on its page (P12).
SECTIONS: tuple[tuple[str, Callable[[Content], list[Flowable]]], ...] = (
    ("summary.heading", summary.flow),
    ("request.heading", request.flow),
    ("exhibits.heading", exhibits.flow),
    ("runs.heading", examinations.flow),
    ("results.heading", results.flow),
    ("method.heading", method.flow),
    ("cards.heading", cards.flow),
    ("limits.heading", limits.flow),
    ("custody.heading", custody.flow),
    ("environment.heading", environment.flow),
    ("verify.heading", verifying.flow),
)


NEW_PAGE = frozenset({"summary.heading", "request.heading", "results.heading", "cards.heading", "limits.heading"})


def lay_out(content: Content, on_section: Progress | None = None) -> bytes:
    """Return the report as a plain PDF with all fonts embedded. Same content, same bytes.

    Args:
        on_section: called with (sections written, sections in all).
    """
    register()
    # Binary streams and reportlab's fixed date and id; the archive step sets the report's own date.
    rl_config.useA85 = 0
    buffer = io.BytesIO()
    document = _Document(buffer, content)
    contents = TableOfContents(
        levelStyles=[styles.CONTENTS, styles.CONTENTS_SUB], dotsMinLevel=-1, tableStyle=_CONTENTS_TABLE
    )
    story: list[Flowable] = [_PageTotal(document), *title.flow(content), NextPageTemplate("body"), PageBreak()]
    story += [Heading(say("document.contents"), 0), contents]
    for number, (key, flow) in enumerate(SECTIONS, start=1):
        story.append(PageBreak() if key in NEW_PAGE else CondPageBreak(_SECTION_ROOM))
        story += [Heading(say(key), 0, str(number)), *flow(content)]
        if on_section is not None:
            on_section(number, len(SECTIONS))
    document.multiBuild(story)
    return buffer.getvalue()


class _PageTotal(IndexingFlowable):  # type: ignore[misc]
    """Takes no room; asks for another pass until the number of pages printed in the footers is the true one."""

    def __init__(self, document: _Document) -> None:
        super().__init__()
        self._document = document

    def isSatisfied(self) -> bool:  # noqa: N802 - reportlab's name
        printed, self._document.printed_total = self._document.printed_total, self._document.page
        return bool(printed == self._document.page)

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        return 0.0, 0.0

    def draw(self) -> None:
        return None


class _Document(BaseDocTemplate):  # type: ignore[misc]
    def __init__(self, target: io.BytesIO, content: Content) -> None:
        super().__init__(
            target,
            pagesize=styles.PAGE,
            initialFontName=REGULAR,
            invariant=1,
            title=content.title,
            lang=content.language,
            leftMargin=styles.LEFT,
            rightMargin=styles.RIGHT,
            topMargin=styles.TOP,
            bottomMargin=styles.BOTTOM,
        )
        self.content = content
        self.printed_total = 0
        frame = Frame(styles.LEFT, styles.BOTTOM, styles.WIDTH, styles.HEIGHT, 0, 0, 0, 0, id="text")
        self.addPageTemplates(
            [
                PageTemplate("cover", [frame], onPage=self._cover),
                PageTemplate("body", [frame], onPage=self._running),
            ]
        )

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - reportlab's name
        if isinstance(flowable, Heading) and flowable.level < 2 and flowable.plain != say("document.contents"):
            key = f"heading-{self.seq.nextf('heading')}"
            self.canv.bookmarkPage(key)
            self.canv.addOutlineEntry(flowable.plain, key, flowable.level, closed=flowable.level > 0)
            if flowable.level == 0 or self.content.few_headings:
                self.notify("TOCEntry", (flowable.level, markup(flowable.plain), self.page, key))

    def _cover(self, canvas: Canvas, _document: BaseDocTemplate) -> None:
        canvas.setFillColor(styles.ACCENT)
        canvas.rect(styles.LEFT, styles.PAGE[1] - 20 * mm, 14 * mm, 1.2 * mm, stroke=0, fill=1)
        self._footer(canvas)

    def _running(self, canvas: Canvas, _document: BaseDocTemplate) -> None:
        y = styles.PAGE[1] - 15 * mm
        right = say("document.header.right", number=self.content.facts.number)
        wide = stringWidth(right, REGULAR, _QUIET)
        _put(canvas, styles.LEFT, y, self.content.header, styles.WIDTH - wide - 10 * mm)
        _put(canvas, styles.LEFT + styles.WIDTH - wide, y, right, wide + 1)
        canvas.setStrokeColor(styles.RULE)
        canvas.setLineWidth(0.5)
        canvas.line(styles.LEFT, y - 2.6 * mm, styles.LEFT + styles.WIDTH, y - 2.6 * mm)
        self._footer(canvas)

    def _footer(self, canvas: Canvas) -> None:
        y = 12 * mm
        total = self.printed_total or 1
        text = say("document.page", page=self.page, total=total)
        wide = stringWidth(text, REGULAR, _QUIET)
        _put(canvas, styles.LEFT, y, self.content.facts.product, styles.WIDTH - wide - 10 * mm)
        _put(canvas, styles.LEFT + styles.WIDTH - wide, y, text, wide + 1)


def _put(canvas: Canvas, x: float, y: float, text: str, room: float) -> None:
    """Write one quiet line, cut with an ellipsis where there is no room; the title page holds it in full."""
    canvas.setFillColor(styles.SECOND)
    for name, piece in runs(cut(text, room, REGULAR, _QUIET), REGULAR):
        canvas.setFont(name, _QUIET)
        canvas.drawString(x, y, piece)
        x += stringWidth(piece, name, _QUIET)
