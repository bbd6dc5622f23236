"""Metadata and file structure as a tree of named rows, for the inspector."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject, QSortFilterProxyModel, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel

from workstation.domain.metadata import JpegFacts, MediaMetadata, MetaField, MetaGroup, Part

_MOST_PARTS = 3_000
_MOST_WIDE = 300
_MOST_FIELDS = 400


def tr(text: str) -> str:
    return QCoreApplication.translate("field_tree", text)


@dataclass(frozen=True, slots=True)
class Node:
    """One row: name, value, words shown when the pointer rests on it, rows below it."""

    name: str
    value: str = ""
    tip: str = ""
    nodes: tuple[Node, ...] = ()


def metadata_nodes(found: MediaMetadata) -> tuple[Node, ...]:
    """What was read, the observations first, then times, compression, and every group with its fields."""
    nodes = []
    if found.observations:
        notes = tuple(Node(one.code.replace("_", " "), one.text, "\n".join(one.basis)) for one in found.observations)
        nodes.append(Node(tr("Observations"), "", tr("They conclude nothing."), notes))
    if found.times:
        times = tuple(
            Node(one.name, one.text, f"{one.source}\n{one.zone}\nUTC: {one.utc or '–'}") for one in found.times
        )
        nodes.append(Node(tr("Times"), "", found.caveats[-1] if found.caveats else "", times))
    if found.jpeg is not None:
        nodes.append(_jpeg(found.jpeg))
    if found.gop is not None:
        gop = found.gop
        nodes.append(
            Node(
                tr("Keyframes"),
                f"{gop.keyframes} / {gop.packets}",
                nodes=(
                    Node(tr("Stream"), f"{gop.stream} ({gop.codec})"),
                    Node(tr("Distance"), f"{gop.shortest} – {gop.longest}, {gop.usual}"),
                    Node(tr("Order"), tr("reordered (B-frames)") if gop.reordered else tr("as shown")),
                    Node(tr("Counted"), tr("all packets") if gop.complete else tr("the first packets only")),
                ),
            )
        )
    nodes += [_group(group) for group in found.groups]
    if found.warnings:
        nodes.append(
            Node(tr("Not read"), "", "", tuple(Node(str(k), line) for k, line in enumerate(found.warnings, 1)))
        )
    tools = tuple(Node(name, version) for name, version in found.tools)
    nodes.append(Node(tr("Read with"), "", "", tools))
    return tuple(nodes)


def structure_nodes(found: MediaMetadata) -> tuple[Node, ...]:
    """The tree of the file's parts; past a limit the rest is named in one row."""
    left = [_MOST_PARTS]

    def node(part: Part) -> Node | None:
        if left[0] <= 0:
            return None
        left[0] -= 1
        inner = tuple(made for one in part.parts if (made := node(one)) is not None)
        return Node(part.name, f"{part.offset} · {part.size} B", part.detail, inner)

    made = [one for part in found.structure if (one := node(part)) is not None]
    if left[0] <= 0:
        made.append(Node("…", tr("More parts than are shown here; the command line tells all.")))
    return tuple(made)


def _group(group: MetaGroup) -> Node:
    rows = [_field(one) for one in group.fields[:_MOST_FIELDS]]
    left = len(group.fields) - len(rows)
    if left:
        rows.append(Node("…", tr("{n} more fields; the command line tells all.").format(n=left)))
    return Node(group.name, "", group.where, tuple(rows))


def _field(one: MetaField) -> Node:
    lines = [one.raw if one.raw and one.raw != one.shown else "", one.kind]
    lines.append(tr("at {offset}").format(offset=one.offset) if one.offset is not None else "")
    lines.append(tr("{n} bytes").format(n=one.size) if one.size is not None else "")
    lines.append(f"SHA-256 {one.sha256}" if one.sha256 else "")
    return Node(one.name, one.shown, "\n".join(line for line in lines if line))


def _jpeg(jpeg: JpegFacts) -> Node:
    rows = [
        Node(tr("Process"), jpeg.process),
        Node(tr("Size"), f"{jpeg.width} × {jpeg.height}"),
        Node(tr("Subsampling"), jpeg.subsampling),
        Node(tr("Huffman tables"), jpeg.huffman),
        Node(tr("Restart interval"), str(jpeg.restart_interval or "–")),
        Node(tr("Scans"), str(jpeg.scans)),
        Node(tr("Markers"), jpeg.marker_order),
    ]
    for fit in jpeg.quality:
        how = tr("exactly") if fit.exact else tr("nearest, mean difference {d}").format(d=f"{fit.residual:g}")
        table = next((one for one in jpeg.tables if one.id == fit.table), None)
        lines = [] if table is None else [table.values[k : k + 8] for k in range(0, 64, 8)]
        tip = "\n".join(" ".join(f"{step:3}" for step in line) for line in lines)
        rows.append(Node(tr("Table {n}").format(n=fit.table), f"{fit.standard}, {fit.quality}, {how}", tip))
    rows += [Node(tr("Same tables as"), name) for name in jpeg.encoders]
    rows.append(Node(tr("Note"), jpeg.encoder_note))
    for one in jpeg.thumbnails:
        words = tr("other proportions") if one.aspect_differs else tr("same proportions")
        rows.append(Node(tr("Thumbnail"), f"{one.width} × {one.height}, {words}", one.where))
    if jpeg.history is not None:
        h = jpeg.history
        rows.append(
            Node(
                tr("Earlier compression"),
                tr("distance {a} (chance {b}), unevenness {c}, {scale}").format(
                    a=f"{h.measure:.3f}", b=f"{h.null:.3f}", c=f"{h.unevenness:.3f}", scale=h.scale
                ),
                h.words,
            )
        )
    return Node("JPEG", "", "", tuple(rows))


class FieldTreeModel(QStandardItemModel):
    """Two columns, name and value; the tip of a row is the tip of both."""

    def __init__(self, headings: tuple[str, str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setHorizontalHeaderLabels(list(headings))

    def show_nodes(self, nodes: Iterable[Node]) -> None:
        self.removeRows(0, self.rowCount())
        root = self.invisibleRootItem()
        for node in nodes:
            root.appendRow(_row(node))


def plain_tip(text: str) -> str:
    """A tip that shows ``text`` as it stands: Qt would take words from an exhibit for markup and load what it names."""
    return f'<p style="white-space: pre-wrap">{html.escape(text)}</p>' if text else ""


def _row(node: Node) -> list[QStandardItem]:
    """The two cells of a row with all rows below it; made before it enters the model, which is told only once."""
    name, value = QStandardItem(node.name), QStandardItem(node.value[:_MOST_WIDE].replace("\n", " "))
    tip = plain_tip(node.tip or node.value)
    for item in (name, value):
        item.setEditable(False)
        item.setToolTip(tip)
    value.setData(node.value, Qt.ItemDataRole.AccessibleTextRole)
    for inner in node.nodes:
        name.appendRow(_row(inner))
    return [name, value]


def filtered(model: FieldTreeModel, parent: QObject) -> QSortFilterProxyModel:
    """Rows whose name or value holds the words, with the rows above and below them."""
    made = QSortFilterProxyModel(parent)
    made.setSourceModel(model)
    made.setRecursiveFilteringEnabled(True)
    made.setAutoAcceptChildRows(True)
    made.setFilterKeyColumn(-1)
    made.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
    return made


def as_text(nodes: Iterable[Node], depth: int = 0) -> str:
    """Rows as lines, indented, name and value apart by a tab."""
    lines: list[str] = []
    for node in nodes:
        lines.append("  " * depth + f"{node.name}\t{node.value}".rstrip())
        if node.nodes:
            lines.append(as_text(node.nodes, depth + 1))
    return "\n".join(lines)
